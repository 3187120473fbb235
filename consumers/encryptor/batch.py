"""One batch: every record received gets exactly one outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from consumers.encryptor.deaggregate import Rejected, user_records
from consumers.encryptor.decode import decode
from consumers.encryptor.identify import identify
from consumers.encryptor.quarantine import Quarantine, QuarantineEntry
from consumers.encryptor.sealing import PlannedRecord, plan_record
from consumers.encryptor.writing import Writer
from shared.errors import CannotOpen, RecordRejected, RetryLater, SealstreamError
from shared.model import InboundRecord, Outcome
from shared.policy.compiled import Policy

_NOT_NOW: Final = (RetryLater, CannotOpen)
"""What leaves a record as it is, to be delivered again."""


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of one user record.

    Attributes:
        kept: its entry in quarantine, where that is where it went.
        failure: what makes it be delivered again, where something does.
    """

    record: InboundRecord
    outcome: Outcome
    sealed_count: int = 0
    kept: QuarantineEntry | None = None
    failure: SealstreamError | None = None


@dataclass(frozen=True, slots=True)
class Encryptor:
    """What a batch is processed with.

    Attributes:
        prefetch: makes these (tenant, data class) pairs' active data keys ready, several at a time; a pair that
            cannot be had now fails when it is asked for.
        pool: runs the writes of different items at the same time.
        report: told of an unexpected error; the record that met it is delivered again.
    """

    policy: Policy
    writer: Writer
    quarantine: Quarantine
    prefetch: Callable[[Iterable[tuple[str, str]]], None]
    pool: Executor
    report: Callable[[Exception], None]

    def process(self, kinesis_records: Iterable[Mapping[str, Any]], *, stream_arn: str) -> list[RecordResult]:
        """Process the records of one Lambda event; the results count as many as the user records in it."""
        received = [record for outer in kinesis_records for record in user_records(outer)]
        groups: dict[tuple[str, str], list[PlannedRecord]] = defaultdict(list)
        rejected: list[tuple[Rejected, str]] = []
        for record in received:
            planned = record if isinstance(record, Rejected) else self._plan(record)
            if isinstance(planned, Rejected):
                rejected.append((planned, ""))
            else:
                groups[planned.item_key].append(planned)
        self.prefetch(
            {(tenant, name) for (tenant, _), group in groups.items() for p in group for name in p.data_classes}
        )
        results = [result for group in self.pool.map(self._write_in_order, groups.values()) for result in group]
        written = [result for result in results if isinstance(result, RecordResult)]
        rejected += [result for result in results if not isinstance(result, RecordResult)]
        return written + [self._keep(failed, tenant, stream_arn) for failed, tenant in rejected]

    def _plan(self, record: InboundRecord) -> PlannedRecord | Rejected:
        try:
            return plan_record(identify(record, decode(record.payload), self.policy), self.policy)
        except RecordRejected as error:
            return Rejected(record, error)

    def _write_in_order(self, group: list[PlannedRecord]) -> list[RecordResult | tuple[Rejected, str]]:
        """Write the records of one item; after one that must be retried, those behind it are retried too."""
        results: list[RecordResult | tuple[Rejected, str]] = []
        failure: SealstreamError | None = None
        for planned in group:
            record = planned.identified.record
            if failure is not None:
                results.append(RecordResult(record, Outcome.RETRY, failure=failure))
                continue
            try:
                outcome, sealed_count = self.writer.write(planned)
            except RecordRejected as error:
                results.append((Rejected(record, error), planned.identified.tenant_id))
            except _NOT_NOW as error:
                failure = error
                results.append(RecordResult(record, Outcome.RETRY, failure=error))
            else:
                results.append(RecordResult(record, outcome, sealed_count))
        return results

    def _keep(self, rejected: Rejected, tenant_id: str, stream_arn: str) -> RecordResult:
        try:
            kept = self.quarantine.keep(rejected.record, rejected.error, stream_arn=stream_arn, tenant_id=tenant_id)
        except _NOT_NOW as error:
            return RecordResult(rejected.record, Outcome.RETRY, failure=error)
        return RecordResult(rejected.record, Outcome.QUARANTINED, kept=kept)
