"""The event of an item that was judged as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from secrets import token_hex
from typing import Any, Final

from consumers.auditor.events import EVENTS, judged
from shared.envelope.layout import KEY_ID_BYTES, NONCE_BYTES
from shared.envelope.walk import sealed_values
from shared.model import Attributes, ItemChange, Verdict, VerdictKind
from shared.policy.stored_binary import passes_for_sealed
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id

_EVENTS: Final[Mapping[VerdictKind, AuditEvent]] = {**EVENTS, VerdictKind.VERIFIED: AuditEvent.ITEM_RECONCILED}
_OF_WHO_WROTE_IT: Final = ("source_sequence_number", "source_sub_sequence", "policy")
_NONCE: Final = slice(1 + KEY_ID_BYTES, 1 + KEY_ID_BYTES + NONCE_BYTES)


def write_event(change: ItemChange, verdict: Verdict, shown: tuple[str, str], log: AuditLog, run_id: str) -> None:
    """Write the event of an item that a run found so; it was neither written nor mended now, as far as is known."""
    told = judged(change, verdict, shown)
    identity = standing_event_id(change, verdict, told, run_id)
    log.write(_EVENTS[verdict.kind], event_id=identity, at=change.changed_at, change="standing", **told)


def standing_event_id(change: ItemChange, verdict: Verdict, told: Mapping[str, Any], run_id: str) -> str:
    """The same id in one run for the same item, as long as what is `told` of it and its sealed values stay the same.

    Another run tells it anew: in between it may have been otherwise. The nonces of its sealed values keep the id from
    telling the item's key to who tries. Where its key must not be told, an item without any has an id for each time
    that it is judged.
    """
    key = change.tenant_id, change.item_id
    is_shown = key == (told["tenant_id"], told["item_id"])
    seed = _nonces_digest(change.new or {}) or ("" if is_shown else token_hex(16))
    written = (str(told[name]) for name in _OF_WHO_WROTE_IT)
    found = sorted({f"{one.kind} {one.where} {one.why}" for one in verdict.findings})
    return event_id("standing", run_id, *key, seed, *written, verdict.kind, *found)


def _nonces_digest(item: Attributes) -> str:
    """Of all of them, in an order of their own, since attributes come in any; "" where nothing is sealed."""
    nonces = sorted(raw[_NONCE] for _, raw in sealed_values(item) if passes_for_sealed(raw))
    return sha256(b"".join(nonces)).hexdigest() if nonces else ""
