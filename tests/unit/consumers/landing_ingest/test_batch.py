"""Messages of the landing queue: done, delivered again, or refused; and what is told of them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import partial

import pytest

from consumers.landing_ingest.batch import LandingConsumer
from consumers.landing_ingest.ingest import Tally
from consumers.landing_ingest.report import report_batch, report_ended
from shared.landing import Notice
from shared.runtime.audit_log import AuditLog
from tests.fakes.kept_events import KeptEvents
from tests.fakes.landing import BUCKET, SEQUENCER, LandingWorld, about, s3_event


@pytest.fixture
def world() -> LandingWorld:
    return LandingWorld()


@pytest.fixture
def refused() -> list[str]:
    return []


def process(world, refused, *bodies, left=600.0, tally=None):
    messages = [{"messageId": f"m-{number}", "body": body} for number, body in enumerate(bodies)]
    consumer = LandingConsumer(world.ingest, BUCKET, refused.append)
    return consumer.process(messages, seconds_left=lambda: left, tally=tally or Tally())


def test_a_message_is_done_with_its_object(world, refused):
    world.put(b'{"id":"1"}\n')

    tally = Tally()

    (result,) = process(world, refused, s3_event(), tally=tally)

    assert (True, 1) == (result.done, tally.lines)


def test_a_message_that_fails_comes_back_and_its_neighbours_do_not(world, refused):
    world.put(b'{"id":"1"}\n')
    world.stream.fails_after = 0

    failed, test_event = process(world, refused, s3_event(), json.dumps({"Event": "s3:TestEvent"}))

    assert (False, True) == (failed.done, test_event.done)
    assert [] == refused


def test_what_is_refused_goes_to_the_dead_letters_and_its_key_to_no_log(world, refused, capsys):
    body = s3_event("somebodys-secret.json", bucket="other")

    (result,) = process(world, refused, body)

    assert (True, [body]) == (result.done, refused)
    line = json.loads(capsys.readouterr().out)
    assert ("failure", "EventRefused", "m-0") == (line["event"], line["error"], line["message_id"])
    assert "secret" not in json.dumps(line)


def test_where_the_dead_letters_do_not_take_it_the_message_comes_back(world):
    class Full:
        def append(self, _: str) -> None:
            raise ConnectionError

    (result,) = process(world, Full(), s3_event(bucket="other"))

    assert not result.done


def test_an_event_tells_of_the_object_and_metrics_of_the_batch(world, refused, capsys):
    world.put(b'{"id":"1"}\nnot json')
    tally = Tally()
    process(world, refused, s3_event(), s3_event(), tally=tally)
    out = io.StringIO()

    report_ended(world.told[0], True, AuditLog(out))
    report_batch(tally, retried=1, started=1.0, ended=1.5)

    event = json.loads(out.getvalue())
    assert (
        event.items()
        >= {
            "event": "object.ingested",
            "object": f"s3://{BUCKET}/tenant=acme/a.json",
            "version": "v1",
            "state": "rejected",
            "lines": 2,
            "rejected": 1,
        }.items()
    )
    ended, already, metrics = map(json.loads, capsys.readouterr().out.splitlines())
    assert ("already_ingested", "rejected") == (already["event"], already["state"])
    of_object = {"LandingObjects": 1, "LandingFailedObjects": 0, "LandingUntaggedObjects": 0}
    of_batch = {"LandingLines": 2, "LandingRejectedLines": 1, "LandingRetried": 1, "BatchDurationMs": 500.0}
    assert ended.items() >= of_object.items()
    assert metrics.items() >= of_batch.items()


def test_an_object_without_room_for_its_tag_is_logged_and_counted(world, capsys):
    world.put(b"")
    process(world, [], s3_event())

    report_ended(world.told[0], False, AuditLog(io.StringIO()))

    line, metrics = map(json.loads, capsys.readouterr().out.splitlines())
    assert ("not_tagged", f"s3://{BUCKET}/tenant=acme/a.json", "v1") == tuple(line.values())
    assert 1 == metrics["LandingUntaggedObjects"]


def test_a_failed_object_is_counted_before_its_end_is_stored(world, capsys, monkeypatch):
    """Whoever is killed then finds it unfinished and counts it once more; never not at all."""
    world.put(b"\x1f\x8bno gzip")
    ingest = replace(world.ingest, tell=partial(report_ended, audit_log=AuditLog(io.StringIO())))

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(world.store, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        ingest.work_off(Notice(about(), SEQUENCER), seconds_left=lambda: 600.0, tally=Tally())

    assert 1 == json.loads(capsys.readouterr().out)["LandingFailedObjects"]


def test_the_same_ending_repeats_its_event_id(world):
    world.put(b"")
    out = io.StringIO()
    process(world, [], s3_event())

    for _ in range(2):
        report_ended(world.told[0], True, AuditLog(out))

    assert 1 == len({json.loads(line)["event_id"] for line in out.getvalue().splitlines()})


def test_an_end_that_cannot_be_told_is_not_stored(world):
    kept = KeptEvents(down=True)
    log = AuditLog(io.StringIO(), trail=kept)
    world.put(b'{"id":"1"}\n')
    ingest = replace(world.ingest, tell=partial(report_ended, audit_log=log))

    def is_done() -> bool:
        messages = [{"messageId": "m-1", "body": s3_event()}]
        consumer = LandingConsumer(ingest, BUCKET, lambda _: None)
        (result,) = consumer.process(messages, seconds_left=lambda: 600.0, tally=Tally())
        return result.done

    assert not is_done()
    kept.down = False
    assert is_done()

    assert ["object.ingested"] == kept.names


def test_a_handler_answers_with_what_comes_back_and_counts_it(world, monkeypatch, capsys):
    from consumers.landing_ingest import handler  # noqa: PLC0415 - as Lambda does

    world.put(b'{"id":"1"}\n')
    world.stream.fails_after = 0
    consumer = LandingConsumer(world.ingest, BUCKET, lambda _: None)
    monkeypatch.setattr(handler, "_wired", lambda: consumer)

    class Context:
        aws_request_id = "request-1"

        def get_remaining_time_in_millis(self) -> int:
            return 600_000

    event = {"Records": [{"messageId": "m-1", "body": s3_event()}]}
    assert {"batchItemFailures": [{"itemIdentifier": "m-1"}]} == handler.handler(event, Context())
    assert 1 == json.loads(capsys.readouterr().out.splitlines()[-1])["LandingRetried"]
    world.stream.fails_after = None
    assert {"batchItemFailures": []} == handler.handler(event, Context())


def test_it_is_wired_from_its_environment(monkeypatch):
    from consumers.landing_ingest import handler  # noqa: PLC0415 - as Lambda does
    from shared.aws import clients  # noqa: PLC0415

    names = {
        "SEALSTREAM_LANDING_BUCKET": BUCKET,
        "SEALSTREAM_STREAM": "source",
        "SEALSTREAM_LANDING_RUNS": "progress",
        "SEALSTREAM_LANDING_QUEUE": "https://queue",
        "SEALSTREAM_LANDING_DEAD_LETTER_QUEUE": "https://dead",
        "SEALSTREAM_LANDING_MAX_AGE_DAYS": "14",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "eu-central-1",
        "AWS_SECRET_ACCESS_KEY": "eu-central-1",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    clients.forget()
    handler._wired.cache_clear()
    try:
        wired = handler._wired()
    finally:
        clients.forget()
        handler._wired.cache_clear()

    assert (BUCKET, 14 * 86_400.0) == (wired.bucket, wired.ingest.max_age_seconds)
