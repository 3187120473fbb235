"""From a change and its verdict to the one audit event that tells of it; pure but for writing it.

Every value comes from an allow-list of what can hold no attribute's value: the keys, which the policy says are always
plain, and even these only where no scanner finds something sensitive in them; and what sealstream itself put on the
item, where the judgement has no doubt of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from consumers.auditor.gather import policy_digest
from shared.aws.stream_records import UnreadableChange
from shared.model import POLICY, SOURCE, Attributes, Finding, ItemChange, Verdict, VerdictKind
from shared.policy.compiled import Policy
from shared.policy.sensitive import scan_text
from shared.policy.verify_change import Mending, open_seconds
from shared.public_ids import public_item_id, public_tenant, scanner_of_keys
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.source_position import SourcePosition

EVENTS: Final[Mapping[VerdictKind, AuditEvent]] = {
    VerdictKind.VERIFIED: AuditEvent.ITEM_WRITTEN,
    VerdictKind.STALE: AuditEvent.ITEM_STALE,
    VerdictKind.PLAINTEXT: AuditEvent.ITEM_PLAINTEXT_FOUND,
    VerdictKind.MALFORMED: AuditEvent.ITEM_MALFORMED,
    VerdictKind.UNDECLARED: AuditEvent.ITEM_UNDECLARED_SENSITIVE,
    VerdictKind.REMOVED: AuditEvent.ITEM_REMOVED,
}
MENDING_EVENTS: Final[Mapping[Mending, AuditEvent]] = {
    Mending.REMEDIATED: AuditEvent.ITEM_REMEDIATED,
    Mending.ADOPTED: AuditEvent.ITEM_ADOPTED,
    Mending.REENCRYPTED: AuditEvent.ITEM_REENCRYPTED,
}

_MAY_LIE_OPEN: Final = frozenset({VerdictKind.PLAINTEXT, VerdictKind.MALFORMED})
_LISTED_FINDINGS: Final = 50
"""A hostile item can have 100,000 findings; CloudWatch Logs takes 256 KB a line."""
_SEVERITY: Final = tuple(VerdictKind)  # declared worst first


def write_event(
    change: ItemChange, verdict: Verdict, policy: Policy, log: AuditLog, mended: Mending | None = None
) -> None:
    """Write the event of a change that was judged by this policy, and that was a mending or none."""
    fields = judged(change, verdict, shown_key(change, policy))
    fields |= {"change": change.kind.lower(), "sequence_number": change.sequence_number}
    if verdict.kind is VerdictKind.REMOVED:
        fields["removed_by"] = "expiry" if change.by_expiry else "principal"
    if mended is Mending.REMEDIATED:
        fields["open_seconds"] = open_seconds(change)
    identity = event_id("items", fields["tenant_id"], change.sequence_number)
    event = MENDING_EVENTS[mended] if mended else EVENTS[verdict.kind]
    log.write(event, event_id=identity, at=change.changed_at, **fields)


def shown_key(change: ItemChange, policy: Policy) -> tuple[str, str]:
    """The item's tenant and id as they may be shown."""
    scan = scanner_of_keys(policy)
    return public_tenant(change.tenant_id, scan), public_item_id(change.item_id, scan)


def judged(change: ItemChange, verdict: Verdict, shown: tuple[str, str]) -> dict[str, Any]:
    """What an event says of an item, by its `shown_key`, and of its verdict."""
    fields = {"tenant_id": shown[0], "item_id": shown[1], "verdict": verdict.kind}
    if verdict.kind is VerdictKind.REMOVED:
        return fields
    return {
        **fields,
        **_findings(verdict.findings),
        "sealed_count": verdict.sealed_count,
        "exposure": _exposure(verdict),
        **_provenance(change.new or {}, doubted={finding.where for finding in verdict.findings}),
    }


def _exposure(verdict: Verdict) -> str | None:
    """What the change did to what never should have stood in clear; None where nothing does."""
    if not verdict.exposed or verdict.kind not in _MAY_LIE_OPEN:
        return None
    return "continued" if verdict.exposed_before else "begun"


def write_unreadable(change: UnreadableChange, log: AuditLog) -> None:
    """Write the event of a stream record that could not even be read."""
    finding = Finding(VerdictKind.MALFORMED, where="", why=change.why)
    log.write(
        AuditEvent.ITEM_MALFORMED,
        event_id=event_id("items", "", change.sequence_number),
        at=change.changed_at,
        sequence_number=change.sequence_number,
        verdict=VerdictKind.MALFORMED,
        sealed_count=0,
        **_findings((finding,)),
    )


def _findings(findings: Sequence[Finding]) -> dict[str, Any]:
    worst_first = sorted(dict.fromkeys(findings), key=lambda finding: _SEVERITY.index(finding.kind))
    listed = [
        {"kind": one.kind, "where": one.where, "why": one.why, "data_class": one.data_class}
        for one in worst_first[:_LISTED_FINDINGS]
    ]
    return {"findings": listed, "finding_count": len(findings)}


def _provenance(image: Attributes, doubted: Collection[str]) -> dict[str, Any]:
    """Source record and policy digest; None where they are not of the form that sealstream writes, or in doubt."""
    position = None if SOURCE in doubted else SourcePosition.from_bytes(image.get(SOURCE, {}).get("B"))
    record = position.kinesis_record() if position else None
    if record and scan_text(record[0]):
        record = None
    digest = None if POLICY in doubted else policy_digest(image)
    return {
        "source_sequence_number": record[0] if record else None,
        "source_sub_sequence": record[1] if record else None,
        "policy": digest.hex() if digest else None,
    }
