"""The segments that no manifest lists yet, and whether those are still there that some do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Final

from consumers.notary.earlier import Earlier
from consumers.notary.ports import Bucket
from shared.aws.audit_bucket import Listed
from shared.errors import ObjectUnreadable, StoreDenied, StoreUnavailable, TrailUnreadable
from shared.runtime.pool import all_of
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.manifest import Attested
from shared.trail.segments import MAX_UNZIPPED_BYTES, PREFIX, SegmentName, count_events, hour_prefix

READ_TOGETHER: Final = 64

_ONE_AT_A_TIME: Final = Lock()
"""What is unzipped may need two hundred megabytes; and threads would not be faster at it together."""


@dataclass(frozen=True, slots=True)
class Newer:
    """What was found.

    Attributes:
        segments: to be attested, by key, ascending.
        more: whether some are left for the next manifest.
        findings: on segments that manifests list, and on those that none will list.
    """

    segments: Sequence[Attested]
    more: bool
    findings: Sequence[TrailFinding]


def look(bucket: Bucket, earlier: Earlier, pool: Executor, *, at_most: int, in_time: Callable[[], bool]) -> Newer:
    """Read the segments that are new; raises StoreUnavailable.

    What is more than `at_most`, or not `in_time`, which is asked before each few of them, is left to the next manifest.
    One that cannot be read stops nobody, and is tried again as long as its hour is looked at; but where it is refused
    and nothing was read yet, as manifests were before, it may be all of them.
    """
    since = "" if earlier.first_hour is None else hour_prefix(earlier.first_hour)
    listed = {one.key: one for one in bucket.listed(PREFIX, start_after=since) if SegmentName.parse(one.key)}
    new = [one for key, one in listed.items() if key not in earlier.attested]
    segments: list[Attested] = []
    findings = [
        found
        for key, one in earlier.attested.items()
        if key > since and (found := _gone_wrong(one, listed.get(key))) is not None
    ]
    passed_over = (ObjectUnreadable,) if earlier.last is None else (ObjectUnreadable, StoreDenied)
    done = 0
    while done < len(new) and len(segments) < at_most and in_time():
        few = new[done : done + min(READ_TOGETHER, at_most - len(segments))]
        for read in all_of(pool, lambda one: _read(bucket, one, passed_over), few):
            if isinstance(read, Attested):
                segments.append(read)
            else:
                findings.append(read)
        done += len(few)
    return Newer(segments, done < len(new), findings)


def _read(bucket: Bucket, one: Listed, passed_over: tuple[type[StoreUnavailable], ...]) -> Attested | TrailFinding:
    """What a manifest says of it; what is no segment, or fails in a way that is passed over, is told and not listed."""
    name = SegmentName.parse(one.key)
    if name is None or one.bytes > MAX_UNZIPPED_BYTES:
        return TrailFinding(Tampering.UNREADABLE, one.key, "is larger than any segment")
    try:
        content = bucket.read(one.key, one.version_id)
    except passed_over:
        return TrailFinding(Tampering.UNREADABLE, one.key, "is given to nobody by the bucket, though others are")
    try:
        with _ONE_AT_A_TIME:
            events = count_events(content, name)
    except TrailUnreadable as error:
        return TrailFinding(Tampering.UNREADABLE, one.key, str(error))
    return Attested(one.key, one.version_id or "", sha256(content).hexdigest(), len(content), events)


def _gone_wrong(attested: Attested, listed: Listed | None) -> TrailFinding | None:
    """A version never changes: one that is there under the same id is as it was."""
    if listed is None:
        return TrailFinding(Tampering.REMOVED, attested.key, "was attested, and is not there")
    if listed.version_id != attested.version_id or listed.other_versions:
        return TrailFinding(Tampering.REPLACED, attested.key, "was attested, and has another version now")
    return None
