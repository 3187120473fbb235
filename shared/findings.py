"""The findings queue's messages: which items to look at again, and why; keys and reasons, never values.

A message is JSON, `{"version": 1, "items": [{"tenant_id": …, "item_id": …, "reason": …, "changed_at": …}]}`, with many
references, so that a million stale items are ten thousand messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from shared.model import VerdictKind

MAX_REFERENCES: Final = 100
MAX_BYTES: Final = 200_000
"""Below the 256 KiB of an SQS message; an item id has up to 1,024 bytes, each up to six in JSON."""
TO_MEND: Final = frozenset({VerdictKind.PLAINTEXT, VerdictKind.MALFORMED, VerdictKind.STALE})
"""Verdicts after which the re-encryptor looks at the item; what it cannot mend it leaves as it is."""
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ItemReference:
    """An item that the auditor found not to be as it should.

    Attributes:
        reason: of `TO_MEND`.
        changed_at: when the change happened since which something stands in clear in it that never should have, seconds
            since the epoch; 0 where nothing does, or nobody knows since when.
    """

    tenant_id: str
    item_id: str
    reason: VerdictKind
    changed_at: float


def to_messages(references: Iterable[ItemReference]) -> Iterator[str]:
    """The bodies of as few messages as hold the references, in their order."""
    batch: list[str] = []
    size = 0
    for reference in references:
        text = json.dumps(_document(reference), separators=(",", ":"))
        if batch and (len(batch) == MAX_REFERENCES or size + len(text) > MAX_BYTES):
            yield _message(batch)
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield _message(batch)


def from_message(body: str) -> list[ItemReference]:
    """The references of a message.

    Raises:
        ValueError: not a message that `to_messages` gives; says nothing of its content.
    """
    try:
        document = json.loads(body)
        items = {_VERSION: document["items"]}[document["version"]]
        return [_reference(one) for one in items]
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        raise ValueError("not a message of the findings queue") from None


def _document(reference: ItemReference) -> dict[str, Any]:
    return {
        "tenant_id": reference.tenant_id,
        "item_id": reference.item_id,
        "reason": reference.reason.value,
        "changed_at": reference.changed_at,
    }


def _message(items: Iterable[str]) -> str:
    return f'{{"version":{_VERSION},"items":[{",".join(items)}]}}'


def _reference(one: dict[str, Any]) -> ItemReference:
    tenant_id, item_id, changed_at = one["tenant_id"], one["item_id"], one["changed_at"]
    if not isinstance(tenant_id, str) or not isinstance(item_id, str) or not isfinite(changed_at):
        raise TypeError
    return ItemReference(tenant_id, item_id, VerdictKind(one["reason"]), float(changed_at))
