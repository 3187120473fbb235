"""What is counted of each request: who was turned away, and how often KMS was asked."""

from __future__ import annotations

import json

import pytest

from shared.errors import KeyServiceUnavailable, StoreDenied
from tests.fakes.tenant_api import ApiWorld

BODY = {"amount": 1, "name": "Ann", "secret": "x"}


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


@pytest.fixture
def figures(capsys):
    """The metrics of the one invocation since the last time."""

    def read() -> dict[str, int]:
        (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert {"_aws", "Function", *(one["Name"] for one in directive["Metrics"])} == line.keys(), "no tenant"
        return {one["Name"]: line[one["Name"]] for one in directive["Metrics"]}

    return read


@pytest.mark.parametrize(
    "denied",
    [{"tenant_id": "other"}, {"claims": {"tenant_id": "acme", "scope": ""}}, {"claims": {}}],
)
def test_whoever_is_turned_away_is_counted(world, figures, denied):
    assert 403 == world.get(**denied).status

    assert {"AccessDenied": 1, "KmsCalls": 0, "KmsFailures": 0} == figures()
    assert ["access.denied"] == [event["event"] for event in world.audit_events()]


def test_what_is_only_not_there_is_not_counted_as_denied(world, figures):
    assert 404 == world.get().status

    assert {"AccessDenied": 0, "KmsCalls": 0, "KmsFailures": 0} == figures()


def test_each_request_counts_its_own_calls_of_kms(world, figures):
    world.put(BODY)
    assert {"AccessDenied": 0, "KmsCalls": 2, "KmsFailures": 0} == figures(), "a key for each of two classes"

    world.get()
    assert {"AccessDenied": 0, "KmsCalls": 0, "KmsFailures": 0} == figures(), "they are at hand"

    world.restart()
    world.get()
    assert {"AccessDenied": 0, "KmsCalls": 2, "KmsFailures": 0} == figures()


def test_a_call_that_kms_refused_counts(world, figures):
    world.put(BODY)
    figures()

    world.get(claims={"tenant_id": "acme", "scope": "items.read"})

    assert {"AccessDenied": 0, "KmsCalls": 2, "KmsFailures": 0} == figures(), (
        "the class that stays closed is no denial of the API's"
    )
    assert ["restricted"] == world.denials


def test_a_call_that_kms_throttled_counts_as_a_failure(world, figures):
    world.put(BODY)
    world.restart()
    figures()

    world.kms.fail_with = KeyServiceUnavailable("throttled")

    assert 503 == world.get().status
    assert 0 < figures()["KmsFailures"]


def test_calls_of_a_session_that_was_replaced_count(world, figures):
    def revoked(_: object) -> None:
        world.table.before_put = lambda _: None
        raise StoreDenied("writing an item: AccessDeniedException")

    world.table.before_put = revoked

    assert 201 == world.put(BODY).status
    assert {"AccessDenied": 0, "KmsCalls": 4, "KmsFailures": 0} == figures()


def test_a_request_that_nobody_foresaw_is_counted_too(world, figures):
    def fails(_: object) -> None:
        raise ZeroDivisionError

    world.table.before_put = fails

    assert 500 == world.put(BODY).status
    assert {"AccessDenied": 0, "KmsCalls": 2, "KmsFailures": 0} == figures()
