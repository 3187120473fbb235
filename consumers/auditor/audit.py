"""One batch of the items table's stream: every change gets one verdict and one audit event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from consumers.auditor.events import write_event, write_unreadable
from consumers.auditor.gather import BatchKnowledge, KeyStatusReader, KnownPolicies
from shared.aws.stream_records import StreamRecord, UnreadableChange, item_change, sequence_number_of
from shared.model import ItemChange, KeyStatus, Verdict, VerdictKind
from shared.policy.compiled import Policy
from shared.policy.verify import PublishedPolicies, verify
from shared.runtime.audit_log import AuditLog
from shared.runtime.batch import in_order

Verify = Callable[[ItemChange, Policy, Mapping[int, KeyStatus], PublishedPolicies], Verdict]


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What became of a batch.

    Attributes:
        verdicts: how many changes got each; they add up to `received` less what is delivered again.
        failed_sequence_numbers: the first change that could not be judged, or none.
        oldest_changed_at: seconds since the epoch; None where no record says.
    """

    received: int
    verdicts: Mapping[VerdictKind, int]
    failed_sequence_numbers: Sequence[str]
    oldest_changed_at: float | None


@dataclass(frozen=True, slots=True)
class Auditor:
    """What a batch is audited with. It opens nothing: the reader gives states of keys, never keys."""

    policy: Policy
    reader: KeyStatusReader
    known_policies: KnownPolicies
    log: AuditLog
    verify: Verify = field(default=verify)

    def audit(self, records: Sequence[StreamRecord]) -> AuditResult:
        """Judge the records of one Lambda event in their order, up to the first that cannot be judged."""
        identifiers = [sequence_number_of(record) for record in records]
        changes = [item_change(record) for record in records]
        readable = [change for change in changes if isinstance(change, ItemChange)]
        knowledge = BatchKnowledge(readable, self.reader, self.known_policies, self.policy)
        verdicts: Counter[VerdictKind] = Counter()
        work = [partial(self._audit_change, change, knowledge, verdicts) for change in changes]
        failed = in_order(zip(identifiers, work, strict=True))
        times = [change.changed_at for change in changes if change.changed_at]
        return AuditResult(len(changes), verdicts, failed, min(times, default=None))

    def _audit_change(
        self, change: ItemChange | UnreadableChange, knowledge: BatchKnowledge, verdicts: Counter[VerdictKind]
    ) -> None:
        if isinstance(change, UnreadableChange):
            write_unreadable(change, self.log)
            verdicts[VerdictKind.MALFORMED] += 1
            return
        key_states = knowledge.key_states(change.tenant_id)
        verdict = self.verify(change, self.policy, key_states, knowledge.published_policies())
        write_event(change, verdict, self.log)
        verdicts[verdict.kind] += 1
