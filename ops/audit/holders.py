"""What may still hold what stood in clear, and until when; pure.

It stood in the table from when it was written until it was sealed. What kept the table's content of any moment of that
time, or each change of it, has it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ops.audit.exposure import Exposure
from ops.clock import iso
from shared.aws.backups import Copy, RecoveryWindow
from shared.aws.retention import ObjectDays

TABLE_STREAM_SECONDS: Final = 24 * 3_600
"""For how long DynamoDB's streams keep a change."""
CLOCKS_DIFFER_SECONDS: Final = 60
"""Changes are told in whole seconds, and a backup is made some seconds after it was asked for."""
_DAY_SECONDS: Final = 86_400
_HOUR_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True)
class Copies:
    """What is known of the places that keep the table's content, or what went into it.

    Attributes:
        window: None where the table cannot be restored to any moment.
        copies: backups, recovery points and exports; and tables that had the items before, or have them too.
        stream_hours: the source stream's retention; None where nobody knows.
        landing: how long the landing bucket keeps objects; None where nobody knows.
        unknown: what could not be asked, and why.
    """

    window: RecoveryWindow | None = None
    copies: Sequence[Copy] = ()
    stream_hours: int | None = None
    landing: ObjectDays | None = None
    unknown: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Holder:
    """A place that may still hold it.

    Attributes:
        rule: when it forgets it.
        until: when that is, seconds since the epoch; None where it is not known yet.
    """

    what: str
    rule: str
    until: float | None = None

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {"what": self.what, "rule": self.rule, "until": iso(self.until)}


def holders(exposure: Exposure, copies: Copies, now: float) -> list[Holder]:
    """The places that may hold it now; those that have forgotten it are left out.

    A copy that AWS lists is there, whenever it should have been deleted.
    """
    found = [*_of_the_table(exposure, copies), *_copies(exposure, copies, now), *_sources(exposure, copies)]
    return [one for one in found if one.until is None or one.until > now]


def _of_the_table(exposure: Exposure, copies: Copies) -> Iterator[Holder]:
    if exposure.is_open:
        yield Holder("the items table", "once it is sealed or removed")
    yield _after_the_end("the table's stream", "24 hours", TABLE_STREAM_SECONDS, exposure)
    window = copies.window
    if window and (exposure.ended_at is None or window.earliest < exposure.ended_at + CLOCKS_DIFFER_SECONDS):
        yield _after_the_end("point-in-time recovery", f"{window.days} days", window.days * _DAY_SECONDS, exposure)


def _after_the_end(what: str, after: str, seconds: int, exposure: Exposure) -> Holder:
    until = None if exposure.ended_at is None else exposure.ended_at + seconds
    return Holder(what, f"{after} after it is sealed or removed", until)


def _copies(exposure: Exposure, copies: Copies, now: float) -> Iterator[Holder]:
    for copy in copies.copies:
        after = exposure.ended_at is not None and copy.since > exposure.ended_at + CLOCKS_DIFFER_SECONDS
        before = exposure.written_at is not None and copy.until < exposure.written_at - CLOCKS_DIFFER_SECONDS
        if not after and not before:
            what = f"{copy.kind} {copy.name}"
            if copy.gone_at is None:
                yield Holder(what, "once somebody deletes it")
            elif copy.gone_at > now:
                yield Holder(what, "when it expires", copy.gone_at)
            else:
                yield Holder(what, f"it should have expired at {iso(copy.gone_at)}, and is still listed")


def _sources(exposure: Exposure, copies: Copies) -> Iterator[Holder]:
    """The records that the item named as its source: in the stream they are in clear by nature."""
    if copies.stream_hours is None:
        return
    seconds = copies.stream_hours * _HOUR_SECONDS
    rule = f"{copies.stream_hours} hours after its arrival, at the latest"
    for number, named_at in {one.sequence_number: one.named_at for one in exposure.sources}.items():
        yield Holder(f"the source stream, record {number}", rule, named_at + seconds)
