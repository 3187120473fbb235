"""One batch of the items table's stream: every change gets one verdict and one audit event, every fault is sent on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

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
        verdicts: how many changes got each, of those that are done: all before the first that failed.
        failed_sequence_numbers: the first change that could not be judged, or, before it, the first whose finding could
            not be sent; or none.
        oldest_changed_at: seconds since the epoch; None where no record says.
        findings_sent: items that the re-encryptor was told of.
        arrivals: when the records arrived that changes brought, seconds since the epoch; of those that are done and say
            so.
    """

    received: int
    verdicts: Mapping[VerdictKind, int]
    failed_sequence_numbers: Sequence[str]
    oldest_changed_at: float | None
    findings_sent: int = 0
    arrivals: Sequence[float] = ()


class _Judged(NamedTuple):
    """One change that was judged, and when the record arrived that it brought."""

    kind: VerdictKind
    arrived: float | None = None


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
        findings, judged = BatchFindings(), list[_Judged]()
        work = [partial(self._audit_change, change, knowledge, findings, judged) for change in changes]
        unjudged = in_order(zip(identifiers, work, strict=True))
        references = findings.references()
        unsent = in_order((number, partial(self.findings.send, references)) for number in findings.first())
        failed = unsent or unjudged
        done = judged[: identifiers.index(failed[0])] if failed else judged
        times = [change.changed_at for change in changes if change.changed_at]
        return AuditResult(
            received=len(changes),
            verdicts=Counter(one.kind for one in done),
            failed_sequence_numbers=failed,
            oldest_changed_at=min(times, default=None),
            findings_sent=0 if unsent else len(references),
            arrivals=tuple(one.arrived for one in done if one.arrived is not None),
        )

    def _audit_change(
        self,
        change: ItemChange | UnreadableChange,
        knowledge: BatchKnowledge,
        findings: BatchFindings,
        judged: list[_Judged],
    ) -> None:
        if isinstance(change, UnreadableChange):
            write_unreadable(change, self.log)
            judged.append(_Judged(VerdictKind.MALFORMED))
            return
        key_states = knowledge.key_states(change.tenant_id)
        published = knowledge.published_policies()
        verdict = self.verify(change, self.policy, key_states, published)
        mended = mending(change, verdict, self.policy, published)
        write_event(change, verdict, self.policy, self.log, mended)
        findings.add(change, verdict)
        judged.append(_Judged(verdict.kind, arrival_of(change, verdict, mended)))
