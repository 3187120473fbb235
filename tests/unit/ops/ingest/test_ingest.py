"""`sealstream ingest`: how far an object is, and its message sent anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from ops.ingest.again import again
from ops.ingest.listing import list_objects
from ops.ingest.named import Landing
from ops.ingest.status import status
from shared.errors import RequestRefused
from shared.landing import NO_SEQUENCER, Notice, ObjectVersion, Progress, State
from tests.fakes.landing import BUCKET, MODIFIED, SEQUENCER, FakeProgress, about

URI = f"s3://{BUCKET}/tenant=acme/a.json"
RUNNING = Progress(
    about(), SEQUENCER, 1, size=2_000_000, read_bytes=1_000_000, offset=5, line=1_503, put=1_500, rejected=1
)


@dataclass
class FakeVersions:
    current: dict[str, str] = field(default_factory=lambda: {"tenant=acme/a.json": "v1"})

    def current_version(self, bucket: str, key: str) -> str | None:
        assert bucket == BUCKET
        return self.current.get(key)

    def versions(self, bucket: str, prefix: str) -> Iterator[tuple[ObjectVersion, int]]:
        for version in ("v2", "v1"):
            for key in self.current:
                if key.startswith(prefix):
                    yield ObjectVersion(bucket, key, version), MODIFIED


@pytest.fixture
def store() -> FakeProgress:
    return FakeProgress({RUNNING.object.name: RUNNING})


@pytest.fixture
def landing(store) -> Landing:
    return Landing(BUCKET, FakeVersions(), store)


def shown(capsys):
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("state", "ending"), [(State.RUNNING, 1), (State.DONE, 0), (State.REJECTED, 0), (State.FAILED, 1)]
)
def test_it_is_a_document_for_programs_and_the_status_says_whether_all_is_in(landing, store, capsys, state, ending):
    store.rows[RUNNING.object.name] = replace(RUNNING, state=state, why="")

    assert ending == status(URI, landing=landing)

    assert (
        shown(capsys).items()
        >= {
            "object": URI,
            "version": "v1",
            "state": state.value,
            "lines": 1_501,
            "put": 1_500,
            "rejected": 1,
            "read_bytes": 1_000_000,
            "size": 2_000_000,
        }.items()
    )


def test_it_is_a_table_for_people_that_is_harmless(landing, store, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    named = about("\x1b[2Ja", "v1")
    store.rows[named.name] = replace(RUNNING, object=named)

    status(f"{named.name}", landing=landing)

    out = capsys.readouterr().out
    assert "1,501" in out
    assert "\x1b" not in out


def test_what_nobody_began_is_said(landing, store, capsys):
    store.rows.clear()

    assert 1 == status(URI, landing=landing)

    assert {"object": URI, "version": "v1", "state": "not_begun"} == shown(capsys)


def test_an_old_version_is_asked_for_by_its_name(landing, store, capsys):
    old = about("what?versionId=really", "v0")
    store.rows[old.name] = replace(RUNNING, object=old)

    status(f"s3://{BUCKET}/what?versionId=really?versionId=v0", landing=landing)

    assert ("v0", "running") == ((told := shown(capsys))["version"], told["state"])


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("a.json", "is not s3://BUCKET/KEY"),
        (f"s3://{BUCKET}", "is not s3://BUCKET/KEY"),
        (f"s3://{BUCKET}/", "is not s3://BUCKET/KEY"),
        ("s3://another/a.json", "the landing bucket is"),
        (f"s3://{BUCKET}/nothing", "there is no object"),
    ],
)
def test_what_is_no_object_is_refused(landing, uri, why):
    with pytest.raises(RequestRefused, match=why):
        status(uri, landing=landing)


def test_who_asks_again_goes_on_where_it_stood(landing, capsys):
    sent: list[Notice] = []

    assert 0 == again(URI, from_start=False, landing=landing, send=sent.append)

    assert [Notice(RUNNING.object, SEQUENCER, 1)] == sent
    assert ("asked", "running") == ((told := shown(capsys))["event"], told["state"])


def test_what_has_ended_is_read_again_from_its_start_alone(landing, store, capsys):
    store.rows[RUNNING.object.name] = replace(RUNNING, state=State.DONE)
    sent: list[Notice] = []

    assert 1 == again(URI, from_start=False, landing=landing, send=sent.append)
    assert [] == sent
    assert "ended" == shown(capsys)["event"]
    assert 0 == again(URI, from_start=True, landing=landing, send=sent.append)
    assert [Notice(RUNNING.object, SEQUENCER, 2)] == sent


def test_what_s3_never_told_of_is_asked_for_with_the_lowest_sequencer_and_only_as_lost(landing, store, capsys):
    store.rows.clear()
    sent: list[Notice] = []

    for from_start in (False, True):
        assert 1 == again(URI, from_start=from_start, landing=landing, send=sent.append)
        assert "not_begun" == shown(capsys)["event"]
    assert [] == sent, "S3's own message may still come, and has it"

    assert 0 == again(URI, from_start=False, lost=True, landing=landing, send=sent.append)
    assert [Notice(about(), NO_SEQUENCER, 1)] == sent


def test_in_a_terminal_it_says_where_the_message_may_be(landing, store, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    store.rows.clear()

    again(URI, from_start=False, landing=landing, send=lambda _: None)

    assert "--lost" in capsys.readouterr().out


def test_what_was_never_ingested_is_found_in_the_bucket(landing, store, capsys):
    landing.versions.current["tenant=globex/b.json"] = "v1"
    for key in landing.versions.current:
        row = replace(RUNNING, object=about(key), state=State.DONE)
        store.rows[row.object.name] = row

    assert 1 == list_objects(not_done=True, landing=landing)

    *objects, listed = map(json.loads, capsys.readouterr().out.splitlines())
    assert [("not_begun", URI, "v2"), ("not_begun", f"s3://{BUCKET}/tenant=globex/b.json", "v2")] == [
        (one["state"], one["object"], one["version"]) for one in objects
    ]
    assert {"event": "listed", "objects": 4, "not_done": 2} == listed


def test_where_all_is_in_the_list_is_empty_and_ends_well(landing, store, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for version in ("v1", "v2"):
        row = replace(RUNNING, object=about(version=version), state=State.REJECTED)
        store.rows[row.object.name] = row

    assert 0 == list_objects(not_done=True, landing=landing)
    assert "2 versions of objects, 0 not done\n" == capsys.readouterr().out
    assert 0 == list_objects("tenant=acme/", not_done=False, landing=landing)
    assert 2 == capsys.readouterr().out.count("rejected  1,501")


@pytest.mark.parametrize("has_ended", [False, True])
def test_in_a_terminal_it_says_what_next(landing, store, capsys, monkeypatch, has_ended):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    store.rows[RUNNING.object.name] = replace(RUNNING, state=State.FAILED if has_ended else State.RUNNING)

    again(URI, from_start=False, landing=landing, send=lambda _: None)

    assert ("--from-start" if has_ended else "ingest status") in capsys.readouterr().out
