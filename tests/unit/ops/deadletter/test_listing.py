from __future__ import annotations

import json

import pytest

from ops.deadletter.letter import Of
from ops.deadletter.listing import list_letters
from tests.fakes.landing import BUCKET, s3_event
from tests.unit.ops.deadletter.world import TABLE_STREAM, World, findings, position


@pytest.fixture
def world():
    world = World()
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))
    world.sqs[Of.ENCRYPTOR].put("m-2", "\x1b[2J")
    world.sqs[Of.AUDITOR].put("m-3", position(11, 12, stream=TABLE_STREAM))
    world.sqs[Of.REENCRYPTOR].put("m-4", findings())
    return world


def test_letters_are_lines_for_programs_and_stay_where_they_are(world, capsys):
    list_letters(list(Of), of=world.ports().queues)

    *letters, listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {
        "event": "letter",
        "message_id": "m-1",
        "of": "encryptor",
        "sent_at": "2023-11-14T22:13:20Z",
        "records": 5,
        "shard_id": "shard-1",
        "first": "11",
        "last": "15",
        "arrived_from": "2023-11-14T22:13:20Z",
        "arrived_to": "2023-11-14T22:13:21Z",
        "condition": "RecordAgeExceeded",
    } == letters[0]
    assert "no position in a stream" == letters[1]["foreign"]
    assert {"stale": 2} == letters[3]["findings"]
    assert {"event": "listed", "letters": 4, "records": 9, "hidden": 0} == listed
    assert [["m-1", "m-2"], ["m-3"], ["m-4"], []] == [world.sqs[of].visible for of in Of]


def test_in_a_terminal_they_are_a_table_that_is_harmless(world, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    list_letters(list(Of), of=world.ports().queues)

    text = capsys.readouterr().out
    assert "\x1b" not in text
    rows = text.splitlines()
    assert ["of", "sent", "records", "arrived", "about", "id"] == rows[0].split()
    assert ["encryptor", "2023-11-14T22:13:20Z", "5"] == rows[1].split()[:3]
    assert "shard-1, RecordAgeExceeded" in rows[1]
    assert "foreign: no position in a stream" in rows[2]
    assert "findings: stale 2" in rows[4]
    assert "4 dead letters: encryptor 2, auditor 1, reencryptor 1" == rows[-1]


def test_none_is_said(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    list_letters(list(Of), of=World().ports().queues)
    assert "no dead letters\n" == capsys.readouterr().out


def test_what_another_command_holds_is_no_empty_queue(world, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    of = world.ports().queues
    with of[0].letters() as letters:
        next(letters)
        assert 1 == list_letters([Of.ENCRYPTOR], of=world.ports().queues[:1])
        assert 1 == list_letters([Of.AUDITOR, Of.ENCRYPTOR], as_json=True, of=world.ports().queues[:1])
        next(letters)
        assert 1 == list_letters([Of.ENCRYPTOR], of=world.ports().queues[:1])

    text = capsys.readouterr().out
    assert "encryptor: about 1 more dead letter held by another command" in text
    assert "encryptor: about 2 more dead letters held by another command" in text
    assert "back in at most 6 minutes" in text
    assert '"hidden":1' in text.replace(" ", "")
    assert "no dead letters" not in text
    assert 0 == list_letters([Of.ENCRYPTOR], of=world.ports().queues[:1])


@pytest.mark.parametrize("in_terminal", [True, False])
def test_letters_about_objects_name_them(world, capsys, monkeypatch, in_terminal):
    monkeypatch.setattr("sys.stdout.isatty", lambda: in_terminal, raising=False)
    world.sqs[Of.LANDING].put("m-5", s3_event())
    named = f"s3://{BUCKET}/tenant=acme/a.json?versionId=v1"

    list_letters([Of.LANDING], of=world.ports().queues[-1:])

    out = capsys.readouterr().out
    assert named in out
    assert in_terminal or json.loads(out.splitlines()[0])["objects"] == [named]
