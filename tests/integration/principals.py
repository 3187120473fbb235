"""Calls to AWS as whoever a test wants to be: sessions of the deployed roles, on one set of clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import Any, Final
from uuid import uuid4

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError

from infra.tenant_tag import TAG
from shared.aws.clients import client, config
from tests.local_aws.support import ACCOUNT

DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_building: Final = Lock()
_acting: ContextVar[ReadOnlyCredentials] = ContextVar("acting")


class _Acting(Credentials):
    """Whoever the calling thread acts as; building clients for each session would take seconds."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _acting.get()


def role_arn(role: str) -> str:
    """The ARN of a role of the deployment, given without the prefix."""
    return f"arn:aws:iam::{ACCOUNT}:role/sealstream-{role}"


def session_of(role: str) -> ReadOnlyCredentials:
    """A session of a role that a service has."""
    return credentials_of(client("sts").assume_role(RoleArn=role_arn(role), RoleSessionName="isolation"))


def tenant_session(tenant_id: str, role: str = "tenant") -> ReadOnlyCredentials:
    """A session as the tenant API's function gets it: the only way to one."""
    tags = [{"Key": TAG, "Value": tenant_id}]
    with acting_as(session_of("tenant-api")):
        return credentials_of(calls("sts").assume_role(RoleArn=role_arn(role), RoleSessionName="isolation", Tags=tags))


def boto3_session(credentials: ReadOnlyCredentials) -> boto3.Session:
    """For a reader that builds clients of its own."""
    return boto3.Session(credentials.access_key, credentials.secret_key, credentials.token)


@contextmanager
def administrator() -> Iterator[str]:
    """Act as a role of one's own that is allowed everything, within the block; its ARN."""
    name, iam = f"administrator-{uuid4().hex[:12]}", boto3.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    trusted, allowed = (json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, everything))
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=allowed)
    try:
        with acting_as(credentials_of(client("sts").assume_role(RoleArn=arn, RoleSessionName="isolation"))):
            yield arn
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="everything")
        iam.delete_role(RoleName=name)


@contextmanager
def acting_as(credentials: ReadOnlyCredentials) -> Iterator[None]:
    """What `calls` gives is used by the thread as this session, within the block."""
    token = _acting.set(credentials)
    try:
        yield
    finally:
        _acting.reset(token)


def calls(service: str) -> Any:
    """A client that signs with the credentials of `acting_as`, and never retries."""
    with _building:
        return _client(service)


@cache
def _client(service: str) -> Any:
    core: Any = botocore.session.Session()
    core._credentials = _Acting("", "")
    settings = config(service).merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}))
    return boto3.Session(botocore_session=core).client(service, config=settings)  # type: ignore[call-overload]


def refusal(call: Any, **parameters: Any) -> str:
    """The error code of one call; "" where there is none."""
    try:
        call(**parameters)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def credentials_of(answer: Any) -> ReadOnlyCredentials:
    given = answer["Credentials"]
    return ReadOnlyCredentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
