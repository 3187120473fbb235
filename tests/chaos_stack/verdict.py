"""What a campaign came to, held against the model: lost, doubled, or anything else that was not foretold; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.audit.distinct import Event
from shared.aws.python_values import to_python
from shared.errors import Reason
from shared.model import DELETED_AT, EXPIRES_AT, SOURCE, TOMBSTONE_SECONDS
from shared.source_position import LANE_BYTES, SourcePosition
from tests.chaos.model import ItemKey, Place, expected, lane
from tests.chaos.stream import Sent
from tests.chaos.world import Held
from tests.chaos_stack.records import ORDER
from tests.chaos_stack.stack import Change

Complaints = list[str]


@dataclass(frozen=True)
class Observed:
    """What there is after a campaign.

    Attributes:
        items: as they lie in the table; `opened` as they are read.
        changes: of the table.
        told: the audit events of each change in the trail, by its number; `printed`: those in the logs.
    """

    items: Mapping[ItemKey, Any] = field(repr=False)
    opened: Mapping[ItemKey, Mapping[str, Any]] = field(repr=False)
    held: Sequence[Held] = field(repr=False)
    changes: Sequence[Change] = field(repr=False)
    told: Mapping[str, Sequence[Event]] = field(repr=False)
    printed: Mapping[str, Sequence[Event]] = field(repr=False)


@dataclass(frozen=True)
class Verdict:
    """Complaints; a campaign that is as it should be has none.

    Attributes:
        wrong: what is neither lost nor doubled, and not foretold.
        quarantined: user records by reason.
    """

    lost: Complaints
    doubled: Complaints
    wrong: Complaints
    quarantined: Mapping[str, int]


def judge(sent: Sequence[Sent], acknowledged: Collection[int], seen: Observed) -> Verdict:
    """The verdict on everything that Kinesis accepted."""
    model = expected(sent, ORDER)
    by_place = {one.place: one for one in sent}
    standing = {
        key: one for key in model.candidates if (one := by_place.get(place_of(seen.items.get(key, {})) or (0, 0)))
    }
    foretold = {**model.rejected, **_of_other_lanes(model.lanes, standing)}
    held = {one.place: one for one in seen.held}
    lost = [f"Kinesis gave number {number} and does not hold it" for number in set(acknowledged) - _numbers(sent)]
    lost += [
        f"{_name(by_place[place])}: not in quarantine ({reason})" for place, reason in foretold.items() - _reasons(held)
    ]
    for key, candidates in model.candidates.items():
        lost += _lost(key, candidates, standing.get(key), seen)
    wrong = [
        f"in quarantine, and should not be: {place} ({reason})" for place, reason in _reasons(held) - foretold.items()
    ]
    wrong += [
        f"{_name(by_place[place])}: is not in quarantine as it came"
        for place in held.keys() & foretold.keys()
        if (held[place].payload, held[place].partition_key)
        != (by_place[place].payload, by_place[place].line[0].encode())
    ]
    wrong += [f"{key}: nobody sent it" for key in seen.items.keys() - model.candidates.keys()]
    wrong += [complaint for key, one in standing.items() for complaint in _as_deleted(key, one, seen)]
    wrong += list(_unaudited(seen))
    quarantined = Counter(str(one.reason) for one in held.values())
    return Verdict(sorted(lost), list(_doubled(seen)), wrong, dict(quarantined))


def place_of(item: Mapping[str, Any]) -> Place | None:
    """The record that an item came from."""
    position = SourcePosition.from_bytes(item.get(SOURCE, {}).get("B"))
    record = position.kinesis_record() if position else None
    return (int(record[0]), record[1]) if record else None


def _lost(key: ItemKey, candidates: Sequence[Sent], found: Sent | None, seen: Observed) -> Iterator[str]:
    if found is None or found not in candidates:
        stands = f"stands at {found.place}" if found else "is not there" if key not in seen.items else "stands nowhere"
        yield f"{key} {stands}; newest: {[one.place for one in candidates]}"
        return
    assert found.record is not None
    content = {name: to_python(value) for name, value in found.record.content.items()}
    if found.record.is_delete:
        if key in seen.opened:
            yield f"{key} was deleted and is shown"
    elif content != seen.opened.get(key):
        yield f"{key} does not open to what was put"


def _as_deleted(key: ItemKey, found: Sent, seen: Observed) -> Iterator[str]:
    at = int(found.arrived_at)
    marks = {DELETED_AT: {"N": str(at)}, EXPIRES_AT: {"N": str(at + TOMBSTONE_SECONDS)}}
    has = {name: value for name, value in seen.items[key].items() if name in marks}
    assert found.record is not None
    if has != (marks if found.record.is_delete else {}):
        yield f"{key} is no tombstone as it should be"


def _of_other_lanes(lanes: Mapping[ItemKey, Mapping[Any, Sequence[Sent]]], standing: Mapping[ItemKey, Sent]) -> Any:
    """Where nobody can say which lane is newer, one stands and the records of all others are in quarantine."""
    return {
        one.place: Reason.ORDER_UNKNOWN
        for key, by_lane in lanes.items()
        if key in standing
        for name, records in by_lane.items()
        if name != lane(standing[key], ORDER)
        for one in records
    }


def _doubled(seen: Observed) -> Iterator[str]:
    """Versions that were written by more than one change; a change that keeps `_src` seals anew and is no version."""
    writes: dict[tuple[ItemKey, bytes], set[str]] = defaultdict(set)
    for change in seen.changes:
        old, new = change.old_source, change.new_source
        if new is not None and new != old:
            writes[change.key, new].add(change.number)
            if old is not None and old[:LANE_BYTES] == new[:LANE_BYTES] and old > new:
                yield f"{change.key}: went back in change {change.number}"
    for (key, _), changes in writes.items():
        if len(changes) > 1:
            yield f"{key}: one record written by changes {sorted(changes)}"


def _unaudited(seen: Observed) -> Iterator[str]:
    """Each change has one event in the trail, however often it was told, and the log has it word for word."""
    for number in (change.number for change in seen.changes):
        told, printed = seen.told.get(number, ()), seen.printed.get(number, ())
        ids, printed_ids = ({event["event_id"] for event in events} for events in (told, printed))
        if len(ids) != 1:
            yield f"change {number} has {len(ids)} audit events in the trail"
        elif ids != printed_ids or not any(event in printed for event in told):
            yield f"change {number} is not told in the trail as in the log"
    for number in seen.told.keys() - {change.number for change in seen.changes}:
        yield f"the trail tells of change {number}, and there is none"


def _reasons(held: Mapping[Place, Held]) -> Any:
    return {place: Reason(one.reason) for place, one in held.items()}.items()


def _numbers(sent: Sequence[Sent]) -> set[int]:
    return {one.sequence for one in sent}


def _name(sent: Sent) -> str:
    return f"record {sent.place}"
