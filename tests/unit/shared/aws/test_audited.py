"""An invocation succeeds only where what it told is in the audit bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.aws.audited import audit_log, audited
from shared.errors import RequestRefused, RetryLater, SettingsError
from shared.runtime.audit_log import AuditEvent
from shared.trail.ocsf import flat
from shared.trail.segments import SegmentName, read_segment
from tests.fakes.kept_events import KeptEvents, kept_in_memory

CONTEXT: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000)
CANARY = "canary-4111111111111111"


@pytest.fixture
def kept() -> Iterator[KeptEvents]:
    with kept_in_memory() as kept:
        yield kept


@audited
def handler(event: Any, _context: Any) -> str:
    """Tell of a key, and answer, or fail."""
    audit_log().write(AuditEvent.KEY_CREATED, event_id=event["id"], at=0, tenant_id="acme")
    if "fails" in event:
        raise event["fails"]
    return "done"


def test_what_was_told_is_kept_before_the_answer(kept):
    assert "done" == handler({"id": "1"}, CONTEXT)

    assert [("request-1", ["1"])] == [(where, [one["event_id"] for one in events]) for where, events in kept.segments]


@pytest.mark.parametrize("error", [RequestRefused("no"), RetryLater("later"), KeyError(CANARY), KeyboardInterrupt()])
def test_what_was_told_before_a_failure_is_kept_too(kept, error):
    with pytest.raises(type(error)):
        handler({"id": "1", "fails": error}, CONTEXT)

    assert ["1"] == [event["event_id"] for event in kept.events]


@pytest.mark.parametrize("failure", [{}, {"fails": RequestRefused("no")}])
def test_what_cannot_be_kept_fails_the_invocation_as_something_that_passes(kept, failure):
    kept.down = True
    with pytest.raises(RetryLater, match="the audit bucket is down") as raised:
        handler({"id": "1", **failure}, CONTEXT)
    assert RetryLater is type(raised.value), "Lambda tells a caller no more than the name of the class"


def test_what_nobody_foresaw_while_keeping_quotes_nothing(kept, capsys):
    def fail() -> None:
        raise ValueError(CANARY)

    kept.before = fail
    with pytest.raises(RetryLater) as raised:
        handler({"id": "1"}, CONTEXT)

    assert CANARY not in str(raised.value) + capsys.readouterr().out


@pytest.mark.parametrize("missing", ["SEALSTREAM_AUDIT_BUCKET", "SEALSTREAM_STAGE"])
def test_without_its_settings_it_does_nothing(kept, monkeypatch, missing):
    monkeypatch.delenv(missing)

    with pytest.raises(SettingsError, match=missing):
        handler({"id": "1"}, CONTEXT)


def test_a_batch_lies_in_the_bucket_under_its_stage_and_first_record(monkeypatch, capsys):
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AUDIT_BUCKET": "trail", "STAGE": "encryptor"}.items():
        monkeypatch.setenv(f"SEALSTREAM_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    audit_log.cache_clear()
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="trail")
        batch = {"id": "1", "Records": [{"eventSource": "aws:kinesis", "eventID": "shardId-1:77"}]}
        assert ["done"] * 2 == [handler(batch, CONTEXT) for _ in range(2)]
        (listed,) = s3.list_objects_v2(Bucket="trail")["Contents"]
        content = s3.get_object(Bucket="trail", Key=listed["Key"])["Body"].read()
    audit_log.cache_clear()

    segment = SegmentName.parse(listed["Key"])
    assert segment
    assert ("encryptor", "shardId-1-77") == (segment.stage, segment.where)
    (document,) = read_segment(content, segment)
    assert ("key.created", "1", "acme") == tuple(flat(document)[name] for name in ("event", "event_id", "tenant_id"))
    segments = [line["segment"] for line in map(json.loads, capsys.readouterr().out.splitlines()) if "segment" in line]
    assert [listed["Key"], None] == segments
