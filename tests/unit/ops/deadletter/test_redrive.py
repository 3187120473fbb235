"""What was given up on is done after all; its message goes only then."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from ops.deadletter.letter import Of
from ops.deadletter.queues import HOLD_SECONDS
from ops.deadletter.redrive import GIVES_UP_AFTER, redrive
from ops.errors import FunctionFailed, FunctionRefused, NoProgress
from ops.stretch import Stretch
from ops.text import plural
from shared.landing import Notice, ObjectVersion
from tests.fakes.landing import BUCKET, SEQUENCER, s3_event
from tests.fakes.redriver import FakeRecord
from tests.unit.ops.deadletter.world import REFERENCES, TABLE_STREAM, World, findings, position


@pytest.fixture
def world():
    return World()


@pytest.fixture
def done(world, capsys):
    """Redrive as a program does; the status and the lines."""

    def run(*message_ids, whose=tuple(Of)):
        status = redrive(whose, message_ids, ports=world.ports())
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def shown(world, monkeypatch, capsys):
    """Redrive in a terminal; the status and what is on it at the end."""

    def run(*message_ids):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        status = redrive(tuple(Of), message_ids, ports=world.ports())
        return status, capsys.readouterr().out

    return run


def test_without_dead_letters_there_is_nothing_to_do(done, shown):
    assert 0 == done()[0]
    assert (0, True) == (shown()[0], "no dead letters" in shown()[1])


def test_records_are_read_again_to_the_last_and_then_the_message_is_deleted(world, done):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))

    status, lines = done()

    assert 0 == status
    assert [] == world.left(Of.ENCRYPTOR)
    asked = [(one["first"], one["last"], one.get("after")) for one in world.redriver.asked]
    assert [("11", "15", None), ("11", "15", "12"), ("11", "15", "14")] == asked
    letter, finished = lines
    assert ("letter", "m-1", "done", 5, {"written": 5}) == (
        letter["event"],
        letter["message_id"],
        letter["state"],
        letter["read"],
        letter["counts"],
    )
    assert ("finished", {"written": 5}, []) == (finished["event"], finished["counts"], finished["unknown"])


def test_changes_of_the_table_are_audited_again_by_the_auditor(world, done):
    world.sqs[Of.AUDITOR].put("m-1", position(11, 13, stream=TABLE_STREAM))

    assert 0 == done()[0]
    assert [] == world.left(Of.AUDITOR)
    assert [] == world.redriver.asked
    assert ("reread", "11", "13") == tuple(world.auditor.asked[0][name] for name in ("operation", "first", "last"))


def test_findings_go_back_to_their_queue_before_their_message_goes(world, done):
    world.sqs[Of.REENCRYPTOR].put("m-1", findings())
    world.sqs[Of.REENCRYPTOR].fails.add("delete_message")
    status, lines = done()
    assert (1, REFERENCES, ["m-1"]) == (status, world.sent, world.left(Of.REENCRYPTOR))
    assert "RequestThrottled" in next(line["why"] for line in lines if line.get("state") == "waiting")

    world.sqs[Of.REENCRYPTOR].fails.clear()
    assert 0 == done()[0]
    assert (REFERENCES * 2, []) == (world.sent, world.left(Of.REENCRYPTOR))


@pytest.mark.parametrize("calls", range(3))
def test_who_is_killed_anywhere_begins_the_letter_again(world, done, calls):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))

    def killed(payload):
        if len(world.redriver.asked) > calls:
            raise KeyboardInterrupt

    world.redriver.before = killed
    with pytest.raises(KeyboardInterrupt):
        done()
    assert ["m-1"] == world.sqs[Of.ENCRYPTOR].visible

    world.redriver.before = lambda payload: None
    assert 0 == done()[0]
    assert [] == world.left(Of.ENCRYPTOR)


def test_a_function_that_fails_is_called_again(world, done):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))

    def fails_at_first(payload):
        if len(world.redriver.asked) < 4:
            raise FunctionFailed("redriver: killed")

    world.redriver.before = fails_at_first
    status, lines = done()

    assert (0, 3) == (status, sum(line["event"] == "trouble" for line in lines))
    assert [] == world.left(Of.ENCRYPTOR)


def test_a_letter_that_is_not_read_to_its_end_stays(world, done, monkeypatch):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))
    monkeypatch.setattr(Stretch, "to_the_end", lambda stretch, patience: stretch.step(patience))

    status, lines = done()

    assert (1, "waiting", 2, ["m-1"]) == (status, lines[0]["state"], lines[0]["read"], world.left(Of.ENCRYPTOR))


@pytest.mark.parametrize("call", ["receive_message", "delete_message", "get_queue_attributes"])
def test_a_hiccup_of_sqs_is_borne(world, done, call):
    for number in range(3):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 12))
    hiccups = []
    world.redriver.before = lambda payload: world.sqs[Of.ENCRYPTOR].fails.add(call)
    works = getattr(world.sqs[Of.ENCRYPTOR], call)

    def hiccup(**asked):
        try:
            return works(**asked)
        except ClientError:
            world.sqs[Of.ENCRYPTOR].fails.clear()
            hiccups.append(call)
            raise

    setattr(world.sqs[Of.ENCRYPTOR], call, hiccup)
    status, lines = done()

    assert (0, []) == (status, world.left(Of.ENCRYPTOR))
    assert len(hiccups) == sum(line["event"] == "trouble" for line in lines) > 0


@pytest.mark.parametrize("why", [NoProgress, KeyboardInterrupt])
def test_what_was_done_is_told_however_it_ends(world, monkeypatch, capsys, why):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for number in range(3):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 12))

    def ends(payload):
        if len(world.redriver.asked) == 2:
            world.sqs[Of.ENCRYPTOR].fails.add("receive_message")
            if why is KeyboardInterrupt:
                raise why

    world.redriver.before = ends
    with pytest.raises(why):
        redrive([Of.ENCRYPTOR], ports=world.ports())

    text = capsys.readouterr().out
    done = 1 if why is KeyboardInterrupt else 2
    assert f"{plural(done, 'dead letter')}, {done} done" in text
    assert f"written {2 * done}" in text


def test_named_letters_that_were_not_reached_are_said_so(world, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 12))
    world.redriver.before = _interrupt

    with pytest.raises(KeyboardInterrupt):
        redrive([Of.ENCRYPTOR], ["m-1"], ports=world.ports())

    assert "not reached: m-1" in capsys.readouterr().out


def _interrupt(payload):
    raise KeyboardInterrupt


def test_letters_that_another_command_holds_are_not_all_well(world, done, shown):
    for number in range(3):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 12))
    with world.ports().queues[0].letters() as others:
        next(others)
        status, lines = done()
        assert (1, ["m-0"]) == (status, world.left(Of.ENCRYPTOR))
        assert "about 1 more dead letter" in lines[-1]["hidden"][0]
        status, text = shown()
        assert (1, True, False) == (status, "held by another command" in text, "no dead letters" in text)

    assert (0, []) == (shown()[0], world.left(Of.ENCRYPTOR))


def test_a_letter_that_came_back_while_it_was_worked_on_is_left_to_whoever_has_it(world, done):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))

    def takes_too_long(payload):
        world.clock.advance(HOLD_SECONDS + 1)

    world.redriver.before = takes_too_long
    status, lines = done()

    assert (1, ["m-1"]) == (status, world.left(Of.ENCRYPTOR))
    assert "another command" in next(line["why"] for line in lines if line.get("state") == "held")


@pytest.mark.parametrize("names", [(), ("m-0", "m-1", "m-2")], ids=["all", "by id"])
def test_none_is_held_before_it_is_worked_on(world, done, names):
    for number in range(4):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 15))
    world.redriver.before = lambda payload: world.clock.advance(HOLD_SECONDS / 2)

    status, lines = done(*names)

    assert (0, {"done"}) == (status, {line["state"] for line in lines if line["event"] == "letter"})
    assert ["m-3"] * bool(names) == world.left(Of.ENCRYPTOR)


def test_once_the_named_ones_are_done_no_other_is_taken(world, done):
    for number in range(4):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 12))

    assert 0 == done("m-1")[0]
    assert [1, 0, 0] == [message.receives for message in world.sqs[Of.ENCRYPTOR].messages]


def test_letters_that_others_took_over_are_no_reason_to_give_up(world, done):
    for number in range(GIVES_UP_AFTER + 2):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 14))

    def slow_at_first(payload):
        if payload["first"] == "11" and len(world.redriver.asked) <= GIVES_UP_AFTER + 1:
            world.clock.advance(HOLD_SECONDS + 1)

    world.redriver.before = slow_at_first
    status, lines = done()

    states = [line["state"] for line in lines if line["event"] == "letter"]
    assert (1, ["held"] * (GIVES_UP_AFTER + 1) + ["done"]) == (status, states)


def test_what_is_foreign_does_not_hide_that_nothing_gets_on(world, done):
    for number in range(4 * GIVES_UP_AFTER):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", "hello" if number % 2 else position(11, 12))
    world.redriver.before = _fail

    status, lines = done()

    states = [line["state"] for line in lines if line["event"] == "letter"]
    assert (1, GIVES_UP_AFTER) == (status, states.count("waiting"))


def _fail(payload):
    raise FunctionFailed("redriver: throttled")


def test_named_letters_that_it_gave_up_before_are_not_said_to_be_elsewhere(world, shown):
    for number in range(GIVES_UP_AFTER + 1):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 12))
    world.redriver.before = _fail

    status, text = shown(*(f"m-{number}" for number in range(GIVES_UP_AFTER + 1)))

    assert (1, True) == (status, f"not reached: m-{GIVES_UP_AFTER}" in text)


def test_what_the_stream_no_longer_holds_is_said_with_what_can_be_done_and_stays(world, shown):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(5, 12))
    world.sqs[Of.AUDITOR].put("m-2", position(5, 12, stream=TABLE_STREAM))
    world.auditor.missing = True

    status, text = shown()

    assert 1 == status
    assert (["m-1"], ["m-2"]) == (world.left(Of.ENCRYPTOR), world.left(Of.AUDITOR))
    assert "the stream holds from 10 on" in text
    assert "written 3" in text
    assert "only their producers" in text
    assert "sealstream reconcile" in text


def test_a_letter_whose_last_records_retention_took_meanwhile_stays(world, shown):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))

    def retention(payload):
        if len(world.redriver.asked) == 2:
            world.redriver.shards = {"shard-1": []}

    world.redriver.before = retention
    status, text = shown()

    assert (1, ["m-1"]) == (status, world.left(Of.ENCRYPTOR))
    assert "the stream holds nothing after 12" in text
    assert "only their producers" in text


def test_a_message_of_another_shape_or_stream_is_listed_and_stays(world, done):
    world.sqs[Of.ENCRYPTOR].put("m-1", "hello")
    world.sqs[Of.ENCRYPTOR].put("m-2", position(11, 12, stream="arn:aws:kinesis:eu-central-1:1:stream/other"))

    status, lines = done()

    assert 1 == status
    assert ["foreign", "foreign"] == [line["state"] for line in lines if line["event"] == "letter"]
    assert ["m-1", "m-2"] == world.left(Of.ENCRYPTOR)
    assert [] == world.redriver.asked


def test_a_refused_letter_keeps_no_other_waiting(world, done):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 12, shard="shard-2"))
    world.sqs[Of.ENCRYPTOR].put("m-2", position(11, 12))

    def refuses(payload):
        if payload["shard_id"] == "shard-2":
            raise FunctionRefused("redriver: name another shard")

    world.redriver.before = refuses
    status, lines = done()

    assert (1, ["m-1"]) == (status, world.left(Of.ENCRYPTOR))
    assert ["refused", "done"] == [line["state"] for line in lines if line["event"] == "letter"]


def test_a_record_that_stays_to_be_tried_again_leaves_its_letter_and_those_behind_it_are_tried(world, done):
    world.redriver.shards = {"shard-1": [FakeRecord(11, 1.0), FakeRecord(12, 1.0, "retry"), FakeRecord(13, 1.0)]}
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 12))
    world.sqs[Of.ENCRYPTOR].put("m-2", position(13, 13))

    status, lines = done()

    assert (1, ["m-1"]) == (status, world.left(Of.ENCRYPTOR))
    (left,) = [line for line in lines if line.get("state") == "waiting"]
    assert "1 record to be tried again" in left["why"]


def test_where_nothing_gets_on_it_ends(world, done):
    for number in range(9):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 12))

    def down(payload):
        raise FunctionFailed("redriver: throttled")

    world.redriver.before = down
    status, lines = done()

    assert 1 == status
    assert GIVES_UP_AFTER == sum(line["event"] == "letter" for line in lines)
    assert 9 == len(world.sqs[Of.ENCRYPTOR].visible)


def test_records_that_go_to_quarantine_are_not_all_well(world, done):
    world.redriver.shards = {"shard-1": [FakeRecord(11, 1.0, "quarantined")]}
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 11))

    status, lines = done()

    assert (1, []) == (status, world.left(Of.ENCRYPTOR))
    assert {"not_json": 1} == lines[0]["reasons"]


def test_only_what_is_named_is_done_and_an_unknown_name_is_said(world, done, shown):
    for number in range(3):
        world.sqs[Of.ENCRYPTOR].put(f"m-{number}", position(11, 12))

    status, lines = done("m-1", "m-9")

    assert (1, ["m-0", "m-2"]) == (status, world.left(Of.ENCRYPTOR))
    assert ["m-9"] == lines[-1]["unknown"]
    assert ["m-0", "m-2"] == world.sqs[Of.ENCRYPTOR].visible
    assert "held by another command: m-9" in shown("m-9")[1]


def test_a_letter_is_hidden_for_as_long_as_its_records_take(world, done):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(10, 19))
    hidden = []

    def slow(payload):
        world.clock.advance(300)
        hidden.append(world.sqs[Of.ENCRYPTOR].visible)

    world.redriver.before = slow
    assert 0 == done()[0]
    assert [[]] * 5 == hidden


def test_a_letter_stays_hidden_while_a_call_is_repeated(world, done):
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 12))

    def fails_for_a_while(payload):
        world.clock.advance(100)
        assert [] == world.sqs[Of.ENCRYPTOR].visible
        if len(world.redriver.asked) < 4:
            raise FunctionFailed("redriver: killed")

    world.redriver.before = fails_for_a_while
    assert 0 == done()[0]


def test_objects_are_asked_for_where_they_were_before_their_message_goes(world):
    notice = Notice(ObjectVersion(BUCKET, "tenant=acme/a.json", "v1"), SEQUENCER)
    world.sqs[Of.LANDING].put("m-1", s3_event())
    world.sqs[Of.LANDING].put("m-2", s3_event(bucket="somebody-elses"))

    status = redrive([Of.LANDING], as_json=True, ports=world.ports())

    assert (1, [notice], ["m-2"]) == (status, world.asked, world.left(Of.LANDING))
