"""Which items of a batch the re-encryptor must look at: each once, by its keys and why, never with a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from shared.findings import MAY_BE_OPEN, TO_MEND, ItemReference
from shared.model import ItemChange, Verdict, VerdictKind

_SEVERITY: Final = tuple(VerdictKind)  # declared worst first


class FindingsQueue(Protocol):
    """Where references go."""

    def send(self, references: Iterable[ItemReference]) -> None:
        """Send all of them; raises StoreUnavailable where not all were sent."""


class BatchFindings:
    """What the changes of one batch left to be mended, in the order in which it was found."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[str, ItemReference]] = {}

    def add(self, change: ItemChange, verdict: Verdict) -> None:
        """Take note of a change's verdict; an item that a later change of the batch left sound needs nothing."""
        item = change.tenant_id, change.item_id
        reason = reason_to_mend(verdict)
        if reason is None:
            self._found.pop(item, None)
            return
        stood_open = (
            reason in MAY_BE_OPEN & verdict.stood
        )  # since before this change, and only the one that did it knows
        reference = ItemReference(*item, reason, 0.0 if stood_open else change.changed_at)
        first, before = self._found.get(item, (change.sequence_number, reference))
        # since when it stood in clear, or else when it was last seen
        since_before = before.reason is VerdictKind.PLAINTEXT or {before.reason, reason} == {VerdictKind.MALFORMED}
        self._found[item] = first, before if since_before else reference

    def first(self) -> Sequence[str]:
        """The sequence number of the first change that something is to be sent for, if there is any."""
        return [number for number, _ in self._found.values()][:1]

    def references(self) -> Sequence[ItemReference]:
        """One for each item."""
        return [reference for _, reference in self._found.values()]


def reason_to_mend(verdict: Verdict) -> VerdictKind | None:
    """The worst that can be mended, if anything can: what looks sensitive may hide that something else is stale."""
    kinds = {verdict.kind, *(finding.kind for finding in verdict.findings)} & TO_MEND
    return min(kinds, key=_SEVERITY.index, default=None)
