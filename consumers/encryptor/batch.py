"""One batch: every user record received gets exactly one outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from consumers.encryptor.deaggregate import Rejected, user_records
from consumers.encryptor.decode import decode
from consumers.encryptor.identify import identify, known_tenant
from consumers.encryptor.quarantine import Quarantine, entry_key
from consumers.encryptor.sealing import PlannedRecord, plan_record
from consumers.encryptor.writing import Writer
from shared.errors import KeyStoreCorrupt, OutOfTime, Reason, RecordRejected, RetryLater, SealstreamError
from shared.keys.keyring import PARALLEL_LOADS
from shared.model import InboundRecord, Outcome, QuarantineEntry
from shared.policy.compiled import Policy
from shared.runtime.batch import attempt
from shared.runtime.log import log_failure

WRITE_RESERVE_SECONDS: Final = 36
KEEP_RESERVE_SECONDS: Final = 28
"""With less time left no record's write begins, and then none is put into quarantine: a call of AWS takes 27 s at most
(shared/aws/clients.py), and what the writes rejected needs time of its own."""


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
    """

    received: int
    results: tuple[RecordResult, ...]

    @property
    def failed_sequence_numbers(self) -> frozenset[str]:
        """Kinesis records that must be delivered again, with all user records in them."""
        return frozenset(one.record.sequence_number for one in self.results if one.outcome is Outcome.RETRY)

    def outcomes(self) -> Counter[Outcome]:
        """How many records had each outcome."""
        return Counter(result.outcome for result in self.results)


@dataclass(frozen=True, slots=True)
class Encryptor:
    """What a batch is processed with.

    Attributes:
        prefetch: makes the active data keys of these (tenant, data class) pairs ready, several at a time, and says
            which cannot be had now and why.
        pool: runs the writes of different items, and of different entries of the quarantine, at the same time.
    """

    policy: Policy
    writer: Writer
    quarantine: Quarantine
    prefetch: Callable[[Iterable[tuple[str, str]]], Mapping[tuple[str, str], SealstreamError]]
    pool: Executor

    def process(
        self, kinesis_records: Iterable[Mapping[str, Any]], *, stream_arn: str, seconds_left: Callable[[], float]
    ) -> BatchResult:
        """Process the Kinesis records of one Lambda event, in their order.

        Args:
            kinesis_records: as in the event.
            stream_arn: where they came from.
            seconds_left: until the invocation is ended; what is not begun in time is delivered again.
        """
        received: list[InboundRecord | Rejected | RecordResult] = []
        for outer in kinesis_records:
            sequence_number = outer["kinesis"]["sequenceNumber"]
            taken: list[InboundRecord | Rejected] = []
            if attempt(sequence_number, partial(_take_out, outer, taken)):
                received += taken
            else:
                received.append(RecordResult(_unreadable(sequence_number), Outcome.RETRY))
        batch = _Batch(self, stream_arn, seconds_left)
        return BatchResult(len(received), tuple(batch.settle([self._plan(record) for record in received])))

    def _plan(self, record: InboundRecord | Rejected | RecordResult) -> PlannedRecord | Rejected | RecordResult:
        if not isinstance(record, InboundRecord):
            return record
        planned: list[PlannedRecord | Rejected] = []
        attempt(record.sequence_number, lambda: planned.append(self._planned(record)))
        return planned[0] if planned else RecordResult(record, Outcome.RETRY)

    def _planned(self, record: InboundRecord) -> PlannedRecord | Rejected:
        tenant_id = ""
        try:
            attributes = decode(record.payload)
            tenant_id = known_tenant(attributes, self.policy)
            return plan_record(identify(record, attributes, self.policy), self.policy)
        except RecordRejected as error:
            return Rejected(record, error, tenant_id)


