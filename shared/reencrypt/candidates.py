"""From references of the findings queue to candidates: each item read once, as it stands now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.findings import ItemReference
from shared.model import ITEM_ID, TENANT_ID, VerdictKind
from shared.reencrypt.model import Candidate
from shared.reencrypt.ports import ItemReads

_EXPOSED: Final = frozenset({VerdictKind.PLAINTEXT, VerdictKind.MALFORMED})
"""Reasons after which something stood in clear since the change; what is stale was right in its time."""


def read_candidates(reads: ItemReads, references: Iterable[ItemReference]) -> list[Candidate]:
    """The items that still exist, in the order of the references; of several about one item, the first exposure counts.

    Raises:
        StoreUnavailable: the table does not answer.
    """
    open_since: dict[tuple[str, str], float | None] = {}
    for one in references:
        key = (one.tenant_id, one.item_id)
        times = [open_since.get(key), one.changed_at if one.reason in _EXPOSED else None]
        open_since[key] = min((time for time in times if time is not None), default=None)
    images = {(image[TENANT_ID]["S"], image[ITEM_ID]["S"]): image for image in reads.batch_get(list(open_since))}
    return [Candidate(images[key], since) for key, since in open_since.items() if key in images]
