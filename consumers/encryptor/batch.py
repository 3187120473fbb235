"""One batch: every user record received gets exactly one outcome.

Records come in Kinesis records (`Encryptor.process`), or taken out of them earlier (`Encryptor.settle`), which is how
those that lay in quarantine come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from consumers.encryptor.deaggregate import Rejected, user_records
from consumers.encryptor.identify import file_source, identify, known_tenant
from consumers.encryptor.placing import STREAMED, Terms, place
from consumers.encryptor.quarantine import Shards
from consumers.encryptor.results import BatchResult, RecordResult
from consumers.encryptor.sealing import PlannedRecord, plan_record
from consumers.encryptor.settling import Keeper, Prefetch, Settling
from consumers.encryptor.writing import Writer
from shared.decode import decode
from shared.errors import RecordRejected
from shared.model import InboundRecord, Outcome
from shared.policy.compiled import Policy
from shared.runtime.batch import attempt

Received: TypeAlias = InboundRecord | Rejected | RecordResult
"""A user record, one that could not even be taken out whole, or what became of one already."""
Plan: TypeAlias = PlannedRecord | Rejected | RecordResult


@dataclass(frozen=True, slots=True)
class Encryptor:
    """What a batch is processed with.

    Attributes:
        quarantine: where goes what can never be written; whoever takes records out of quarantine gives another.
        prefetch: makes the active data keys of these (tenant, data class) pairs ready, several at a time, and says
            which cannot be had now and why.
        pool: runs the writes of different items, and of different entries of the quarantine, at the same time.
    """

    policy: Policy
    writer: Writer
    quarantine: Keeper
    prefetch: Prefetch
    pool: Executor
    shards: Shards

    def process(
        self, kinesis_records: Iterable[Mapping[str, Any]], *, stream_arn: str, seconds_left: Callable[[], float]
    ) -> BatchResult:
        """Process the Kinesis records of one Lambda event, in their order.

        Args:
            kinesis_records: as in the event.
            stream_arn: where they came from.
            seconds_left: until the invocation is ended; what is not begun in time is delivered again.
        """
        return self.settle(take_out(kinesis_records), stream_arn=stream_arn, seconds_left=seconds_left)

    def settle(
        self,
        received: Sequence[Received],
        *,
        stream_arn: str,
        seconds_left: Callable[[], float],
        terms: Terms = STREAMED,
    ) -> BatchResult:
        """Process user records; arguments as those of `process` and `plan`."""
        settling = Settling(
            writer=self.writer,
            quarantine=self.quarantine,
            prefetch=self.prefetch,
            pool=self.pool,
            stream_arn=stream_arn,
            seconds_left=seconds_left,
        )
        plans = self.plan(received, stream_arn=stream_arn, terms=terms)
        return BatchResult(len(received), tuple(settling.settle(plans)))

    def plan(self, received: Sequence[Received], *, stream_arn: str, terms: Terms = STREAMED) -> list[Plan]:
        """What is to be done with each user record; nothing is sealed, written or kept.

        Args:
            received: from one stream, in its order.
            stream_arn: that stream.
            terms: on which they are judged.
        """
        hash_keys: dict[str, range | None] = {}
        for shard_id in {record.shard_id for record in received if isinstance(record, InboundRecord)}:
            attempt("", partial(self._look_up, stream_arn, shard_id, hash_keys))
        return [self._plan(record, terms, hash_keys) for record in received]

    def _look_up(self, stream_arn: str, shard_id: str, found: dict[str, range | None]) -> None:
        found[shard_id] = self.shards.hash_keys(stream_arn, shard_id)

    def _plan(self, record: Received, terms: Terms, hash_keys: Mapping[str, range | None]) -> Plan:
        if not isinstance(record, InboundRecord):
            return record
        planned: list[PlannedRecord | Rejected] = []
        # without what falls into its shard, which nobody could say, it waits
        if record.shard_id in hash_keys:
            in_shard = hash_keys[record.shard_id]
            attempt(record.sequence_number, lambda: planned.append(self._planned(record, terms, in_shard)))
        return planned[0] if planned else RecordResult(record, Outcome.RETRY)

    def _planned(self, record: InboundRecord, terms: Terms, hash_keys: range | None) -> PlannedRecord | Rejected:
        tenant_id, source = "", None
        try:
            attributes = decode(record.payload)
            tenant_id = known_tenant(attributes, self.policy)
            source = file_source(attributes)
            identified = identify(record, attributes, self.policy, source=source)
            return plan_record(place(identified, terms, hash_keys), self.policy)
        except RecordRejected as error:
            return Rejected(record, error, tenant_id, source)


def take_out(kinesis_records: Iterable[Mapping[str, Any]]) -> list[Received]:
    """The user records of Kinesis records as a Lambda event gives them, in their order."""
    received: list[Received] = []
    for outer in kinesis_records:
        sequence_number = outer["kinesis"]["sequenceNumber"]
        taken: list[InboundRecord | Rejected] = []
        if attempt(sequence_number, partial(_take_out, outer, taken)):
            received += taken
        else:
            received.append(RecordResult(_unreadable(sequence_number), Outcome.RETRY))
    return received


def _take_out(outer: Mapping[str, Any], taken: list[InboundRecord | Rejected]) -> None:
    taken.extend(user_records(outer))


def _unreadable(sequence_number: str) -> InboundRecord:
    """Stands for a Kinesis record of which nothing but its number could be read."""
    return InboundRecord(sequence_number, shard_id="", sub_sequence=0, partition_key=b"", arrived_at=0.0, payload=b"")
