"""The judge of a campaign sees what is wrong; and a campaign is what its seed says."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from shared.aws.python_values import to_python
from shared.aws.segment_writer import SegmentWriter
from shared.errors import Reason
from shared.source_position import kinesis_position
from tests.chaos.records import CANARY
from tests.chaos.stream import Sent
from tests.chaos.world import Held
from tests.chaos_stack.faults import weather
from tests.chaos_stack.records import CANARIES, DIGITS, Generator, NestedRecord
from tests.chaos_stack.stack import Change, Search
from tests.chaos_stack.told import Told
from tests.chaos_stack.verdict import Observed, judge
from tests.fakes.notary import FakeAuditBucket
from tests.fakes.trail import FakeTrail
from tests.unit.ops.audit.trail import event

KEY = ("acme", "1")


def sent(number: int, **options: object) -> Sent:
    """A record whose sequence number is its number."""
    record = NestedRecord(number, *KEY, **options)  # type: ignore[arg-type]
    return Sent(number, 0, 1_700_000_000.0, ("key", None), is_misplaced=False, payload=record.payload, record=record)


def source(one: Sent) -> bytes:
    return kinesis_position(b"key", str(one.sequence), 0).to_bytes()


FIRST, NEWEST, POISON = sent(1), sent(2), sent(3, poison=Reason.ID_MISSING)
ALL = [FIRST, NEWEST, POISON]
HELD = Held(POISON.place, Reason.ID_MISSING, "entry", b"key", POISON.payload)
CHANGES = [Change("10", KEY, None, source(FIRST)), Change("11", KEY, source(FIRST), source(NEWEST))]


def events(*ids: str, **fields: str) -> list[dict[str, str]]:
    """A change's events with these ids."""
    return [{"event": "item.written", "event_id": identity, **fields} for identity in ids]


def content(one: Sent) -> dict[str, object]:
    assert one.record is not None
    return {name: to_python(value) for name, value in one.record.content.items()}


SOUND = Observed(
    items={KEY: {"_src": {"B": source(NEWEST)}}},
    opened={KEY: content(NEWEST)},
    held=[HELD],
    changes=CHANGES,
    told={"10": events("a", "a"), "11": events("b")},
    printed={"10": events("a"), "11": events("b", "b")},
)
EVENTS_OF_12: Any = {"told": {**SOUND.told, "12": events("c")}, "printed": {**SOUND.printed, "12": events("c")}}


def test_what_is_as_foretold_has_no_complaint():
    verdict = judge(ALL, {1, 2, 3}, SOUND)

    assert ([], [], [], {"id_missing": 1}) == (verdict.lost, verdict.doubled, verdict.wrong, verdict.quarantined)


@pytest.mark.parametrize(
    "seen",
    [
        replace(SOUND, items={}, opened={}),
        replace(SOUND, items={KEY: {"_src": {"B": source(FIRST)}}}, opened={KEY: content(FIRST)}),
        replace(SOUND, opened={KEY: content(FIRST)}),
        replace(SOUND, held=[]),
    ],
    ids=["no item", "an older one stands", "another content", "not in quarantine"],
)
def test_what_is_missing_or_older_is_lost(seen: Observed):
    assert 1 == len(judge(ALL, {1, 2, 3}, seen).lost)


def test_a_number_that_the_stream_does_not_hold_is_lost():
    assert 1 == len(judge(ALL, {1, 2, 3, 4}, SOUND).lost)


@pytest.mark.parametrize(
    "again",
    [Change("12", KEY, source(FIRST), source(NEWEST)), Change("12", KEY, source(NEWEST), source(FIRST))],
    ids=["the same version", "an older one"],
)
def test_a_version_that_is_written_twice_is_doubled(again: Change):
    seen = replace(SOUND, changes=[*CHANGES, again], **EVENTS_OF_12)

    assert judge(ALL, set(), seen).doubled


def test_a_change_that_keeps_the_position_is_no_second_version():
    renewed = Change("12", KEY, source(NEWEST), source(NEWEST))
    seen = replace(SOUND, changes=[*CHANGES, renewed], **EVENTS_OF_12)

    assert [] == judge(ALL, set(), seen).doubled


@pytest.mark.parametrize(
    "seen",
    [
        replace(SOUND, held=[HELD, replace(HELD, place=NEWEST.place)]),
        replace(SOUND, held=[replace(HELD, payload=b"another")]),
        replace(SOUND, items={**SOUND.items, ("acme", "ghost"): {}}),
        replace(SOUND, told={"10": events("a")}),
        replace(SOUND, told={"10": events("a"), "11": events("b", "c")}),
        replace(SOUND, told={"10": events("a"), "11": events("b", verdict="stale")}),
        replace(SOUND, printed={"10": events("a"), "11": events("b", "c")}),
        replace(SOUND, printed={"10": events("a")}),
        replace(SOUND, told={**SOUND.told, "12": events("c")}),
        replace(SOUND, items={KEY: {**SOUND.items[KEY], "_expires_at": {"N": "1"}}}),
    ],
    ids=[
        "held without reason",
        "held otherwise",
        "a ghost",
        "no event",
        "two events",
        "told otherwise",
        "printed twice",
        "not printed",
        "of no change",
        "a tombstone",
    ],
)
def test_whatever_else_was_not_foretold_is_said(seen: Observed):
    assert judge(ALL, set(), seen).wrong


def test_a_deleted_item_that_is_shown_is_lost():
    deleted = sent(4, is_delete=True)
    seen = replace(
        SOUND,
        items={KEY: {"_src": {"B": source(deleted)}}},
        changes=[*CHANGES, Change("12", KEY, source(NEWEST), source(deleted))],
        **EVENTS_OF_12,
    )

    assert judge([*ALL, deleted], set(), seen).lost


def test_every_sound_record_holds_what_the_search_finds():
    search = Search()
    users = [user for put in islice(Generator(7), 200) for user in put.users]
    sound = [user for user in users if user.record and user.record.poison is None and not user.record.is_delete]
    for user in sound:
        search.look("payload", user.payload)

    assert len(sound) == search.hits["payload"]
    assert all(canary in user.payload.decode() for canary in CANARIES for user in sound)


def test_the_search_finds_a_canary_in_any_sink_and_spelling():
    search = Search()
    for text in (CANARY, DIGITS, {"B": f"x{CANARY}".encode()}, CANARY.encode().hex(), int(f"{DIGITS}0001")):
        search.look("sink", text)

    assert 5 == search.hits["sink"]


def test_each_document_of_the_trail_since_then_is_searched_once():
    trail, search = FakeTrail(), Search()
    bucket: Any = FakeAuditBucket(trail)
    segments = SegmentWriter(bucket, "auditor", lambda: trail.now)
    segments.write([event(sequence_number="1")], where="1")
    trail.wait(2)
    told = Told(bucket, trail.now, search.look)

    segments.write([event(sequence_number="2", item_id=CANARY)], where="2")
    assert {"2"} == told.by_change().keys()
    trail.wait(3_600)
    segments.write([event(sequence_number="3")], where="3")
    SegmentWriter(bucket, "encryptor", lambda: trail.now).write([event("key.created")], where="3")
    assert {"2": 1, "3": 1} == {number: len(events) for number, events in told.by_change().items()}
    assert ({"audit trail": 3}, {"audit trail": 1}) == (search.documents, search.hits)


def test_a_campaign_follows_from_its_seed():
    first, again, other = (list(islice(Generator(seed), 100)) for seed in (7, 7, 8))

    assert first == again != other
    assert weather(7, 4.0) == weather(7, 4.0) != weather(8, 4.0)
