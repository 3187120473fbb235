"""The applying half of a batch: data keys, writes, quarantine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, Protocol

from consumers.encryptor.deaggregate import Rejected
from consumers.encryptor.quarantine import entry_key
from consumers.encryptor.results import RecordResult
from consumers.encryptor.sealing import PlannedRecord
from consumers.encryptor.writing import Writer
from shared.errors import KeyStoreCorrupt, OutOfTime, Reason, RecordRejected, SealstreamError
from shared.model import Outcome, QuarantineEntry
from shared.runtime.batch import attempt
from shared.runtime.log import log_failure

PREFETCH_RESERVE_SECONDS: Final = 50
"""With less time left no more data keys are asked for once some could not be had."""
WRITE_RESERVE_SECONDS: Final = 36
KEEP_RESERVE_SECONDS: Final = 28
"""With less time left no record's write begins, and then none is put into quarantine: a call of AWS takes 27 s at most
(shared/aws/clients.py), and what the writes rejected needs time of its own."""


class Prefetch(Protocol):
    """Has data keys at hand; see `shared.keys.keyring.Keyring.prefetch_active`."""

    def __call__(
        self, pairs: Iterable[tuple[str, str]], *, gives_up: Callable[[int], bool]
    ) -> Mapping[tuple[str, str], SealstreamError]:
        """What could not be had and why."""


class Keeper(Protocol):
    """Where goes what can never be written; see `consumers.encryptor.quarantine.Quarantine`."""

    def keep(self, rejected: Sequence[Rejected], *, stream_arn: str) -> QuarantineEntry:
        """Keep records of one `entry_key`, at least one.

        Raises:
            RetryLater: nothing was kept; the records must be delivered again.
        """


@dataclass(frozen=True, slots=True)
class Settling:
    """Applies the plans of one batch; fields as those of `consumers.encryptor.batch.Encryptor`.

    Attributes:
        stream_arn: where the records came from.
        seconds_left: until the invocation is ended.
    """

    writer: Writer
    quarantine: Keeper
    prefetch: Prefetch
    pool: Executor
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
        settled += [result for group in self.pool.map(self._write_item, groups.values()) for result in group]
        results += [one for one in settled if isinstance(one, RecordResult)]
        again = {one.record.sequence_number for one in results if one.outcome is Outcome.RETRY}
        refused = [one for one in settled if isinstance(one, Rejected)]
        # the Kinesis record is delivered again anyway, and its rejects would then be kept twice
        results += [RecordResult(r.record, Outcome.RETRY) for r in refused if r.record.sequence_number in again]
        return results + self._keep_all([r for r in refused if r.record.sequence_number not in again])

    def _with_keys(self, planned: list[PlannedRecord]) -> tuple[list[PlannedRecord], list[RecordResult | Rejected]]:
        """The records whose data keys are at hand, and what becomes of the others."""
        missing: dict[tuple[str, str], SealstreamError] = {}
        pairs = {pair for one in planned for pair in one.data_keys}
        if not attempt("", lambda: missing.update(self.prefetch(sorted(pairs), gives_up=self._gives_up))):
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

    def _gives_up(self, loaded: int) -> bool:
        """In an outage: each call to a service that hangs takes long, and who has a key must still be written."""
        return loaded == 0 or self.seconds_left() < PREFETCH_RESERVE_SECONDS

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
            stands = False
            for planned in newest_first:
                if newest is not None and newest.identified.position.lane == planned.identified.position.lane:
                    same = stands and _place(newest) == _place(planned)
                    outcome = Outcome.DUPLICATE if same else Outcome.SUPERSEDED
                    results.append(RecordResult(planned.identified.record, outcome))
                    continue
                result, settles_lane = self._write(planned)
                results.append(result)
                newest = planned if settles_lane else None
                stands = isinstance(result, RecordResult) and result.outcome is not Outcome.SUPERSEDED

        attempt(group[0].identified.record.sequence_number, work)
        left = newest_first[len(results) :]
        return results + [RecordResult(planned.identified.record, Outcome.RETRY) for planned in left]

    def _write(self, planned: PlannedRecord) -> tuple[RecordResult | Rejected, bool]:
        """What becomes of one record, and whether that settles those of its lane that are older."""
        self._check_time(WRITE_RESERVE_SECONDS)
        try:
            written = self.writer.write(planned)
        except RecordRejected as error:
            return _rejected(planned, error), False
        result = RecordResult(planned.identified.record, written.outcome, written.sealed_count)
        return result, written.settles_lane

    def _keep_all(self, rejected: list[Rejected]) -> list[RecordResult]:
        entries: dict[tuple[str, str, str, bytes], list[Rejected]] = defaultdict(list)
        for one in rejected:
            entries[entry_key(one)].append(one)
        return [result for entry in self.pool.map(self._keep, entries.values()) for result in entry]

    def _keep(self, entry: list[Rejected]) -> list[RecordResult]:
        kept: list[QuarantineEntry] = []

        def work() -> None:
            self._check_time(KEEP_RESERVE_SECONDS)
            kept.append(self.quarantine.keep(entry, stream_arn=self.stream_arn))

        if not attempt(entry[0].record.sequence_number, work):
            return [RecordResult(rejected.record, Outcome.RETRY) for rejected in entry]
        return [RecordResult(rejected.record, Outcome.QUARANTINED, kept=kept[0]) for rejected in entry]

    def _check_time(self, reserve_seconds: float) -> None:
        if self.seconds_left() < reserve_seconds:
            raise OutOfTime(f"less than {reserve_seconds} s of the invocation are left")


def _without_key(planned: PlannedRecord, failures: Sequence[SealstreamError]) -> RecordResult | Rejected:
    """An outage passes; a key store row that contradicts itself does not, and must not hold up other tenants."""
    if any(isinstance(failure, KeyStoreCorrupt) for failure in failures):
        return _rejected(planned, RecordRejected(Reason.KEY_UNUSABLE, "the tenant's data key is spoiled"))
    return RecordResult(planned.identified.record, Outcome.RETRY)


def _rejected(planned: PlannedRecord, error: RecordRejected) -> Rejected:
    identified = planned.identified
    return Rejected(identified.record, error, identified.tenant_id, identified.source)


def _place(planned: PlannedRecord) -> bytes:
    return planned.identified.position.place
