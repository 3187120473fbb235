"""What the contract tests of the local AWS share; the fixtures are in conftest.py."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any, TypeVar
from uuid import uuid4

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "000000000000"
PATIENCE = 3
"""So many times as long as on an idle machine may all take on a busy one."""

T = TypeVar("T")
_making_clients = Lock()


@dataclass
class LocalAws:
    """A started local AWS without stacks."""

    endpoint: str
    _clients: dict[Any, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, credentials: Mapping[str, Any] | None = None) -> Any:
        """A boto3 client of the root user, or of `credentials` as AssumeRole returns them; never retries."""
        key = (service, credentials["AccessKeyId"] if credentials else "test")
        with _making_clients:  # which is not thread-safe
            if key not in self._clients:
                chosen = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
                self._clients[key] = _session().client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self.endpoint,
                    region_name=REGION,
                    aws_access_key_id=chosen["AccessKeyId"],
                    aws_secret_access_key=chosen["SecretAccessKey"],
                    aws_session_token=chosen.get("SessionToken"),
                    config=Config(retries={"max_attempts": 0, "mode": "standard"}, max_pool_connections=20),
                )
            return self._clients[key]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@cache
def _session() -> boto3.session.Session:
    """One for all clients: each reads some megabytes of AWS's endpoints and services, a tenth of a second of it."""
    return boto3.session.Session()


def unique(prefix: str) -> str:
    """A name that no other test of the session uses."""
    return f"{prefix}-{uuid4().hex[:8]}"


def wait_until(condition: Callable[[], T], deadline_seconds: float = 10, every_seconds: float = 0.02) -> T:
    """The first truthy value of `condition`; fails where there is none before the deadline, that of an idle machine."""
    deadline = time.monotonic() + PATIENCE * deadline_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE * deadline_seconds:g} s; the last value was {value!r}")
        time.sleep(every_seconds)


def make_role(aws: LocalAws, policy: Mapping[str, Any] | None = None, name: str | None = None) -> str:
    """The ARN of a new role that the account may assume, and Lambda, Step Functions and EventBridge.

    `policy` is all that it may do (default: everything).
    """
    iam = aws.client("iam")
    name = name or unique("role")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": [f"{name}.amazonaws.com" for name in ("lambda", "states", "events")]},
                "Action": "sts:AssumeRole",
            },
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
            },
        ],
    }
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy or everything))
    return arn


def make_function(
    aws: LocalAws,
    source: str,
    *,
    role: str | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: int = 10,
    **options: Any,
) -> str:
    """The name of a new Python function; `source` is its one module and defines `handler(event, context)`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", source)
    name = unique("function")
    client = aws.client("lambda")
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role or make_role(aws),
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=timeout_seconds,
        Environment={"Variables": dict(environment or {})},
        **options,
    )
    wait_until(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active")
    return name


def invoke(aws: LocalAws, function: str, event: Any = None, **options: Any) -> Any:
    """What the function returned, decoded; options go to Invoke."""
    response = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event), **options)
    return json.loads(response["Payload"].read() or "null")
