"""Lambda environments: what lives in the memory of one process, and the invocations that it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from consumers.encryptor.batch import Encryptor
from consumers.encryptor.quarantine import Quarantine
from consumers.encryptor.report import report_batch
from consumers.encryptor.results import BatchResult
from consumers.encryptor.sealing import RecordSealer
from consumers.encryptor.writing import Writer
from shared.aws.audited import audited
from shared.aws.segment_writer import SegmentWriter
from shared.envelope.layout import key_id_of
from shared.envelope.walk import sealed_values
from shared.errors import RetryLater
from shared.keys.age import MAX_AGE_SECONDS
from shared.keys.keyring import Keyring
from shared.keys.ports import EncryptionContext, GeneratedKey
from shared.model import Outcome, PutResult, SealedItem
from shared.runtime.audit_log import AuditLog
from shared.runtime.batch import BatchResponse, partial_batch_response, whole_batch
from tests.chaos.model import key_of, lane, newness
from tests.chaos.stream import Sent
from tests.chaos.turns import CALLER, LATENCY_SECONDS, Fate, Killed
from tests.chaos.world import World
from tests.fakes.inline_executor import InlineExecutor

SECONDS = 60
"""An invocation of the encryptor."""
MOST_SECONDS = 900
"""An invocation of anything."""


class Process:
    """One process of a function, whose name is its stage.

    Args:
        world: what it works on.
        skew: by how many seconds its wall clock is wrong.

    Attributes:
        asked_for: when KMS was last asked for each data key.
        log: what it tells; what is not in the trail yet is gone with the process.
    """

    stage: ClassVar[str]

    def __init__(self, world: World, skew: float = 0.0) -> None:
        self.world = world
        self.skew = skew
        self.ends_at = float("inf")
        self.asked_for: dict[tuple[str, int], float] = {}
        self.ports = world.ports(self)
        self.log = AuditLog(trail=SegmentWriter(world.bucket(self), self.stage, self.wall))

    def wall(self) -> float:
        """The time by its own clock, seconds since the epoch."""
        return self.world.clock.wall() + self.skew

    def begin(self, seconds: float) -> None:
        """An invocation begins."""
        CALLER.set(self)
        self.ends_at = self.world.clock.monotonic() + seconds

    def answered(self, handle: Callable[[], BatchResponse], batch: Sequence[Mapping[str, Any]]) -> list[str] | None:
        """What a function answers of a batch: the sequence numbers that come again; None where it fails, for all."""
        context: Any = SimpleNamespace(aws_request_id="request")
        try:
            response = audited(lambda _event, _context: handle())({"Records": batch}, context)
        except RetryLater:
            return None
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    def seconds_left(self) -> float:
        """Until Lambda ends it."""
        return self.ends_at - self.world.clock.monotonic()

    def wait(self, fate: Fate) -> None:
        """A call takes its time; raises Killed where that ends the invocation."""
        self.world.clock.advance(LATENCY_SECONDS.get(fate, 0.0))

    def check_time(self) -> None:
        """Raises Killed once the invocation is over."""
        if self.seconds_left() <= 0:
            raise Killed

    def new_keyring(self, **other: Any) -> Keyring:
        """A keyring of this process."""
        return Keyring(
            store=self.ports.store,
            service=_WatchedService(self.ports.service, self),
            dataset=self.world.order.policy.dataset,
            trusted_kms_key_arns=frozenset({self.world.kms_key_arn}),
            wall=self.wall,
            monotonic=self.world.clock.monotonic,
            **other,
        )


class EncryptorProcess(Process):
    """The whole encryptor of one process.

    Attributes:
        keyring: what it seals with.
    """

    stage = "encryptor"

    def __init__(self, world: World, skew: float = 0.0) -> None:
        super().__init__(world, skew)
        policy = world.order.policy
        self.keyring = self.new_keyring()
        self.encryptor = Encryptor(
            policy=policy,
            writer=Writer(_WatchedTable(self.ports.table, self), RecordSealer(policy, self.keyring)),
            quarantine=Quarantine(self.ports.quarantine, self.keyring, policy.dataset, self.ports.shards),
            prefetch=self.keyring.prefetch_active,
            pool=InlineExecutor(),
            shards=self.ports.shards,
        )

    def invoke(self, events: Sequence[Mapping[str, Any]], seconds: float = SECONDS) -> list[str]:
        """What the handler does with a batch; the sequence numbers that come again."""
        self.begin(seconds)
        reported: list[tuple[BatchResult, Mapping[str, Any]]] = []

        def handle() -> BatchResponse:
            result = whole_batch(
                lambda: self.encryptor.process(events, stream_arn=self.world.stream_arn, seconds_left=self.seconds_left)
            )
            now = self.world.clock.wall()
            report_batch(result, self.keyring.take_counts(), self.log, started=now, ended=now)
            reported.append((result, self.world.last_line()))
            return partial_batch_response(result.failed_sequence_numbers)

        failed = self.answered(handle, events)
        CALLER.set(None)
        for result, line in reported:
            check_accounts(self.world, self.world.stream.sent_in(events), result, line)
        return [event["kinesis"]["sequenceNumber"] for event in events] if failed is None else failed


class AuditorProcess(Process):
    """The auditor of one process."""

    stage = "auditor"

    def __init__(self, world: World, skew: float = 0.0) -> None:
        super().__init__(world, skew)
        reader, queue = world.auditor_ports(self)
        self._auditor = Auditor(world.order.policy, reader, KnownPolicies(reader), self.log, queue)

    def invoke(self, size: int) -> None:
        """Audit the next changes of the table's stream."""
        self.begin(SECONDS)
        self.world.collect_changes()
        batch = self.world.changes[self.world.audited : self.world.audited + size]
        if not batch:
            return

        def handle() -> BatchResponse:
            result = whole_batch(lambda: self._auditor.audit(batch))
            return partial_batch_response(result.failed_sequence_numbers)

        failed = self.answered(handle, batch)
        if failed is not None:
            lowest = min(map(int, failed), default=1 << 200)
            self.world.audited += sum(int(one["dynamodb"]["SequenceNumber"]) < lowest for one in batch)


