"""`sealstream audit exposures`: what stood in clear, from when to when, and what may hold it still."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Final

from ops.audit import telling
from ops.audit.copies import known_copies
from ops.audit.distinct import Event
from ops.audit.exposure import Exposure
from ops.audit.exposure_events import exposures, in_order, item_of, shows_clear
from ops.audit.holders import CLOCKS_DIFFER_SECONDS, Copies, Holder, holders
from ops.audit.reading import READ_WITHIN_SECONDS, Trail, at_of
from ops.audit.selection import Selection
from ops.clock import iso
from ops.json_lines import JsonLines
from ops.telling import for_programs
from ops.text import plural
from shared.aws.retention import ObjectDays
from shared.printable import printable

_UNKNOWN_TIME: Final = "a time that nobody knows"
_FOR_EVER: Final = "until somebody deletes it"
_CHANGED: Final = {"insert": "as a new item", "modify": "into an item that was there"}

AHEAD_SECONDS: Final = 3_600
"""How far the clock of those who write events may be before ours."""
NEVER_KNOWN: Final = (
    "who wrote it: the table's stream does not say; CloudTrail's data events of the table do, where they are on",
    "what was in clear before the time that is asked for, if no event of that time tells of it: a reconciliation would",
    "copies in other accounts and regions, exports of more than 90 days ago, what another reader of the stream keeps",
    "replicas of the table, tables that had its items before or were restored from a copy: --table asks for such a one",
)
"""What nobody can find out from here."""
PARTS_MISSING: Final = "what is told in parts of the trail that are missing or not verified: standard error names them"
ASKED_OF_NOBODY: Final = "backups, exports and retention times: a copy of the trail alone does not tell"


def found_in(trail: Trail, since: float, until: float, now: float, selection: Selection) -> list[Exposure]:
    """What was found in clear then, each with its end as far as that came up to now.

    What was told before it was judged again in another order is put in order; so the trail is read twice.

    Raises:
        StoreUnavailable: the bucket does not answer.
    """
    clear = list(trail.events(since, until, wanted=lambda event: shows_clear(event) and selection.wants(event)))
    if not clear:
        return []
    items, told = {item_of(event) for event in clear}, {event["event_id"] for event in clear}

    def of_these(event: Event) -> bool:
        earlier = shows_clear(event) and event["event_id"] not in told and at_of(event) < until
        return item_of(event) in items and not earlier

    first = (min(map(at_of, clear)) or since) - READ_WITHIN_SECONDS
    found = exposures(in_order(trail.events(first, now + AHEAD_SECONDS, wanted=of_these)))
    return [one for one in found if one.event_id in told]


def show_exposures(
    trail: Trail,
    selection: Selection,
    since: float,
    until: float,
    *,
    other_tables: Sequence[str] = (),
    is_copy: bool = False,
    as_json: bool = False,
    copies: Callable[[float, float], Copies] | None = None,
    wall: Callable[[], float] = time.time,
) -> int:
    """Print them; 1 where one is still open, else as `telling.ended` says.

    Raises:
        StoreUnavailable: the bucket does not answer.
        SettingsError: a name is missing.
    """
    now = wall()
    found = found_in(trail, since, until, now, selection)
    if copies is None:
        copies = _asked_of_nobody if is_copy else partial(known_copies, other_tables=other_tables)
    known = copies(*span_of(found, now)) if found else Copies()
    unknown = [*NEVER_KNOWN, *known.unknown, *([] if trail.is_complete else [PARTS_MISSING])]
    told = [(one, holders(one, known, now)) for one in found]
    still_open = sum(one.is_open for one in found)
    if for_programs(as_json=as_json):
        lines = JsonLines()
        for one, held in told:
            lines.write("exposure", **one.document(), may_be_in=[holder.document() for holder in held])
        landing = known.landing and {name: days or _FOR_EVER for name, days in asdict(known.landing).items()}
        lines.write("listed", exposures=len(found), open=still_open, landing_days=landing, unknown=unknown)
    else:
        print("\n".join(map(printable, _lines(told, known.landing, unknown, now))))
    status = telling.ended(trail)
    return 1 if still_open else status


def _asked_of_nobody(*_: float) -> Copies:
    return Copies(unknown=(ASKED_OF_NOBODY,))


def span_of(found: list[Exposure], now: float) -> tuple[float, float]:
    """Of all the times at which something stood in clear; from the beginning, where one was there before."""
    since = min(0.0 if one.written_at is None else one.written_at for one in found)
    until = max(now if one.ended_at is None else one.ended_at for one in found)
    return since - CLOCKS_DIFFER_SECONDS, until + CLOCKS_DIFFER_SECONDS


def _lines(
    told: Sequence[tuple[Exposure, list[Holder]]], landing: ObjectDays | None, unknown: Sequence[str], now: float
) -> Iterator[str]:
    for one, held in told:
        yield f"{one.tenant_id}/{one.item_id}: {', '.join(one.places) or 'somewhere'}"
        yield f"  written  {_written(one)}{_mark(one.proof)}"
        yield f"  sealed   {_ended(one, now)}{_mark(one.ended_proof)}"
        yield "  may still be in" + ("" if held else " nothing that is known here")
        yield from (f"    {holder.what}: {_until(holder)}" for holder in held)
    still_open = sum(one.is_open for one, _ in told)
    items = len({(one.tenant_id, one.item_id) for one, _ in told})
    if told:
        yield f"{plural(len(told), 'exposure')} of {plural(items, 'item')}, {still_open or 'none'} still open"
    else:
        yield "no event of that time tells of anything in clear"
    if landing:
        yield f"What came in a file lies in the landing bucket {_kept(landing.ingested)},"
        yield f"and {_kept(landing.others)} where not every line of it was ingested."
    yield "Not known here:"
    yield from (f"  {one}" for one in unknown)


def _written(one: Exposure) -> str:
    found_at = iso(one.found_at) or _UNKNOWN_TIME
    named = f"; it named {plural(len(one.sources), 'record')} as its source" if one.sources else ""
    if one.written_at is not None:
        return f"{iso(one.written_at)}, {_CHANGED.get(one.change, one.change)}{named}"
    if one.change in _CHANGED:
        return f"before {found_at}: it was changed then, and already in clear{named}"
    return f"at the latest {found_at}, when it was found in the table{named}"


def _ended(one: Exposure, now: float) -> str:
    if one.is_open:
        lasts = "not yet" if one.found_at is None else f"not yet: {_duration(now - one.found_at)} since it was found"
        at = one.perhaps_ended_at
        return lasts if at is None else f"{lasts}; perhaps at {iso(at)}, if it was this item: others are shown alike"
    if one.ended_by == "item.removed":
        how = "removed by its expiry" if one.removed_by == "expiry" else "removed by somebody"
    else:
        how = one.ended_by
    after = "" if one.open_seconds is None else f" after {_duration(one.open_seconds)}"
    return f"{iso(one.ended_at) or _UNKNOWN_TIME}{after}: {how}"


def _mark(proof: str) -> str:
    return f" [{proof}]" if proof else ""


def _until(holder: Holder) -> str:
    return holder.rule if holder.until is None else f"until {iso(holder.until)}, {holder.rule}"


def _kept(days: int | None) -> str:
    return _FOR_EVER if days is None else f"until about {plural(days, 'day')} after its upload"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3_600, whole % 3_600 // 60
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
