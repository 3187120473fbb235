"""Which stage tells which events: what a segment of another stage says of such things, its writer cannot know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OF_A_STANDING_ITEM: Final = frozenset(
    {"item.stale", "item.plaintext_found", "item.malformed", "item.undeclared_sensitive"}
)
_OF_A_CHANGE: Final = _OF_A_STANDING_ITEM | {
    "item.written",
    "item.removed",
    "item.reencrypted",
    "item.remediated",
    "item.adopted",
}
_BY_WHO_SEALS: Final = frozenset({"key.created"})

TOLD_BY: Final[Mapping[str, frozenset[str]]] = {
    "encryptor": _BY_WHO_SEALS | {"record.quarantined"},
    "redriver": _BY_WHO_SEALS
    | {
        "record.quarantined",
        "record.redriven",
        "record.discarded",
        "record.skipped",
        "object.skipped",
        "stream.replayed",
    },
    "landing-ingest": frozenset({"object.ingested"}),
    "auditor": _OF_A_CHANGE,
    "reauditor": _OF_A_CHANGE | {"record.skipped", "stream.replayed"},
    "reconciler": _OF_A_STANDING_ITEM | {"item.reconciled"},
    "reencryptor": _BY_WHO_SEALS,
    "reopener": frozenset({"key.reopened"}),
    "ensure-keys": _BY_WHO_SEALS,
    "rotation": frozenset(
        {
            "rotation.started",
            "key.rotated",
            "key.rewrapped",
            "key.retired",
            "key.destroyed",
            "census.completed",
            "reconciliation.completed",
            "rotation.completed",
        }
    ),
    "sweeper": _BY_WHO_SEALS | {"record.reencrypted"},
    "tenant-api": frozenset({"access.denied"}),
    "notary": frozenset({"trail.verification_failed"}),
}
"""By stage; what stands in no other's list only the stage itself can say, for it alone may write its segments."""


def is_told_by(stage: str, event: str) -> bool:
    """Whether a function of this stage tells such events."""
    return event in TOLD_BY.get(stage, ())
