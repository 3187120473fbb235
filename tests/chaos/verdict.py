"""Whether table, tombstones, quarantine and audit trail are what the model says: lost 0, doubled 0, none in clear."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from shared.errors import Reason
from shared.model import DELETED_AT, EXPIRES_AT, SOURCE, TOMBSTONE_SECONDS
from shared.source_position import SourcePosition
from tests.chaos.model import Expected, ItemKey, Place, expected, key_of, lane
from tests.chaos.stream import Sent
from tests.chaos.world import World


def check(world: World) -> None:
    """All of it; everything was delivered."""
    model = expected(world.stream.sent.values(), world.order)
    standing = check_table(world, model)
    _check_quarantine(world, model, standing)
    assert [] == world.seen.broken
    assert [] == world.leaks()


def check_table(world: World, model: Expected) -> dict[ItemKey, Sent]:
    """The table alone; gives the record that each item holds."""
    items, contents = world.items(), world.contents()
    standing: dict[ItemKey, Sent] = {}
    for key, candidates in model.candidates.items():
        assert key in items, f"lost: {key}, sent as {[one.place for one in candidates]}"
        found = came_from(items[key])
        newest = [one for one in candidates if one.place == found]
        assert newest, f"{key} stands at {found}, newest are {[one.place for one in candidates]}"
        standing[key] = newest[0]
        _check_item(items[key], contents[key], newest[0])
    return standing


def _check_item(item: Any, content: Any, sent: Sent) -> None:
    assert sent.record is not None
    assert sent.record.content == content
    tombstone = {}
    if sent.record.is_delete:
        deleted_at = int(sent.arrived_at)
        tombstone = {DELETED_AT: {"N": str(deleted_at)}, EXPIRES_AT: {"N": str(deleted_at + TOMBSTONE_SECONDS)}}
    assert tombstone == {name: value for name, value in item.items() if name in {DELETED_AT, EXPIRES_AT}}


def _check_quarantine(world: World, model: Expected, standing: dict[ItemKey, Sent]) -> None:
    """Each record that was rejected, once and as it came, in an entry that the trail tells of; and no other."""
    reasons: dict[tuple[int, int], Reason] = dict(model.rejected)
    for key, by_lane in model.lanes.items():
        its_lane = lane(standing[key], world.order)
        others = (one for name, records in by_lane.items() if name != its_lane for one in records)
        reasons |= {one.place: Reason.ORDER_UNKNOWN for one in others}
    held = world.held()
    doubled = [place for place, times in Counter(one.place for one in held).items() if times > 1]
    assert [] == doubled, "doubled"
    assert reasons == {one.place: Reason(one.reason) for one in held}
    told = {event["quarantine_id"] for event in world.told() if event["event"] == "record.quarantined"}
    assert told == {one.entry_id for one in held}, "entries without their event in the trail, or events of no entry"
    for one in held:
        sent = world.stream.sent[one.place]
        assert (sent.payload, sent.line[0].encode()) == (one.payload, one.partition_key)
    stored = {place for places in world.seen.stored.values() for place in places}
    assert set() == stored & reasons.keys(), "a record stood in the table and lies in quarantine"
    for key, sent in standing.items():
        assert sent.record is not None
        assert key_of(sent.record) == key


def came_from(item: Any) -> Place | None:
    """The record that an item is made of, if it is one of ours."""
    position = SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))
    record = position and position.kinesis_record()
    return (int(record[0]), record[1]) if record else None


def check_audit(world: World, others: Mapping[ItemKey, str] = MappingProxyType({})) -> None:
    """Every change has one event in the trail, which tells of no others.

    Only a stranger's write is a fault, and all end verified, but for `others`.
    """
    events = [event for event in world.told() if event["event"].startswith("item.")]
    by_change: dict[str, set[str]] = defaultdict(set)
    for event in events:
        by_change[event["sequence_number"]].add(event["event_id"])
    numbers = {change["dynamodb"]["SequenceNumber"] for change in world.changes}
    assert numbers == by_change.keys(), "changes without their event in the trail, or events of no change"
    assert {1} == {len(ids) for ids in by_change.values()} or not by_change
    last: dict[ItemKey, Mapping[str, Any]] = {}
    for event in sorted(events, key=lambda event: int(event["sequence_number"])):
        key = event["tenant_id"], event["item_id"]
        last[key] = event
        is_ours = key not in world.strangers
        assert not is_ours or event["verdict"] in {"verified", "stale"}, event
    ours = expected(world.stream.sent.values(), world.order).candidates.keys()
    assert {key: others.get(key, "verified") for key in ours} == {key: last[key]["verdict"] for key in ours}
