"""One batch of the items table's stream: every change gets one verdict and one audit event, every fault is sent on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from consumers.auditor.events import write_event, write_unreadable
from consumers.auditor.findings import BatchFindings, FindingsQueue
from consumers.auditor.gather import BatchKnowledge, KeyStatusReader, KnownPolicies
from consumers.auditor.lag import arrival_of
from shared.aws.stream_records import StreamRecord, UnreadableChange, item_change, sequence_number_of
from shared.model import ItemChange, KeyStatus, Verdict, VerdictKind
from shared.policy.compiled import Policy
from shared.policy.verify import PublishedPolicies, verify
from shared.policy.verify_change import mending
from shared.runtime.audit_log import AuditLog
from shared.runtime.batch import in_order

Verify = Callable[[ItemChange, Policy, Mapping[int, KeyStatus], PublishedPolicies], Verdict]


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What became of a batch.

    Attributes:
        verdicts: how many changes got each; they add up to `received` less those that could not be judged.
        failed_sequence_numbers: the first change that could not be judged, or, before it, the first whose finding could
            not be sent; or none.
        oldest_changed_at: seconds since the epoch; None where no record says.
        findings_sent: items that the re-encryptor was told of.
        arrivals: when the records arrived that changes brought, seconds since the epoch; of those that say so.
    """

    received: int
    verdicts: Mapping[VerdictKind, int]
    failed_sequence_numbers: Sequence[str]
    oldest_changed_at: float | None
    findings_sent: int = 0
    arrivals: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Auditor:
    """What a batch is audited with. It opens nothing: the reader gives states of keys, never keys."""

    policy: Policy
    reader: KeyStatusReader
    known_policies: KnownPolicies
    log: AuditLog
    findings: FindingsQueue
    verify: Verify = field(default=verify)

    def audit(self, records: Sequence[StreamRecord]) -> AuditResult:
        """Judge the records of one Lambda event in their order, up to the first that cannot be judged.

        Where findings cannot be sent, the batch counts as done only up to the first change that they are of: it is
        judged again, with the same event ids.
        """
        identifiers = [sequence_number_of(record) for record in records]
        changes = [item_change(record) for record in records]
        readable = [change for change in changes if isinstance(change, ItemChange)]
        knowledge = BatchKnowledge(readable, self.reader, self.known_policies, self.policy)
        verdicts: Counter[VerdictKind] = Counter()
        findings, arrivals = BatchFindings(), list[float]()
        work = [partial(self._audit_change, change, knowledge, verdicts, findings, arrivals) for change in changes]
        unjudged = in_order(zip(identifiers, work, strict=True))
        references = findings.references()
        unsent = in_order((number, partial(self.findings.send, references)) for number in findings.first())
        times = [change.changed_at for change in changes if change.changed_at]
        return AuditResult(
            received=len(changes),
            verdicts=verdicts,
            failed_sequence_numbers=unsent or unjudged,
            oldest_changed_at=min(times, default=None),
            findings_sent=0 if unsent else len(references),
            arrivals=tuple(arrivals),
        )

    def _audit_change(
        self,
        change: ItemChange | UnreadableChange,
        knowledge: BatchKnowledge,
        verdicts: Counter[VerdictKind],
        findings: BatchFindings,
        arrivals: list[float],
    ) -> None:
        if isinstance(change, UnreadableChange):
            write_unreadable(change, self.log)
            verdicts[VerdictKind.MALFORMED] += 1
            return
        key_states = knowledge.key_states(change.tenant_id)
        published = knowledge.published_policies()
        verdict = self.verify(change, self.policy, key_states, published)
        mended = mending(change, verdict, self.policy, published)
        write_event(change, verdict, self.policy, self.log, mended)
        verdicts[verdict.kind] += 1
        findings.add(change, verdict)
        if (arrived := arrival_of(change, verdict, mended)) is not None:
            arrivals.append(arrived)
