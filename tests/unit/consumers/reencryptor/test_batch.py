"""A message is done when each of its items is; what cannot be done now comes back, and nothing else with it."""

from __future__ import annotations

import json

import pytest

from consumers.reencryptor.batch import ITEMS_AT_ONCE, RESERVE_SECONDS, FindingsConsumer
from shared.errors import StoreUnavailable
from shared.findings import ItemReference, to_messages
from shared.model import VerdictKind
from shared.reencrypt.model import Candidate, Fate, Mended
from shared.runs.model import Example

CANARY = "canary-4111111111111111"


def reference(item_id, reason=VerdictKind.STALE, changed_at=5.0):
    return ItemReference("acme", item_id, reason, changed_at)


def message(message_id, *references, body=None, deliveries=1):
    return {
        "messageId": message_id,
        "body": body if body is not None else "".join(to_messages(references)),
        "attributes": {"ApproximateReceiveCount": str(deliveries), "SentTimestamp": "1700000000500"},
    }


class FakeReads:
    """Items that exist; `fails_for` names an item whose reading is an outage."""

    def __init__(self, *item_ids):
        self.item_ids = set(item_ids)
        self.fails_for = ""
        self.asked: list[list[tuple[str, str]]] = []

    def batch_get(self, keys):
        self.asked.append(list(keys))
        if ("acme", self.fails_for) in keys:
            raise StoreUnavailable("reading items: ThrottlingException")
        found = [key for key in keys if key[1] in self.item_ids]
        return [self.image(*key) for key in reversed(found)]

    @staticmethod
    def image(tenant_id, item_id):
        return {"tenant_id": {"S": tenant_id}, "item_id": {"S": item_id}, "ssn": {"S": CANARY}}


class FakeMender:
    """Gives each item the fate that its id begins with; `raises` stands for what nobody foresaw."""

    def __init__(self):
        self.candidates: list[Candidate] = []
        self.raises: Exception | None = None

    def mend(self, candidates):
        self.candidates += candidates
        if self.raises is not None:
            raise self.raises
        return [self._mended(one.image["item_id"]["S"]) for one in candidates]

    def _mended(self, item_id):
        fate = Fate(item_id.split("-")[0])
        examples = (Example("acme", item_id, "ssn", "KeyServiceUnavailable"),) if fate is Fate.RETRY else ()
        return Mended("acme", item_id, fate, examples=examples, may_pass=item_id == "left-for-now")


@pytest.fixture
def reads():
    return FakeReads("clean-1", "mended-1", "mended-2", "left-1", "retry-1", "retry-2")


@pytest.fixture
def mender():
    return FakeMender()


@pytest.fixture
def work_off(reads, mender):
    def work_off(*messages, seconds_left=lambda: 60.0):
        return FindingsConsumer(reads, mender).process(messages, seconds_left=seconds_left)

    return work_off


