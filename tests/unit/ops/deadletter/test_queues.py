"""Messages are held while they are worked on, and come back whatever becomes of the command."""

from __future__ import annotations

import pytest

from ops.deadletter.letter import Foreign, Of
from ops.deadletter.queues import HOLD_SECONDS, LOOK_SECONDS, Queue, queues
from ops.errors import NotHeld
from shared.aws import clients
from shared.errors import SettingsError, StoreUnavailable
from tests.fakes.sqs import FakeSqs


@pytest.fixture
def sqs():
    sqs = FakeSqs()
    for number in range(25):
        sqs.put(f"m-{number}", "hello")
    return sqs


def queue_of(sqs):
    return Queue(sqs, Of.ENCRYPTOR, "https://queue", ":stream/source")


@pytest.mark.parametrize("at_once", [1, 10])
def test_every_message_is_given_once_and_is_there_for_others_afterwards(sqs, at_once):
    with queue_of(sqs).letters(at_once=at_once) as letters:
        seen = [letter.message_id for letter in letters]
        assert [] == sqs.visible

    assert [f"m-{number}" for number in range(25)] == seen
    assert 25 == len(sqs.visible)


def test_what_is_received_again_while_others_are_worked_on_is_not_worked_on_again(sqs):
    seen = []
    with queue_of(sqs).letters() as letters:
        for letter in letters:
            seen.append(letter.message_id)
            sqs.clock.advance(HOLD_SECONDS + 1 if len(seen) < 5 else 0)

    assert sorted(f"m-{number}" for number in range(25)) == sorted(seen)


def test_it_ends_though_all_messages_come_back_while_it_looks(sqs):
    receive = sqs.receive_message

    def slow(**asked):
        answer = receive(**asked)
        sqs.clock.advance(LOOK_SECONDS + 1)
        return answer

    sqs.receive_message = slow
    with queue_of(sqs).letters(at_once=10, hidden_seconds=LOOK_SECONDS) as letters:
        assert len({letter.message_id for letter in letters}) >= 10


def test_a_deleted_message_is_gone_though_it_was_received_again_meanwhile(sqs):
    queue = queue_of(sqs)
    with queue.letters() as letters:
        first = next(letters)
        sqs.clock.advance(HOLD_SECONDS + 1)
        rest = list(letters)
        queue.delete(first)

    assert 24 == len(rest) == len(sqs.messages)
    assert "m-0" not in sqs.visible


def test_a_message_can_be_held_for_longer(sqs):
    queue = queue_of(sqs)
    with queue.letters() as letters:
        first = next(letters)
        sqs.clock.advance(HOLD_SECONDS - 1)
        queue.hold(first)
        sqs.clock.advance(HOLD_SECONDS - 1)
        assert "m-0" not in sqs.visible


def test_a_killed_command_s_messages_come_back_by_themselves(sqs):
    with queue_of(sqs).letters(at_once=10) as letters:
        next(letters)
        sqs.fails.add("change_message_visibility_batch")

    assert 15 == len(sqs.visible)
    sqs.clock.advance(HOLD_SECONDS)
    assert 25 == len(sqs.visible)


def test_a_letter_knows_when_it_was_sent_and_nothing_secret_of_it_is_shown(sqs):
    with queue_of(sqs).letters() as letters:
        letter = next(letters)

    assert (Foreign("no position in a stream"), sqs.clock.wall()) == (letter.content, letter.sent_at)
    assert 0 == letter.records
    assert letter.handle not in repr(letter)


def test_a_message_that_came_back_meanwhile_cannot_be_held_any_more(sqs):
    queue = queue_of(sqs)
    with queue.letters() as letters:
        first, second = next(letters), next(letters)
        sqs.clock.advance(HOLD_SECONDS + 1)
        with pytest.raises(NotHeld):
            queue.hold(first)
        sqs.receive_message(MaxNumberOfMessages=10, VisibilityTimeout=60)
        with pytest.raises(NotHeld):
            queue.hold(second)


def test_a_message_that_this_command_received_twice_can_be_held(sqs):
    queue = queue_of(sqs)
    with queue.letters() as letters:
        first = next(letters)
        sqs.clock.advance(HOLD_SECONDS + 1)
        list(letters)
        queue.hold(first)
        assert "m-0" not in sqs.visible


def test_what_sqs_could_not_hide_for_now_may_be_hidden_later(sqs):
    queue = queue_of(sqs)
    with queue.letters() as letters:
        first = next(letters)
        failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
        sqs.change_message_visibility_batch = lambda **_: {"Failed": [failed]}
        with pytest.raises(StoreUnavailable, match="InternalError"):
            queue.hold(first)


@pytest.mark.parametrize("held", [0, 7])
def test_messages_that_others_hold_are_counted_whatever_this_one_deletes(sqs, held):
    with queue_of(sqs).letters() as others:
        for _ in range(held):
            next(others)
        queue = queue_of(sqs)
        with queue.letters(at_once=10) as letters:
            for number, letter in enumerate(letters):
                if number % 2:
                    queue.delete(letter)
            sqs.clock.advance(0)
        assert held == queue.hidden


@pytest.mark.parametrize("call", ["receive_message", "delete_message", "change_message_visibility_batch"])
def test_a_queue_that_throttles_may_answer_later(sqs, call):
    queue = queue_of(sqs)
    with queue.letters() as letters:
        letter = next(letters)
        sqs.fails.add(call)
        with pytest.raises(StoreUnavailable, match="RequestThrottled") as raised:
            {"receive_message": lambda: next(letters), "delete_message": lambda: queue.delete(letter)}.get(
                call, lambda: queue.hold(letter)
            )()
        assert "5500005555555559" not in str(raised.value)


NAMES = {
    "SEALSTREAM_ENCRYPTOR_DEAD_LETTER_QUEUE": "https://encryptor",
    "SEALSTREAM_AUDITOR_DEAD_LETTER_QUEUE": "https://auditor",
    "SEALSTREAM_REENCRYPTOR_DEAD_LETTER_QUEUE": "https://reencryptor",
    "SEALSTREAM_LANDING_DEAD_LETTER_QUEUE": "https://landing",
    "SEALSTREAM_STREAM": "source",
    "SEALSTREAM_TABLE_STREAM": "arn:table-stream",
    "SEALSTREAM_LANDING_BUCKET": "the-landing-bucket",
}


@pytest.fixture
def _clients(monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "eu-central-1")
    clients.forget()
    yield
    clients.forget()


@pytest.mark.usefixtures("_clients")
def test_the_queues_of_the_deployment_are_known_by_their_names():
    found = [(queue.of, queue._url, queue._stream) for queue in queues(Of, NAMES)]
    assert [
        (Of.ENCRYPTOR, "https://encryptor", ":stream/source"),
        (Of.AUDITOR, "https://auditor", "arn:table-stream"),
        (Of.REENCRYPTOR, "https://reencryptor", ""),
        (Of.LANDING, "https://landing", "the-landing-bucket"),
    ] == found


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_name_is_said(name):
    with pytest.raises(SettingsError, match=name):
        queues(Of, {**NAMES, name: ""})
