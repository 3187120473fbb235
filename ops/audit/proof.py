"""Whether what the trail says is proven: one answer for the commands that show events and for the report.

Segments are verified before their events are read, some hours of them at a time: so what is held does not grow with
the hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from itertools import chain
from math import inf
from typing import Final, Protocol

from ops.audit.needed import back_to_its_key, needed_manifests, needed_segments, with_contents
from ops.audit.objects import Objects
from shared.aws.audit_bucket import Listed
from shared.trail.findings import TrailFinding
from shared.trail.manifest import manifest_number
from shared.trail.public_key import PublicKey
from shared.trail.segments import SegmentName
from shared.trail.verify import Ledger, TrailObject, TrailResult, Window

HOURS_AT_ONCE: Final = 6
_HOUR_SECONDS: Final = 3_600
_UNPROVEN: Final = "is listed only by manifests that cannot be trusted"


class Standing(StrEnum):
    """What vouches for the events of a segment."""

    ATTESTED = "attested"
    YOUNG = "not attested yet"
    NOT_VERIFIED = "not verified"


class Proof(Protocol):
    """Says of segments what vouches for them, in the order of their hours.

    Attributes:
        not_verified: why nothing is verified; "" where it is.
        doubted: why, by key, of segments that prove nothing.
        findings: what else is not as it was written: manifests, and segments that are not there.
    """

    not_verified: str
    doubted: dict[str, str]
    findings: dict[TrailFinding, None]

    def begin(self, since: float) -> None:
        """Segments of this hour and later ones are asked for now."""

    def standing(self, name: SegmentName) -> Standing | None:
        """None: nothing vouches for it, and something should."""

    def end(self) -> None:
        """No more are asked for: what is missing in hours without any shows now."""


class NotVerified:
    """Vouches for nothing, and doubts nothing."""

    def __init__(self, why: str) -> None:
        self.not_verified = why
        self.doubted: dict[str, str] = {}
        self.findings: dict[TrailFinding, None] = {}

    def begin(self, since: float) -> None:
        """Nothing to do."""

    def standing(self, name: SegmentName) -> Standing:  # noqa: ARG002 - of all the same
        """What everything is."""
        return Standing.NOT_VERIFIED

    def end(self) -> None:
        """Nothing to do."""


class Verified:
    """Vouches for what trusted manifests attest, and says what none names yet."""

    not_verified = ""

    def __init__(
        self, objects: Objects, public_key: PublicKey, window: Window, *, hours_at_once: float = HOURS_AT_ONCE
    ) -> None:
        self._objects = objects
        self._manifests: dict[int, Listed] = {}
        self._ledger: Ledger | None = None
        self._key = public_key
        self._window = window
        self._seconds_at_once = hours_at_once * _HOUR_SECONDS
        self._since = self._until = inf
        self._doubted: frozenset[str] = frozenset()
        self._attested: frozenset[str] = frozenset()
        self.doubted: dict[str, str] = {}
        self.findings: dict[TrailFinding, None] = {}

    def begin(self, since: float) -> None:
        """What was verified last is not verified again, if these hours begin in it."""
        first = since // _HOUR_SECONDS * _HOUR_SECONDS
        if not self._since <= first < self._until:
            self._since = self._until = first

    def standing(self, name: SegmentName) -> Standing | None:
        """One that came after its hours were verified is young, as far as anybody knows."""
        if name.hour >= self._until:
            self._verify(name.hour + self._seconds_at_once)
        if name.key in self._doubted:
            return None
        return Standing.ATTESTED if name.key in self._attested else Standing.YOUNG

    def end(self) -> None:
        """The hours after the last segment, too."""
        if self._until < inf:
            self._verify(inf)

    def whole(self) -> TrailResult:
        """What is to be said of all of the window, verified at once."""
        self.begin(max(self._window.first_hour, 0.0))
        return self._verify(inf)

    def _verify(self, until: float) -> TrailResult:
        """The hours from the last that were verified on, up to these; the last ones with whatever comes after."""
        window = replace(self._window, since=max(self._until, self._window.first_hour))
        is_last = until > (self._window.now if self._window.until is None else self._window.until)
        if not is_last:
            window = replace(window, until=until - 1)
        ledger = self._ledger = self._ledger or self._checked()
        listing = [self._manifests[number] for number in ledger.listing(window)]
        listed = chain(listing, needed_segments(self._objects, window))
        contents = with_contents(self._objects, listed, may_read=bool(self._manifests))
        result = ledger.verify(contents, window)
        self._since, self._until = window.first_hour, inf if is_last else until
        self._doubted = frozenset(result.doubted)
        self._attested = result.countable - result.youngest
        why = {finding.key: finding.why for finding in result.findings}
        self.doubted |= {key: why.get(key, _UNPROVEN) for key in result.doubted}
        self.findings |= {finding: None for finding in result.findings if finding.key not in self._doubted}
        return result

    def _checked(self) -> Ledger:
        """All manifests of the window, and those that lead to them, whatever they list."""
        read = with_contents(self._objects, needed_manifests(self._objects, self._window))
        read = back_to_its_key(self._objects, read, self._window, self._key)
        return Ledger(self._noted(read), self._key, self._window)

    def _noted(self, read: Iterable[TrailObject]) -> Iterator[TrailObject]:
        """Which they are, so that they can be read again."""
        for one in read:
            if number := manifest_number(one.key):
                again = Listed(one.key, len(one.content), one.last_modified, one.version_id, one.other_versions)
                self._manifests[number] = again
            yield one
