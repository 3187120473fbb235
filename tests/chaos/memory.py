"""The world in memory: every call may go wrong where it is made, and the auditor and the re-encryptor look on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from consumers.reencryptor.batch import FindingsConsumer
from shared.errors import KeyServiceUnavailable, Reason, RecordRejected, StoreUnavailable
from shared.keys.keyring import Keyring
from shared.model import Attributes, SealedItem
from shared.reencrypt.reencryptor import Reencryptor
from tests.chaos.model import ItemKey, Order
from tests.chaos.processes import SECONDS, Process
from tests.chaos.records import CANARY, REFUSED_ITEM, SPOILED_TENANT
from tests.chaos.turns import Fate, Killed
from tests.chaos.world import Ports, World
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.inline_executor import InlineExecutor
from tests.fakes.items import FakeItemTable, FakeQuarantine
from tests.fakes.key_service import FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.notary import FakeAuditBucket
from tests.fakes.rotation import replace_active_key
from tests.fakes.shards import FakeShards
from tests.fakes.trail import FakeTrail


class MemoryWorld(World):
    """Stores that forget nothing while processes come and go."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self.store = FakeKeyStore()
        self.service = FakeKeyService()
        self.kms_key_arn = self.service.kms_key_arn
        self.table = FakeItemTable()
        self.table.items = self.images
        self.table.before_put = _refuse
        self.quarantine = FakeQuarantine()
        self.queue = FakeFindingsQueue()
        self.trail = FakeAuditBucket(FakeTrail())
        self.shards = FakeShards(self.stream.hash_keys)
        for data_class in ("pii", "pci"):
            self.store.set_pointer(SPOILED_TENANT, data_class, 1)
        self.store.publish_policy(order.policy.digest, order.source, self.clock.wall())

    def ports(self, process: Any) -> Ports:
        edge = partial(_Edge, process)
        return Ports(
            table=edge(self.table, StoreUnavailable("no answer")),
            quarantine=edge(self.quarantine, StoreUnavailable("no answer")),
            store=edge(self.store, StoreUnavailable("no answer")),
            service=edge(self.service, KeyServiceUnavailable("no answer")),
            shards=edge(self.shards, StoreUnavailable("no answer")),
        )

    def bucket(self, process: Any) -> Any:
        return _Edge(process, self.trail, StoreUnavailable("no answer"))

    def auditor_ports(self, process: Any) -> tuple[Any, Any]:
        failure = StoreUnavailable("no answer")
        return _Edge(process, self.store, failure), _Edge(process, self.queue, failure)

    def items(self) -> Mapping[ItemKey, Attributes]:
        return dict(self.table.items)

    def entries(self) -> Iterator[tuple[str, int, str, bytes]]:
        for entry in list(self.quarantine.entries.values()):
            yield entry.quarantine_id, int(entry.sequence_number), entry.reason, entry.sealed_content

    def at_rest(self) -> Iterator[bytes]:
        for stored in (
            *self.table.items.values(),
            *self.changes,
            *self.quarantine.entries.values(),
            *self.store.all_rows(),
            *self.queue.bodies,
        ):
            yield from _bytes_in(stored)

    def reader(self) -> Keyring:
        return Keyring(
            store=self.store,
            service=self.service,
            dataset=self.order.policy.dataset,
            trusted_kms_key_arns=frozenset({self.kms_key_arn}),
        )

    def renew(self, tenant_id: str, data_class: str) -> None:
        """What rotation does to an active key, if there is one."""
        if tenant_id != SPOILED_TENANT and self.store.active_key_id(tenant_id, data_class) is not None:
            replace_active_key(self.store, self.service, tenant_id, data_class)

    def write_as_a_stranger(self, key: ItemKey, source: Attributes) -> None:
        """Somebody writes an item who is not sealstream, where none stands."""
        if key not in self.table.items:
            self.strangers.add(key)
            others: Any = {"amount": {"N": "0"}, **source}
            self.table.write(*key, **others)


class ReencryptorProcess(Process):
    """The re-encryptor of one process."""

    stage = "reencryptor"

    def __init__(self, world: MemoryWorld, skew: float = 0.0) -> None:
        super().__init__(world, skew)
        self.memory = world
        table: Any = self.ports.table
        store: Any = self.ports.store
        mender = Reencryptor(
            policy=world.order.policy,
            keyring=self.new_keyring(opens_retired=True),
            statuses=store,
            updates=table,
            reopen=lambda tenant_id, key_id: None,
            pool=InlineExecutor(),
        )
        self._consumer = FindingsConsumer(table, mender)

    def invoke(self, size: int) -> None:
        """Work off some messages; those that are not done come again."""
        self.begin(SECONDS)
        sent_at = str(int(self.world.clock.wall() * 1_000))
        about = {"ApproximateReceiveCount": "1", "SentTimestamp": sent_at}
        bodies = self.memory.queue.bodies[:size]
        messages = [{"messageId": str(n), "body": body, "attributes": about} for n, body in enumerate(bodies)]
        results = self._consumer.process(messages, seconds_left=self.seconds_left)
        for result in results:
            if result.done:
                self.memory.queue.bodies.remove(bodies[int(result.message_id)])


class _Edge:
    """A port whose calls meet what the script says."""

    def __init__(self, process: Process, port: object, failure: Exception) -> None:
        self._process = process
        self._port = port
        self._failure = failure

    def __getattr__(self, name: str) -> Any:
        return partial(self._call, getattr(self._port, name))

    def _call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        fate = self._process.world.turns.next_fate()
        self._process.check_time()
        match fate:
            case Fate.REFUSED:
                raise self._failure
            case Fate.UNFORESEEN:
                raise ValueError(CANARY)
            case Fate.KILLED:
                raise Killed
        answer = method(*args, **kwargs)
        self._process.wait(fate)
        self._process.check_time()
        match fate:
            case Fate.LOST:
                raise self._failure
            case Fate.KILLED_AFTER:
                raise Killed
        return answer


def _refuse(item: SealedItem) -> None:
    if item.item_id == REFUSED_ITEM:
        raise RecordRejected(Reason.STORE_REFUSED, "the table refuses this item")


def _bytes_in(stored: Any) -> Iterable[bytes]:
    """All bytes and text of a value, without what a `repr` hides."""
    if isinstance(stored, bytes):
        return [stored]
    if isinstance(stored, Mapping):
        return [found for pair in stored.items() for one in pair for found in _bytes_in(one)]
    if isinstance(stored, list | tuple):
        return [found for one in stored for found in _bytes_in(one)]
    if hasattr(stored, "__dataclass_fields__"):
        return [found for name in stored.__dataclass_fields__ for found in _bytes_in(getattr(stored, name))]
    return [str(stored).encode()]
