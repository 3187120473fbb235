"""From the auditor's events to what stood in clear, from when to when; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ops.audit.distinct import Event
from ops.audit.exposure import Exposure, Source
from ops.audit.reading import PROOF, READ_WITHIN_SECONDS, at_of
from shared.model import VerdictKind
from shared.public_ids import is_withheld

_STANDING: Final = "standing"
_BEGUN: Final = "begun"


def shows_clear(event: Event) -> bool:
    """Whether something stands in clear in the item, after what the event tells, that never should have."""
    return "item_id" in event and (event.get("verdict") == VerdictKind.PLAINTEXT or "exposure" in event)


def item_of(event: Event) -> tuple[str, str]:
    """Whose item it is, and which, as events show it; "" where it names none."""
    return str(event.get("tenant_id", "")), str(event.get("item_id", ""))


def exposures(events: Iterable[Event]) -> list[Exposure]:
    """Each time that an item began to stand in clear, in the order in which that was found.

    Args:
        events: `in_order`, of each item; those about other things do no harm.
    """
    standing: defaultdict[tuple[str, str], list[Exposure]] = defaultdict(list)
    ended: list[Exposure] = []
    for event in events:
        if "item_id" not in event or "verdict" not in event:
            continue
        alike = standing[item_of(event)]
        same = _same(alike, event)
        others = [one for one in alike if one not in same]
        if shows_clear(event):
            alike[:] = [*others, _still_open(same[0], event) if same else _begun(event)]
        else:
            ended += (_ended(one, event) for one in same)
            alike[:] = (_perhaps_ended(one, event) for one in others)
    still_open = (one for alike in standing.values() for one in alike)
    return sorted([*ended, *still_open], key=lambda one: (one.found_at or 0.0, one.tenant_id, one.item_id))


def in_order(events: Iterable[Event]) -> list[Event]:
    """Sorted by when they happened, changes of one second by their sequence number.

    An item that was found standing was read some time before the event: which changes that page has already, nobody
    knows. So it comes before all of them, and what they tell counts. Of a change that was told in two ways what shows
    it in clear comes last.
    """
    return sorted(events, key=_place)


def _place(event: Event) -> tuple[float, int, str, bool]:
    number = str(event.get("sequence_number", ""))
    at = at_of(event) - (READ_WITHIN_SECONDS if event.get("change") == _STANDING else 0)
    return at, len(number), number, shows_clear(event)


def _same(alike: Sequence[Exposure], event: Event) -> Sequence[Exposure]:
    """Those of the item that the event is about, among the open ones of all that are shown like it: one, or none.

    Of an id that is withheld something else has to say that it is the same: the record that both name as their source,
    or since when it lay open.
    """
    if not any(map(is_withheld, item_of(event))):
        return tuple(alike)
    source, since = _source_of(event), _open_since(event)
    same = [one for one in alike if source and any(_record(source) == _record(named) for named in one.sources)]
    same = same or [
        one for one in alike if since is not None and one.found_at is not None and since == int(one.found_at)
    ]
    return same if len(same) == 1 else ()


def _begun(event: Event) -> Exposure:
    tenant_id, item_id = item_of(event)
    at = at_of(event) or None
    source = _source_of(event)
    return Exposure(
        tenant_id=tenant_id,
        item_id=item_id,
        places=tuple(_places(event)),
        event_id=event["event_id"],
        found_at=at,
        written_at=at if event.get("exposure") == _BEGUN else None,
        change=str(event.get("change", "")),
        sources=(source,) if source else (),
        proof=str(event.get(PROOF, "")),
    )


def _still_open(before: Exposure, event: Event) -> Exposure:
    sources = {_record(one): one for one in before.sources}
    if source := _source_of(event):
        sources[_record(source)] = source
    places = tuple(dict.fromkeys([*before.places, *_places(event)]))
    return replace(before, places=places, sources=tuple(sources.values()))


def _ended(before: Exposure, event: Event) -> Exposure:
    return replace(
        before,
        ended_at=at_of(event) or None,
        ended_by=str(event["event"]),
        removed_by=str(event.get("removed_by", "")),
        told_open_seconds=_told_seconds(event),
        ended_proof=str(event.get(PROOF, "")),
    )


def _perhaps_ended(before: Exposure, event: Event) -> Exposure:
    return before if before.perhaps_ended_at is not None else replace(before, perhaps_ended_at=at_of(event))


def _places(event: Event) -> Iterator[str]:
    findings: Iterable[Mapping[str, Any]] = event.get("findings", ())
    return (str(one.get("where", "")) for one in findings if one.get("kind") == event.get("verdict"))


def _source_of(event: Event) -> Source | None:
    number = event.get("source_sequence_number")
    return Source(str(number), event.get("source_sub_sequence", 0), at_of(event)) if number else None


def _record(source: Source) -> tuple[str, int]:
    return source.sequence_number, source.sub_sequence


def _open_since(event: Event) -> int | None:
    seconds = _told_seconds(event)
    return None if seconds is None else int(at_of(event)) - seconds


def _told_seconds(event: Event) -> int | None:
    told = event.get("open_seconds")
    return told if isinstance(told, int) else None
