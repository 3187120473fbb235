"""One batch: every user record received gets exactly one outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

from consumers.encryptor.deaggregate import Rejected, user_records
from consumers.encryptor.decode import decode
from consumers.encryptor.identify import identify
from consumers.encryptor.quarantine import Quarantine
from consumers.encryptor.sealing import PlannedRecord, plan_record
from consumers.encryptor.writing import Writer
from shared.errors import RecordRejected, SealstreamError
from shared.model import InboundRecord, Outcome, QuarantineEntry
from shared.policy.compiled import Policy
from shared.runtime.batch import attempt
from shared.runtime.log import log_failure


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of one user record.

    Attributes:
        kept: its entry in quarantine, where that is where it went.
    """

    record: InboundRecord
    outcome: Outcome
    sealed_count: int = 0
    kept: QuarantineEntry | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        received: user records taken out of the Kinesis records, counted before anything else is done with them.
        failed_sequence_numbers: Kinesis records that must be delivered again, with all user records in them.
    """

    received: int
    results: tuple[RecordResult, ...]
    failed_sequence_numbers: frozenset[str]

    def outcomes(self) -> Counter[Outcome]:
        """How many records had each outcome."""
        return Counter(result.outcome for result in self.results)


@dataclass(frozen=True, slots=True)
class Encryptor:
    """What a batch is processed with.

    Attributes:
        prefetch: makes the active data keys of these (tenant, data class) pairs ready, several at a time, and says
            which cannot be had now and why.
        pool: runs the writes of different items at the same time.
    """

    policy: Policy
    writer: Writer
    quarantine: Quarantine
    prefetch: Callable[[Iterable[tuple[str, str]]], Mapping[tuple[str, str], SealstreamError]]
    pool: Executor

    def process(self, kinesis_records: Iterable[Mapping[str, Any]], *, stream_arn: str) -> BatchResult:
        """Process the Kinesis records of one Lambda event, in their order."""
        received: list[InboundRecord | Rejected] = []
        undecodable: set[str] = set()
        for outer in kinesis_records:
            sequence_number = outer["kinesis"]["sequenceNumber"]
            if not attempt(sequence_number, partial(_take_out, outer, received)):
                undecodable.add(sequence_number)
        results = self._settle([self._plan(record) for record in received], stream_arn)
        retried = {result.record.sequence_number for result in results if result.outcome is Outcome.RETRY}
        return BatchResult(len(received), tuple(results), frozenset(retried | undecodable))

    def _plan(self, record: InboundRecord | Rejected) -> PlannedRecord | Rejected | RecordResult:
        if isinstance(record, Rejected):
            return record
        planned: list[PlannedRecord | Rejected] = []

        def work() -> None:
            try:
                planned.append(plan_record(identify(record, decode(record.payload), self.policy), self.policy))
            except RecordRejected as error:
                planned.append(Rejected(record, error))

        attempt(record.sequence_number, work)
        return planned[0] if planned else RecordResult(record, Outcome.RETRY)

    def _settle(self, plans: list[PlannedRecord | Rejected | RecordResult], stream_arn: str) -> list[RecordResult]:
        groups: dict[tuple[str, str], list[PlannedRecord]] = defaultdict(list)
        for planned in plans:
            if isinstance(planned, PlannedRecord):
                groups[planned.item_key].append(planned)
        sealable, delayed = self._with_keys(list(groups.values()))
        written = [result for group in self.pool.map(self._write_in_order, sealable) for result in group]
        ended = [plan for plan in plans if not isinstance(plan, PlannedRecord)] + written + delayed
        return [self._keep(one, stream_arn) if isinstance(one, Rejected) else one for one in ended]

    def _with_keys(self, groups: list[list[PlannedRecord]]) -> tuple[list[list[PlannedRecord]], list[RecordResult]]:
        """The groups whose data keys are at hand, and the results of those whose are not."""
        missing = self.prefetch({pair for group in groups for planned in group for pair in planned.data_keys})
        if not missing:
            return groups, []
        log_failure(next(iter(missing.values())), data_keys_missing=str(len(missing)))
        ready, delayed = [], []
        for group in groups:
            if missing.keys().isdisjoint(pair for planned in group for pair in planned.data_keys):
                ready.append(group)
            else:
                delayed += [RecordResult(planned.identified.record, Outcome.RETRY) for planned in group]
        return ready, delayed

    def _write_in_order(self, group: list[PlannedRecord]) -> list[RecordResult | Rejected]:
        """Write the records of one item; from the first that fails on, they are delivered again."""
        results: list[RecordResult | Rejected] = []

        def work() -> None:
            for planned in group:
                record = planned.identified.record
                try:
                    outcome, sealed_count = self.writer.write(planned)
                    results.append(RecordResult(record, outcome, sealed_count))
                except RecordRejected as error:
                    results.append(Rejected(record, error, planned.identified.tenant_id))

        attempt(group[0].identified.record.sequence_number, work)
        left = group[len(results) :]
        return results + [RecordResult(planned.identified.record, Outcome.RETRY) for planned in left]

    def _keep(self, rejected: Rejected, stream_arn: str) -> RecordResult:
        kept: list[QuarantineEntry] = []
        attempt(
            rejected.record.sequence_number, lambda: kept.append(self.quarantine.keep(rejected, stream_arn=stream_arn))
        )
        if not kept:
            return RecordResult(rejected.record, Outcome.RETRY)
        return RecordResult(rejected.record, Outcome.QUARANTINED, kept=kept[0])


def _take_out(outer: Mapping[str, Any], received: list[InboundRecord | Rejected]) -> None:
    received.extend(user_records(outer))
