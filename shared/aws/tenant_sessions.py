"""Credentials that IAM ties to one tenant, and what was built upon them; never shared between tenants.

A session is AssumeRole with the tag `TenantID`. Whatever is built upon it lives and ends with it, caches included.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import boto3
import botocore.session
from botocore.loaders import create_loader

from shared.aws.clients import READ_TIMEOUT_SECONDS, hurried_client
from shared.aws.errors import AWS_ERRORS, store_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sts import STSClient

Built = TypeVar("Built")

TENANT_TAG: Final = "TenantID"
SESSION_SECONDS: Final = 3_600
"""The most that AWS gives to a role that assumes another."""
RESERVE_SECONDS: Final = 300
"""How long before its end a session is replaced."""
MAX_SESSIONS: Final = 100
"""Each takes some 0.6 MB, and 20 ms to build."""


@dataclass(frozen=True, slots=True)
class TenantClients:
    """What a tenant session calls AWS by.

    Attributes:
        tenant_id: the value of its tag.
        dynamodb: to read by.
        writes: sends each request once: repeated after its answer was lost, a write on what stood there could take a
            later one for what it is to replace.
    """

    tenant_id: str
    dynamodb: DynamoDBClient
    writes: DynamoDBClient
    kms: KMSClient


class TenantSessions(Generic[Built]):
    """What was built for each tenant and role; the least recently used go.

    Args:
        sts: whose credentials may assume the roles, and are used for nothing else here.
        build: makes what is kept.
        demand: of each attempt of a session's clients, the seconds that it can take; what it raises ends the call.
        wall: seconds since the epoch.
    """

    def __init__(
        self,
        sts: STSClient,
        *,
        build: Callable[[TenantClients], Built],
        demand: Callable[[float], None] = lambda _: None,
        wall: Callable[[], float] = time,
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        self._sts = sts
        self._build = build
        self._demand = demand
        self._wall = wall
        self._max_sessions = max_sessions
        self._kept: OrderedDict[tuple[str, str], tuple[float, Built]] = OrderedDict()
        self._lock = Lock()
        self._loader = create_loader()

    def of(self, tenant_id: str, role_arn: str) -> Built:
        """What stands on a session of this tenant and role, with `RESERVE_SECONDS` left at least.

        Raises:
            StoreUnavailable: STS does not answer, or refuses.
        """
        key = (tenant_id, role_arn)
        with self._lock:
            until, built = self._kept.pop(key, (0.0, None))
            if built is None or self._wall() >= until:
                until, built = self._assume(tenant_id, role_arn)
            self._kept[key] = (until, built)
            while len(self._kept) > self._max_sessions:
                self._kept.popitem(last=False)
            return built

    def forget(self, tenant_id: str, role_arn: str) -> None:
        """Keep it no longer: its credentials are said to be no good."""
        with self._lock:
            self._kept.pop((tenant_id, role_arn), None)

    def _assume(self, tenant_id: str, role_arn: str) -> tuple[float, Built]:
        """Until when it may be used, and what was built."""
        asked_at = self._wall()
        try:
            answer = self._sts.assume_role(
                RoleArn=role_arn,
                RoleSessionName=f"api-{sha256(tenant_id.encode()).hexdigest()[:16]}",
                DurationSeconds=SESSION_SECONDS,
                Tags=[{"Key": TENANT_TAG, "Value": tenant_id}],
            )
        except AWS_ERRORS as error:
            raise store_error(error, f"a session of tenant {tenant_id}") from None
        given = answer["Credentials"]
        # never longer than was asked for, where this clock is behind AWS's
        seconds = min(given["Expiration"].timestamp() - asked_at, SESSION_SECONDS)
        core = botocore.session.Session()
        core.register_component("data_loader", self._loader)  # holds no credentials; a model takes 100 ms to read
        session = boto3.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            botocore_session=core,
        )
        client = partial(hurried_client, demand=self._demand, session=session)
        writes = client("dynamodb", attempts=1, read_timeout_seconds=READ_TIMEOUT_SECONDS)
        clients = TenantClients(tenant_id, client("dynamodb"), writes, client("kms"))
        return asked_at + seconds - RESERVE_SECONDS, self._build(clients)
