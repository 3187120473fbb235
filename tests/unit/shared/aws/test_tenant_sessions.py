"""Tenant sessions: one for each tenant and role, until shortly before its end; nothing is shared between two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws.tenant_sessions import RESERVE_SECONDS, TenantClients, TenantSessions
from shared.errors import StoreUnavailable
from tests.fakes.clock import FakeClock

ROLE, LIMITED = "arn:aws:iam::111122223333:role/tenant", "arn:aws:iam::111122223333:role/tenant-limited"


class FakeSts:
    """Gives credentials that say whose they are, for an hour."""

    def __init__(self, clock: FakeClock, ahead_seconds: float = 0) -> None:
        self.asked: list[dict[str, Any]] = []
        self.fail_with: Exception | None = None
        self._clock = clock
        self._ahead_seconds = ahead_seconds

    def assume_role(self, **request: Any) -> dict[str, Any]:
        if self.fail_with:
            raise self.fail_with
        self.asked.append(request)
        seconds = request["DurationSeconds"] + self._ahead_seconds
        until = datetime.fromtimestamp(self._clock.wall(), UTC) + timedelta(seconds=seconds)
        name = f"{request['RoleArn'].rpartition('/')[2]}-{request['Tags'][0]['Value']}-{len(self.asked)}"
        credentials = {"AccessKeyId": name, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": until}
        return {"Credentials": credentials}


@pytest.fixture(autouse=True)
def _region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def sessions_of(sts: FakeSts, clock: FakeClock, **more: Any) -> TenantSessions[TenantClients]:
    return TenantSessions(sts, build=lambda clients: clients, wall=clock.wall, **more)  # type: ignore[arg-type]


def key_of(clients: TenantClients) -> tuple[str, str]:
    """The access keys that a session's clients sign with."""
    one, other = (client._request_signer._credentials.access_key for client in (clients.dynamodb, clients.kms))
    return str(one), str(other)


def test_a_session_carries_the_tenants_tag_and_nothing_else(clock):
    sts = FakeSts(clock)

    clients = sessions_of(sts, clock).of("acme", ROLE)

    (asked,) = sts.asked
    assert asked == {
        "RoleArn": ROLE,
        "RoleSessionName": asked["RoleSessionName"],
        "DurationSeconds": 3_600,
        "Tags": [{"Key": "TenantID", "Value": "acme"}],
    }
    assert asked["RoleSessionName"].startswith("api-")
    assert "acme" == clients.tenant_id
    assert ("tenant-acme-1", "tenant-acme-1") == key_of(clients)


def test_each_tenant_and_role_has_its_own_and_keeps_it(clock):
    sessions = sessions_of(FakeSts(clock), clock)

    first = [sessions.of("acme", ROLE), sessions.of("acme", LIMITED), sessions.of("other", ROLE)]

    assert ["tenant-acme-1", "tenant-limited-acme-2", "tenant-other-3"] == [key_of(one)[0] for one in first]
    again = [sessions.of("acme", ROLE), sessions.of("acme", LIMITED), sessions.of("other", ROLE)]
    assert [id(one) for one in first] == [id(one) for one in again]


@pytest.mark.parametrize("ahead_seconds", [0, 4_000])
def test_a_session_is_replaced_shortly_before_its_end_with_all_that_stands_on_it(clock, ahead_seconds):
    sts = FakeSts(clock, ahead_seconds)
    sessions = sessions_of(sts, clock)
    first = sessions.of("acme", ROLE)

    clock.advance(3_600 - RESERVE_SECONDS - 1)
    assert first is sessions.of("acme", ROLE)
    clock.advance(1)

    assert "tenant-acme-2" == key_of(sessions.of("acme", ROLE))[0]


def test_where_this_clock_is_ahead_a_session_ends_early(clock):
    sessions = sessions_of(FakeSts(clock, ahead_seconds=-3_000), clock)
    first = sessions.of("acme", ROLE)

    clock.advance(300)

    assert first is not sessions.of("acme", ROLE)


def test_the_least_recently_used_go(clock):
    sts = FakeSts(clock)
    sessions = sessions_of(sts, clock, max_sessions=2)

    for tenant in ("a", "b", "a", "c", "a", "b"):
        sessions.of(tenant, ROLE)

    assert ["a", "b", "c", "b"] == [asked["Tags"][0]["Value"] for asked in sts.asked]


def test_a_refusal_is_not_kept_and_says_whose_session(clock):
    sts = FakeSts(clock)
    sts.fail_with = ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")
    sessions = sessions_of(sts, clock)

    with pytest.raises(StoreUnavailable, match="session of tenant acme: AccessDenied"):
        sessions.of("acme", ROLE)
    sts.fail_with = None
    assert "acme" == sessions.of("acme", ROLE).tenant_id
