"""What a report says, read from a deployment, or from a copy of its trail alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from pathlib import Path
from typing import Final, TypeVar

from ops.audit.copies import known_copies
from ops.audit.exposure import Exposure
from ops.audit.exposures import ASKED_OF_NOBODY, found_in, span_of
from ops.audit.folder import Folder, refuse_beyond
from ops.audit.holders import Copies
from ops.audit.objects import Objects, objects_of
from ops.audit.proof import Proof, Verified
from ops.audit.proven import key_of, window_written, with_row
from ops.audit.reading import WRITTEN_WITHIN_SECONDS
from ops.audit.selection import Selection as Everything
from ops.audit.verify import Asked
from ops.clock import iso
from ops.environment import setting
from ops.quarantine.index import Selection
from ops.quarantine.listing import quarantine_index
from ops.report.counted import CountedTrail
from ops.report.held import Held, held
from ops.report.keys import KeyInventory, inventory
from ops.report.report import NotKnown, Period, Report, TrailCheck
from ops.report.runs import with_phases
from ops.report.stored_keys import stored_keys, stored_policy
from ops.report.tally import Tally, tallied
from ops.runs.wiring import is_local, run_store
from shared.aws.clients import client
from shared.errors import RequestRefused, SealstreamError

T = TypeVar("T")

_ONLY_THE_TRAIL: Final = NotKnown("the report was made from a copy of the trail, which does not tell what stands now")

_NOT_ASKED: Final = Copies(unknown=(ASKED_OF_NOBODY,))
_PERIOD_SECONDS: Final = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is asked about.

    Attributes:
        since: events that happened then or later, seconds since the epoch; None for the last 30 days.
        until: and before; None for up to now, or in a copy up to when it was made.
        folder: a copy of the trail, instead of a deployment.
        public_key: a PEM file; None for the key that KMS has, which a copy alone cannot ask.
        period_seconds: the notary's; None for what the deployment says.
    """

    since: float | None = None
    until: float | None = None
    folder: Path | None = None
    public_key: Path | None = None
    period_seconds: float | None = None


def gather(wanted: Wanted, now: float, *, objects: Objects | None = None) -> Report:
    """Read it all; what cannot be read beside the trail's events is told as such.

    Segments are verified before their events are counted: all that are read, and no others are.

    Raises:
        SealstreamError: the trail cannot be read.
    """
    objects = objects or objects_of(wanted.folder)
    period = _period(wanted, now)
    written_until = min(period.until, now) + WRITTEN_WITHIN_SECONDS
    check, proof = _verified(wanted, objects, period, written_until)
    trail = CountedTrail(objects, proof)
    tally = tallied(trail.events(period.since, period.until))
    found: Sequence[Exposure] = ()
    if tally.coverage.in_clear or trail.conflicts:
        if written_until < now:
            check, trail.proof = _verified(wanted, objects, period)
        found = found_in(trail, period.since, period.until, period.made_at, Everything())
    if wanted.folder is not None:
        copied = {"copy of the trail": wanted.folder.resolve().name, "made": _made(wanted.folder)}
        told = (period, copied, tally, found, _NOT_ASKED, _ONLY_THE_TRAIL, _ONLY_THE_TRAIL, check)
        return Report(*told, trail.unreadable, trail.left_out, trail.conflicts)
    return Report(
        period=period,
        names={} if isinstance(names := _known(_names), NotKnown) else names,
        tally=_with_phases(tally),
        exposures=found,
        copies=_copies(found, now),
        keys=_known(lambda: _keys(tally, now)),
        held=_known(_held),
        trail=check,
        unreadable=trail.unreadable,
        left_out=trail.left_out,
        conflicts=trail.conflicts,
    )


def _period(wanted: Wanted, now: float) -> Period:
    until = wanted.until
    if until is None:
        copied_at = None if wanted.folder is None else Folder(wanted.folder).copied_at()
        until = now if copied_at is None else min(copied_at, now)
    since = max(0.0, until - _PERIOD_SECONDS) if wanted.since is None else wanted.since
    if since >= until:
        raise RequestRefused("what is asked for begins when it is over: see --from, and when the copy was made")
    return Period(float(int(since)), float(ceil(until)), now)


def _made(folder: Path) -> str:
    return iso(Folder(folder).copied_at()) or "nobody knows when"


def _copies(found: Sequence[Exposure], now: float) -> Copies:
    """What may still hold it; nobody is asked where nothing stood in clear."""
    if not found:
        return Copies()
    known = _known(lambda: known_copies(*span_of([*found], now)))
    return Copies(unknown=(known.why,)) if isinstance(known, NotKnown) else known


def _verified(
    wanted: Wanted, objects: Objects, period: Period, written_until: float | None = None
) -> tuple[TrailCheck | NotKnown, Proof | None]:
    """The verifier's verdict on every segment that may be read for the period, and what it says of each.

    Where nothing could be verified all count, which the page says.

    Args:
        wanted: with which key, and of which copy.
        objects: of the trail.
        period: what is counted.
        written_until: segments that were written later are not read; None for up to now.

    Raises:
        RequestRefused: a copy has not all of that.
        SettingsError: the notary's period is none.
    """
    asked = Asked(period.since, wanted.until, wanted.folder, wanted.public_key, wanted.period_seconds)
    window = window_written(asked, period.made_at, up_to_now=True)
    refuse_beyond(wanted.folder, replace(window, until=written_until))

    def checked() -> tuple[TrailCheck, Verified]:
        key, source = key_of(objects, asked)
        noted, findings = with_row(window, asked)
        proof = Verified(objects, key, replace(noted, until=written_until), hours_at_once=inf)
        result = proof.whole()
        return TrailCheck(replace(result, findings=[*findings, *result.findings]), key.sha256, source), proof

    known = _known(checked)
    return (known, None) if isinstance(known, NotKnown) else known


def _keys(tally: Tally, now: float) -> KeyInventory:
    dynamodb, table = client("dynamodb"), setting("KEY_STORE")
    policy = stored_policy(dynamodb, table, tally.coverage.latest_policy)
    limits = {name: one.rotate_after_days for name, one in policy.classes.items()} if policy else None
    return inventory(stored_keys(dynamodb, table), limits, now)


def _held() -> Held:
    return held(quarantine_index().entries(Selection(decided=True)))


def _with_phases(tally: Tally) -> Tally:
    if all(run.verdict for run in tally.runs):
        return tally
    told = _known(lambda: with_phases(tally.runs, run_store().load))
    return tally if isinstance(told, NotKnown) else replace(tally, runs=told)


def _names() -> Mapping[str, str]:
    names = {"items table": setting("TABLE"), "audit bucket": setting("AUDIT_BUCKET")}
    dynamodb = client("dynamodb").meta
    place = f"{dynamodb.region_name}, local AWS at {dynamodb.endpoint_url}" if is_local() else dynamodb.region_name
    return {**names, "region": place}


def _known(read: Callable[[], T]) -> T | NotKnown:
    try:
        return read()
    except SealstreamError as error:
        return NotKnown(str(error))