def failures(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_message_whose_items_are_mended_clean_or_left_is_done(work_off, capsys):
    (result,) = work_off(message("m1", reference("mended-1"), reference("clean-1"), reference("left-1")))
    assert (True, "m1") == (result.done, result.message_id)
    assert {Fate.MENDED: 1, Fate.CLEAN: 1, Fate.LEFT: 1} == result.fates()
    assert [] == failures(capsys)


def test_an_item_that_was_left_for_a_reason_that_may_pass_comes_back(work_off, reads):
    reads.item_ids.add("left-for-now")
    (result,) = work_off(message("m1", reference("left-for-now"), reference("left-1")))
    assert not result.done
    assert {Fate.RETRY: 1, Fate.LEFT: 1} == result.fates()


def test_an_item_that_is_gone_needs_nothing(work_off, mender):
    (result,) = work_off(message("m1", reference("gone"), reference("mended-1")))
    assert result.done
    assert {Fate.CLEAN: 1, Fate.MENDED: 1} == result.fates()
    assert ["mended-1"] == [one.image["item_id"]["S"] for one in mender.candidates]


def test_a_message_with_an_item_that_must_be_tried_again_comes_back_and_says_why(work_off, capsys):
    again, done = work_off(
        message("m1", reference("retry-1"), reference("retry-2"), reference("mended-1")),
        message("m2", reference("mended-2")),
    )
    assert (False, True) == (again.done, done.done)
    assert {Fate.RETRY: 2, Fate.MENDED: 1} == again.fates()
    (failure,) = failures(capsys)
    assert ("m1", "RetryLater") == (failure["message_id"], failure["error"])
    assert "2 of 3 items could not be mended now: KeyServiceUnavailable (2)" == failure["message"]


@pytest.mark.parametrize("body", ["", "{}", '{"version": 1, "items": [{"ssn": "' + CANARY + '"}]}'])
def test_a_message_of_somebody_else_comes_back_alone_and_is_not_quoted(work_off, capsys, body):
    foreign, ours = work_off(message("m1", body=body), message("m2", reference("mended-1")))
    assert (False, True) == (foreign.done, ours.done)
    assert {} == +foreign.fates()
    out, err = capsys.readouterr()
    assert '"message_id":"m1"' in out
    assert CANARY not in out + err


def test_items_that_cannot_be_read_bring_back_their_own_message_only(work_off, reads):
    reads.fails_for = "clean-1"
    unread, read = work_off(
        message("m1", reference("clean-1"), reference("gone")), message("m2", reference("mended-1"))
    )
    assert (False, True) == (unread.done, read.done)
    assert {Fate.RETRY: 2} == unread.fates()


def test_what_nobody_foresaw_brings_the_message_back_and_is_not_quoted(work_off, mender, capsys):
    mender.raises = KeyError(CANARY)
    (result,) = work_off(message("m1", reference("mended-1")))
    assert (False, {Fate.RETRY: 1}) == (result.done, result.fates())
    out, err = capsys.readouterr()
    assert CANARY not in out + err


def test_what_is_not_begun_in_time_comes_back(work_off, mender, capsys):
    left = iter([RESERVE_SECONDS, RESERVE_SECONDS - 0.1])
    begun, late = work_off(
        message("m1", reference("mended-1")), message("m2", reference("mended-2")), seconds_left=lambda: next(left)
    )
    assert (True, False) == (begun.done, late.done)
    assert ["mended-1"] == [one.image["item_id"]["S"] for one in mender.candidates]
    assert ["OutOfTime"] == [failure["error"] for failure in failures(capsys)]


def test_no_more_items_are_read_than_fit_in_memory_and_what_was_mended_in_time_stays_mended(work_off, reads, mender):
    item_ids = [f"mended-{number}" for number in range(3 * ITEMS_AT_ONCE)]
    reads.item_ids.update(item_ids)
    left = iter([RESERVE_SECONDS, RESERVE_SECONDS, RESERVE_SECONDS - 0.1])

    (result,) = work_off(message("m1", *map(reference, item_ids)), seconds_left=lambda: next(left))

    assert [ITEMS_AT_ONCE, ITEMS_AT_ONCE] == list(map(len, reads.asked))
    assert {*item_ids[: 2 * ITEMS_AT_ONCE]} == {one.image["item_id"]["S"] for one in mender.candidates}
    assert not result.done
    assert {Fate.MENDED: 2 * ITEMS_AT_ONCE, Fate.RETRY: ITEMS_AT_ONCE} == result.fates()


def test_what_stands_behind_others_that_take_all_the_time_is_reached_at_a_later_delivery(work_off, reads, mender):
    item_ids = [f"retry-{number}" for number in range(2 * ITEMS_AT_ONCE)] + ["mended-last"]
    reads.item_ids.update(item_ids)
    references = [*map(reference, item_ids)]
    for delivery in (1, 2, 3, 4):
        left = iter([RESERVE_SECONDS, RESERVE_SECONDS - 0.1])
        mender.candidates.clear()
        work_off(message("m1", *references, deliveries=delivery), seconds_left=lambda left=left: next(left))
        reached = "mended-last" in [one.image["item_id"]["S"] for one in mender.candidates]
        assert reached == (delivery == 3), "and what stood in front comes first again after that"


def test_every_item_of_a_message_has_its_turn_wherever_it_begins(work_off, reads):
    item_ids = [f"mended-{number}" for number in range(2 * ITEMS_AT_ONCE + 1)]
    reads.item_ids.update(item_ids)
    (result,) = work_off(message("m1", *map(reference, item_ids), deliveries=12))
    assert (True, {*item_ids}) == (result.done, {one.item_id for one in result.mended})


def test_when_a_message_was_sent_is_known(work_off):
    (result,) = work_off(message("m1", reference("mended-1", changed_at=0.0)))
    assert 1_700_000_000.5 == result.sent_at


def test_each_few_items_are_mended_before_the_next_are_read(work_off, reads, mender, monkeypatch):
    item_ids = [f"mended-{number}" for number in range(2 * ITEMS_AT_ONCE)]
    reads.item_ids.update(item_ids)
    mended_before = []
    read = reads.batch_get

    def watched(keys):
        mended_before.append(len(mender.candidates))
        return read(keys)

    monkeypatch.setattr(reads, "batch_get", watched)

    (result,) = work_off(message("m1", *map(reference, item_ids)))

    assert result.done
    assert [0, ITEMS_AT_ONCE] == mended_before


def test_the_items_of_a_message_are_read_together_each_once(work_off, reads):
    (result,) = work_off(message("m1", reference("mended-1"), reference("clean-1"), reference("mended-1")))
    assert [[("acme", "mended-1"), ("acme", "clean-1")]] == reads.asked
    assert {Fate.MENDED: 1, Fate.CLEAN: 1} == result.fates()


@pytest.mark.parametrize(("changed_at", "expected"), [(5.0, 5.0), (0.0, None)])
def test_only_what_the_auditor_saw_in_clear_has_stood_open_since_then(work_off, mender, changed_at, expected):
    work_off(message("m1", reference("mended-1", VerdictKind.PLAINTEXT, changed_at)))
    assert [Candidate(FakeReads.image("acme", "mended-1"), open_since=expected)] == mender.candidates