def check_accounts(world: World, sent: Sequence[Sent], result: BatchResult, line: Mapping[str, Any]) -> None:
    """Every user record has one outcome, and that is what happened to it; `line`: the batch's metrics."""
    by_place = {one.place: one for one in sent}
    untaken = {int(one.record.sequence_number) for one in result.results if not one.record.shard_id}
    places = [(int(one.record.sequence_number), one.record.sub_sequence) for one in result.results]
    # a Kinesis record that could not be taken apart is one, whatever it holds
    meant = [one.place for one in sent if one.sequence not in untaken] + [(sequence, 0) for sequence in untaken]
    assert Counter(meant) == Counter(places), "a record is unaccounted for, or twice"
    assert len(meant) == result.received == result.outcomes().total()
    by_outcome = [line[f"Records{name}"] for name in ("Written", "Duplicate", "Superseded", "Quarantined", "Retried")]
    assert result.received == line["RecordsReceived"] == sum(by_outcome)
    held = None
    for place, one in zip(places, result.results, strict=True):
        match one.outcome:
            case Outcome.WRITTEN | Outcome.DUPLICATE:
                assert place in _stored(world, by_place[place]), f"{one.outcome}, but it never stood there"
            case Outcome.SUPERSEDED:
                assert _is_superseded(world, by_place[place]), "superseded, but by nothing that is newer"
            case Outcome.QUARANTINED:
                held = held if held is not None else {one.place for one in world.held()}
                assert place in held, "quarantined, but it is not there"
            case Outcome.RETRY:
                assert one.record.sequence_number in result.failed_sequence_numbers


def _stored(world: World, sent: Sent) -> set[tuple[int, int]]:
    assert sent.record is not None
    return world.seen.stored[key_of(sent.record)]


def _is_superseded(world: World, sent: Sent) -> bool:
    others = [world.stream.sent[place] for place in _stored(world, sent)]
    return any(
        lane(other, world.order) == lane(sent, world.order) and newness(other, world.order) > newness(sent, world.order)
        for other in others
    )


class _WatchedService:
    """KMS, and when it was asked for which data key."""

    def __init__(self, service: Any, process: Process) -> None:
        self._service = service
        self._process = process

    def generate(self, context: EncryptionContext) -> GeneratedKey:
        self._asked(context)
        made: GeneratedKey = self._service.generate(context)
        return made

    def decrypt(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> bytes:
        self._asked(context)
        opened: bytes = self._service.decrypt(encrypted, kms_key_arn, context)
        return opened

    def _asked(self, context: EncryptionContext) -> None:
        now = self._process.world.clock.monotonic()
        self._process.asked_for[context["tenant_id"], int(context["key_id"], 16)] = now


class _WatchedTable:
    """The table, and whether what is sent to it may still be."""

    def __init__(self, table: Any, process: Process) -> None:
        self._table = table
        self._process = process

    def __getattr__(self, name: str) -> Any:
        return partial(self._put, getattr(self._table, name))

    def _put(self, put: Any, item: SealedItem, *others: Any) -> PutResult:
        now = self._process.world.clock.monotonic()
        for _, sealed in sealed_values(item.attributes):
            asked_at = self._process.asked_for[item.tenant_id, key_id_of(sealed)]
            if now - asked_at >= MAX_AGE_SECONDS:
                self._process.world.seen.broken.append(f"sent under a data key {now - asked_at} s old")
        result: PutResult = put(item, *others)
        return result
