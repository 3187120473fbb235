"""A letter goes undone only by its id, and its function says so in the audit log first."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from ops.deadletter.letter import Of
from ops.deadletter.queues import HOLD_SECONDS
from ops.deadletter.skip import skip
from ops.errors import FunctionFailed, FunctionRefused
from shared.landing import Notice
from tests.fakes.landing import BUCKET, about
from tests.unit.ops.deadletter.world import TABLE_STREAM, World, findings, position


@pytest.fixture
def world():
    world = World()
    world.sqs[Of.ENCRYPTOR].put("m-1", position(11, 15))
    world.sqs[Of.ENCRYPTOR].put("m-2", "hello")
    world.sqs[Of.AUDITOR].put("m-3", position(11, 12, stream=TABLE_STREAM))
    world.sqs[Of.REENCRYPTOR].put("m-4", findings())
    return world


def all_left(world):
    return [message_id for of in Of for message_id in world.left(of)]


def test_each_goes_and_positions_are_told_to_their_function(world, capsys):
    assert 0 == skip(tuple(Of), ["m-1", "m-2", "m-3", "m-4"], ask=None, ports=world.ports())

    assert [] == all_left(world)
    told = {"operation": "skip", "shard_id": "shard-1", "first": "11", "last": "15", "records": 5}
    assert [told] == world.redriver.asked
    assert [told | {"last": "12", "records": 2}] == world.auditor.asked
    assert [] == world.sent
    assert {"event": "finished", "skipped": 4, "left": []} == json.loads(capsys.readouterr().out.splitlines()[-1])


def test_an_object_is_told_to_the_redriver_and_of_what_is_foreign_nothing(world):
    notice = Notice(about("tenant=acme/ä.json", "v2"), "00")
    world.sqs[Of.LANDING].put("m-5", notice.to_message())
    world.sqs[Of.LANDING].put("m-6", "hello")

    assert 0 == skip([Of.LANDING], ["m-5", "m-6"], ask=None, ports=world.ports())

    told = {"operation": "skip_object", "bucket": BUCKET, "key": "tenant=acme/ä.json", "version": "v2"}
    assert ([told], []) == (world.redriver.asked, world.left(Of.LANDING))


def test_all_others_stay_and_are_there_for_others(world):
    assert 0 == skip(tuple(Of), ["m-1"], ask=None, ports=world.ports())
    assert ["m-2", "m-3", "m-4"] == all_left(world)
    assert ["m-2"] == world.sqs[Of.ENCRYPTOR].visible


def test_it_is_asked_with_what_would_go(world, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    def refuse(question):
        asked.append(question)
        return False

    assert 1 == skip(tuple(Of), ["m-1"], ask=refuse, ports=world.ports())

    assert ["m-1", "m-2", "m-3", "m-4"] == all_left(world)
    assert [] == world.redriver.asked
    (question,) = asked
    assert "m-1" in question
    assert "1 dead letter, about 5 records" in question
    assert "m-1" in capsys.readouterr().out


def test_an_unknown_id_is_said(world, capsys):
    assert 1 == skip(tuple(Of), ["m-9"], ask=None, ports=world.ports())
    assert ["m-9"] == json.loads(capsys.readouterr().out.splitlines()[-1])["left"]


def test_a_message_is_not_deleted_before_its_function_has_told_of_it(world):
    def refuses(payload):
        raise FunctionRefused("redriver: no")

    world.redriver.before = refuses
    with pytest.raises(FunctionRefused):
        skip(tuple(Of), ["m-1"], ask=None, ports=world.ports())
    assert ["m-1", "m-2"] == world.sqs[Of.ENCRYPTOR].visible


def test_a_function_that_fails_is_called_again(world):
    def fails_at_first(payload):
        if len(world.redriver.asked) < 3:
            raise FunctionFailed("redriver: killed")

    world.redriver.before = fails_at_first
    assert 0 == skip(tuple(Of), ["m-1"], ask=None, ports=world.ports())
    assert 3 == len(world.redriver.asked)


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_letter_that_came_back_while_the_question_stood_is_not_skipped(world, capsys, is_taken):
    def slow(question):
        world.clock.advance(HOLD_SECONDS + 1)
        if is_taken:
            world.sqs[Of.ENCRYPTOR].receive_message(MaxNumberOfMessages=10, VisibilityTimeout=60)
        return True

    assert 1 == skip([Of.ENCRYPTOR], ["m-1"], ask=slow, ports=world.ports())

    assert [] == world.redriver.asked
    assert "m-1" in all_left(world)
    assert ["m-1"] == json.loads(capsys.readouterr().out.splitlines()[-1])["left"]


def test_a_letter_is_held_anew_after_the_answer(world):
    def slow(question):
        world.clock.advance(HOLD_SECONDS - 1)
        return True

    def slower(payload):
        world.clock.advance(HOLD_SECONDS - 1)
        assert "m-1" not in world.sqs[Of.ENCRYPTOR].visible

    world.redriver.before = slower
    assert 0 == skip([Of.ENCRYPTOR], ["m-1"], ask=slow, ports=world.ports())


def test_what_was_skipped_is_told_however_it_ends(world, capsys):
    def ends(payload):
        raise KeyboardInterrupt

    world.auditor = ends
    with pytest.raises(KeyboardInterrupt):
        skip([Of.ENCRYPTOR, Of.AUDITOR], ["m-1", "m-3"], ask=None, ports=world.ports())

    *_, skipped, finished = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ("m-1", ["m-3"]) == (skipped["message_id"], finished["left"])


def test_a_hiccup_of_sqs_is_borne(world):
    delete = world.sqs[Of.ENCRYPTOR].delete_message

    def hiccup(**asked):
        world.sqs[Of.ENCRYPTOR].delete_message = delete
        raise ClientError({"Error": {"Code": "RequestThrottled"}}, "DeleteMessage")

    world.sqs[Of.ENCRYPTOR].delete_message = hiccup
    assert 0 == skip([Of.ENCRYPTOR], ["m-1"], ask=None, ports=world.ports())
    assert ["m-2"] == world.left(Of.ENCRYPTOR)