@dataclass(frozen=True, slots=True)
class _Batch:
    """The applying half: keys, writes, quarantine."""

    with_: Encryptor
    stream_arn: str
    seconds_left: Callable[[], float]

    def settle(self, plans: Sequence[PlannedRecord | Rejected | RecordResult]) -> list[RecordResult]:
        """The results of all plans.

        What was rejected before any write is kept first, or a slow table would leave no time for it, and the lane would
        stand at that record until it is given up.
        """
        results = [plan for plan in plans if isinstance(plan, RecordResult)]
        results += self._keep_all([plan for plan in plans if isinstance(plan, Rejected)])
        sealable, settled = self._with_keys([plan for plan in plans if isinstance(plan, PlannedRecord)])
        groups: dict[tuple[str, str], list[PlannedRecord]] = defaultdict(list)
        for planned in sealable:
            groups[planned.item_key].append(planned)
        settled += [result for group in self.with_.pool.map(self._write_item, groups.values()) for result in group]
        results += [one for one in settled if isinstance(one, RecordResult)]
        again = {one.record.sequence_number for one in results if one.outcome is Outcome.RETRY}
        refused = [one for one in settled if isinstance(one, Rejected)]
        # the Kinesis record is delivered again anyway, and its rejects would then be kept twice
        results += [RecordResult(r.record, Outcome.RETRY) for r in refused if r.record.sequence_number in again]
        return results + self._keep_all([r for r in refused if r.record.sequence_number not in again])

    def _with_keys(self, planned: list[PlannedRecord]) -> tuple[list[PlannedRecord], list[RecordResult | Rejected]]:
        """The records whose data keys are at hand, and what becomes of the others."""
        missing: dict[tuple[str, str], SealstreamError] = {}
        if not attempt("", lambda: missing.update(self._prefetch({pair for one in planned for pair in one.data_keys}))):
            return [], [RecordResult(one.identified.record, Outcome.RETRY) for one in planned]
        if missing:
            log_failure(next(iter(missing.values())), data_keys_missing=str(len(missing)))
        ready: list[PlannedRecord] = []
        others: list[RecordResult | Rejected] = []
        for one in planned:
            failures = [missing[pair] for pair in one.data_keys if pair in missing]
            if failures:
                others.append(_without_key(one, failures))
            else:
                ready.append(one)
        return ready, others

    def _prefetch(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], SealstreamError]:
        """Have data keys at hand, some at a time; after the first outage the rest is not asked for.

        Each call to a service that hangs takes long, and tenants whose keys are at hand must still be written.
        """
        missing: dict[tuple[str, str], SealstreamError] = {}
        left = sorted(pairs)
        while left:
            asked, left = left[:PARALLEL_LOADS], left[PARALLEL_LOADS:]
            missing |= self.with_.prefetch(asked)
            outage = next((error for error in missing.values() if isinstance(error, RetryLater)), None)
            if outage:
                return missing | dict.fromkeys(left, outage)
        return missing

    def _write_item(self, group: list[PlannedRecord]) -> list[RecordResult | Rejected]:
        """Write the records of one item: the newest of each lane, which supersedes the rest without asking the table.

        From the first that fails on, they are delivered again.
        """
        lanes: dict[bytes, list[PlannedRecord]] = defaultdict(list)
        for planned in group:
            lanes[planned.identified.position.lane].append(planned)
        newest_first = [planned for lane in lanes.values() for planned in sorted(lane, key=_place, reverse=True)]
        results: list[RecordResult | Rejected] = []

        def work() -> None:
            newest: PlannedRecord | None = None
            for planned in newest_first:
                if newest is not None and newest.identified.position.lane == planned.identified.position.lane:
                    same = _place(newest) == _place(planned)
                    outcome = Outcome.DUPLICATE if same else Outcome.SUPERSEDED
                    results.append(RecordResult(planned.identified.record, outcome))
                    continue
                result = self._write(planned)
                results.append(result)
                newest = planned if isinstance(result, RecordResult) else None

        attempt(group[0].identified.record.sequence_number, work)
        left = newest_first[len(results) :]
        return results + [RecordResult(planned.identified.record, Outcome.RETRY) for planned in left]

    def _write(self, planned: PlannedRecord) -> RecordResult | Rejected:
        self._check_time(WRITE_RESERVE_SECONDS)
        try:
            outcome, sealed_count = self.with_.writer.write(planned)
        except RecordRejected as error:
            return Rejected(planned.identified.record, error, planned.identified.tenant_id)
        return RecordResult(planned.identified.record, outcome, sealed_count)

    def _keep_all(self, rejected: list[Rejected]) -> list[RecordResult]:
        entries: dict[tuple[str, str, str], list[Rejected]] = defaultdict(list)
        for one in rejected:
            entries[entry_key(one)].append(one)
        return [result for entry in self.with_.pool.map(self._keep, entries.values()) for result in entry]

    def _keep(self, entry: list[Rejected]) -> list[RecordResult]:
        kept: list[QuarantineEntry] = []

        def work() -> None:
            self._check_time(KEEP_RESERVE_SECONDS)
            kept.append(self.with_.quarantine.keep(entry, stream_arn=self.stream_arn))

        if not attempt(entry[0].record.sequence_number, work):
            return [RecordResult(rejected.record, Outcome.RETRY) for rejected in entry]
        return [RecordResult(rejected.record, Outcome.QUARANTINED, kept=kept[0]) for rejected in entry]

    def _check_time(self, reserve_seconds: float) -> None:
        if self.seconds_left() < reserve_seconds:
            raise OutOfTime(f"less than {reserve_seconds} s of the invocation are left")


def _take_out(outer: Mapping[str, Any], taken: list[InboundRecord | Rejected]) -> None:
    taken.extend(user_records(outer))


def _unreadable(sequence_number: str) -> InboundRecord:
    """Stands for a Kinesis record of which nothing but its number could be read."""
    return InboundRecord(sequence_number, shard_id="", sub_sequence=0, partition_key=b"", arrived_at=0.0, payload=b"")


def _without_key(planned: PlannedRecord, failures: Sequence[SealstreamError]) -> RecordResult | Rejected:
    """An outage passes; a key store row that contradicts itself does not, and must not hold up other tenants."""
    record, tenant_id = planned.identified.record, planned.identified.tenant_id
    if any(isinstance(failure, KeyStoreCorrupt) for failure in failures):
        return Rejected(record, RecordRejected(Reason.KEY_UNUSABLE, "the tenant's data key is spoiled"), tenant_id)
    return RecordResult(record, Outcome.RETRY)


def _place(planned: PlannedRecord) -> bytes:
    return planned.identified.position.place
