"""Items as they stand, judged page by page; every item gets one event, every fault is sent on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.auditor.audit import Verify
from consumers.auditor.events import shown_key
from consumers.auditor.findings import FindingsQueue, reason_to_mend
from consumers.auditor.gather import BatchKnowledge, KnownPolicies
from consumers.auditor.standing.events import write_event
from shared.findings import ItemReference
from shared.model import (
    ITEM_ID,
    TENANT_ID,
    Attributes,
    ChangeKind,
    Finding,
    ItemChange,
    KeyStatus,
    Verdict,
    VerdictKind,
)
from shared.policy.compiled import Policy
from shared.policy.verify import PublishedPolicies, verify
from shared.runs.model import Example, Tally
from shared.runtime.audit_log import AuditLog
from shared.runtime.batch import attempt
from shared.scan.key_states import KeyStatesSince
from shared.scan.tally import merged

UNJUDGED: Final = "unjudged"
_WHEN_UNKNOWN: Final = 0.0
_SEVERITY: Final = tuple(VerdictKind)  # declared worst first


@dataclass(frozen=True, slots=True)
class StandingItems:
    """Judges pages of items.

    Attributes:
        states: made when this worker's time began, or later; an unknown key is looked for after each page is read.
        run_id: of the run that asks for it.
        wall: seconds since the epoch.
    """

    policy: Policy
    states: KeyStatesSince
    known_policies: KnownPolicies
    log: AuditLog
    findings: FindingsQueue
    run_id: str
    wall: Callable[[], float]
    verify: Verify = field(default=verify)

    def visit(self, elements: Sequence[Attributes]) -> Tally:
        """Judge the items of a page, which is done once what they need is sent; again, it gives the same event ids.

        Raises:
            StoreUnavailable: the key store or the findings queue does not answer.
        """
        seen_at = self.wall()
        changes = [standing(image, seen_at) for image in elements]
        knowledge = BatchKnowledge(changes, self.states, self.known_policies, self.policy)
        published = knowledge.published_policies()
        states = {tenant_id: knowledge.key_states(tenant_id) for tenant_id in {one.tenant_id for one in changes}}
        references: list[ItemReference] = []
        tallies = [self._settle(one, states[one.tenant_id], published, references) for one in changes]
        if references:
            self.findings.send(references)
        return merged([*tallies, Tally({"sent": len(references)} if references else {})])

    def _settle(
        self,
        change: ItemChange,
        states: Mapping[int, KeyStatus],
        published: PublishedPolicies,
        references: list[ItemReference],
    ) -> Tally:
        """What one item comes to; what nobody foresaw costs the others nothing, and is no verdict."""
        shown = shown_key(change, self.policy)
        verdicts: list[Verdict] = []

        def judge() -> None:
            verdict = self.verify(change, self.policy, states, published)
            write_event(change, verdict, shown, self.log, self.run_id)
            verdicts.append(verdict)

        if not attempt(shown[1], judge, named="item_id"):
            return _counted(shown, UNJUDGED, "", "an unforeseen error; see the log")
        (verdict,) = verdicts
        if reason := reason_to_mend(verdict):
            references.append(ItemReference(change.tenant_id, change.item_id, reason, _WHEN_UNKNOWN))
        worst = min(verdict.findings, key=_severity, default=None)
        return _counted(shown, verdict.kind, worst.where, worst.why) if worst else _counted(shown, verdict.kind)


def standing(image: Attributes, seen_at: float) -> ItemChange:
    """An item as it stood at a time (seconds since the epoch): a change that left everything as it was.

    Nobody knows when it was written. So what an older policy allowed counts as written in that policy's time, as it
    does for the auditor wherever a change leaves it in its place: stale, and no exposure.
    """
    return ItemChange(
        sequence_number="",
        kind=ChangeKind.MODIFY,
        tenant_id=image[TENANT_ID]["S"],
        item_id=image[ITEM_ID]["S"],
        old=image,
        new=image,
        changed_at=seen_at,
    )


def _severity(finding: Finding) -> int:
    return _SEVERITY.index(finding.kind)


def _counted(shown: tuple[str, str], name: str, where: str = "", why: str = "") -> Tally:
    """One item's count, with its keys as they may be shown."""
    examples = (Example(*shown, where, why),) if why else ()
    return Tally({"visited": 1, str(name): 1}, examples=examples)
