"""Which items of a batch the re-encryptor must look at: each once, by its keys and why, never with a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from shared.findings import TO_MEND, ItemReference
from shared.model import ItemChange, Verdict, VerdictKind

_SEVERITY: Final = tuple(VerdictKind)  # declared worst first


class FindingsQueue(Protocol):
    """Where references go."""

    def send(self, references: Iterable[ItemReference]) -> None:
        """Send all of them; raises StoreUnavailable where not all were sent."""


class BatchFindings:
    """What the changes of one batch left to be mended, in the order in which it was found."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Found] = {}

    def add(self, change: ItemChange, verdict: Verdict) -> None:
        """Take note of a change's verdict; an item that a later change of the batch left sound needs nothing."""
        item = change.tenant_id, change.item_id
        reason = reason_to_mend(verdict)
        if reason is None:
            self._found.pop(item, None)
            return
        before = self._found.get(item)
        if verdict.exposed and before and before.exposed:
            open_since = before.reference.changed_at
        else:
            open_since = change.changed_at if verdict.exposed and not verdict.exposed_before else 0.0
        first = before.first if before else change.sequence_number
        self._found[item] = _Found(first, ItemReference(*item, reason, open_since), verdict.exposed)

    def first(self) -> Sequence[str]:
        """The sequence number of the first change that something is to be sent for, if there is any."""
        return [one.first for one in self._found.values()][:1]

    def references(self) -> Sequence[ItemReference]:
        """One for each item."""
        return [one.reference for one in self._found.values()]


class _Found(NamedTuple):
    """An item that is to be sent: the first change that something was found in, and as the last one left it."""

    first: str
    reference: ItemReference
    exposed: bool


def reason_to_mend(verdict: Verdict) -> VerdictKind | None:
    """The worst that can be mended, if anything can: what looks sensitive may hide that something else is stale."""
    kinds = {verdict.kind, *(finding.kind for finding in verdict.findings)} & TO_MEND
    return min(kinds, key=_SEVERITY.index, default=None)
