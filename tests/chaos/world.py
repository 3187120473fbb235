"""What encryptors write to and what was seen of it: the same questions of stores in memory and of AWS's clients."""

from __future__ import annotations

import gzip
import io
import json
from abc import ABC, abstractmethod
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest.mock import patch

from consumers.encryptor.deaggregate import Rejected, user_records
from ops.audit.objects import Objects
from ops.audit.reading import Trail
from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import key_id_of
from shared.envelope.seal import open_value
from shared.envelope.walk import open_attributes
from shared.keys.keyring import Keyring
from shared.keys.ports import KeyService, KeyStore
from shared.model import QUARANTINE_PATH, SOURCE, SYSTEM_ATTRIBUTES, SYSTEM_TENANT, Attributes, InboundRecord
from shared.sealed_table_keys import ItemKeys
from shared.source_position import SourcePosition
from shared.trail.segments import PREFIX
from tests.chaos.model import ItemKey, Order, Place
from tests.chaos.records import CANARY
from tests.chaos.stream import Stream
from tests.chaos.turns import CALLER, Fate, Killed, Step, Turns
from tests.fakes.clock import FakeClock
from tests.fakes.inline_executor import InlineExecutor
from tests.fakes.item_stream import Key, StreamedItems
from tests.fakes.kinesis import STREAM_ARN

T = TypeVar("T")


@dataclass(frozen=True)
class Held:
    """One record in quarantine, as whoever may open it sees it."""

    place: Place
    reason: str
    entry_id: str
    partition_key: bytes
    payload: bytes


@dataclass(frozen=True)
class Ports:
    """What an encryptor is built on."""

    table: Any
    quarantine: Any
    store: KeyStore
    service: KeyService
    shards: Any


@dataclass
class Seen:
    """What was observed while it happened.

    Attributes:
        stored: by item, the places that ever stood in it.
        broken: what must never be, in words.
    """

    stored: dict[ItemKey, set[Place]] = field(default_factory=lambda: defaultdict(set))
    broken: list[str] = field(default_factory=list)

    def write(self, key: ItemKey, source: object) -> None:
        """An item was stored with this `_src`."""
        position = SourcePosition.from_bytes(source)
        if position is not None and (record := position.kinesis_record()) is not None:
            self.stored[key].add((int(record[0]), record[1]))


class SeenItems(StreamedItems):
    """Items; tells of each that is stored."""

    def __init__(self, clock: Callable[[], float], seen: Callable[[Key, object], None]) -> None:
        super().__init__(clock)
        self._seen = seen

    def __setitem__(self, key: Key, item: dict[str, Any]) -> None:
        super().__setitem__(key, item)
        self._seen(key, item.get(SOURCE, {}).get("B"))


class World(ABC):
    """A stream, a clock, and stores.

    Attributes:
        log: all that was printed.
        turns: who goes on, and what becomes of the calls.
        images: the table's items as its stream sees them.
        changes: the table's stream; `audited` of them are.
        strangers: items that somebody else wrote.
        kms_key_arn: the attribute key.
        stream_arn: where records come from.
        trail: the audit bucket; nothing that is asked of it here goes wrong.
    """

    kms_key_arn: str
    trail: Objects
    stream_arn = STREAM_ARN

    def __init__(self, order: Order) -> None:
        self.order = order
        self.clock = FakeClock()
        self.stream = Stream()
        self.log = io.StringIO()
        self.turns = Turns()
        self.seen = Seen()
        self.images = SeenItems(self.clock.wall, self.seen.write)
        self.changes: list[dict[str, Any]] = []
        self.audited = 0
        self.strangers: set[ItemKey] = set()

    @abstractmethod
    def ports(self, process: Any) -> Ports:
        """What a process calls; each call may go wrong."""

    @abstractmethod
    def bucket(self, process: Any) -> Any:
        """The audit bucket of a process; each call may go wrong."""

    @abstractmethod
    def auditor_ports(self, process: Any) -> tuple[Any, Any]:
        """What an auditor reads keys from, and its queue."""

    @abstractmethod
    def items(self) -> Mapping[ItemKey, Attributes]:
        """What stands in the table."""

    @abstractmethod
    def entries(self) -> Iterable[tuple[str, int, str, bytes]]:
        """Id, sequence number, reason and sealed content of each entry of the quarantine."""

    @abstractmethod
    def at_rest(self) -> Iterable[bytes]:
        """Everything that is stored anywhere, as bytes."""

    @abstractmethod
    def reader(self) -> Keyring:
        """Opens everything; nothing that it calls goes wrong."""

    def run(self, works: Sequence[Callable[[], T]], steps: Iterable[Step] = ()) -> list[T | Killed]:
        """Run invocations in turns; what they print is in the log."""
        with redirect_stdout(self.log), _as_scripted():
            return self.turns.run(works, steps)

    def collect_changes(self) -> None:
        """What changed goes into the table's stream."""
        self.changes += self.images.take_records()

    def contents(self) -> dict[ItemKey, dict[str, Any]]:
        """Every item opened, without what sealstream itself puts on it."""
        items = self.items()
        with redirect_stdout(self.log), _as_scripted():
            keys = ItemKeys.fetch(self.reader(), self.order.policy.dataset, list(items.values()))
            opened = {key: open_attributes(item, keys.opener(item)) for key, item in items.items()}
        return {
            key: {name: value for name, value in item.items() if name not in SYSTEM_ATTRIBUTES}
            for key, item in opened.items()
        }

    def held(self) -> list[Held]:
        """Every record in quarantine, opened."""
        reader = self.reader()
        return [record for entry in self.entries() for record in _records(*entry, self.order.policy.dataset, reader)]

    def lines(self) -> list[dict[str, Any]]:
        """What was printed."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def last_line(self) -> dict[str, Any]:
        """The last one of them."""
        line: dict[str, Any] = json.loads(self.log.getvalue().rstrip().rpartition("\n")[2])
        return line

    def told(self) -> list[Mapping[str, Any]]:
        """The events in the audit trail, each as often as it was told."""
        trail = Trail(self.trail)
        segments = trail.contents(self.trail.listed(PREFIX))
        events = [event for name, content in segments for event, _ in trail.read(name, content)]
        assert ({}, {}) == (trail.unreadable, trail.left_out)
        return events

    def leaks(self) -> list[bytes]:
        """Whatever holds a canary in clear."""
        return [found for found in (*self.at_rest(), *self._segments(), self.log.getvalue().encode()) if _shows(found)]

    def _segments(self) -> Iterator[bytes]:
        for name, content in Trail(self.trail).contents(self.trail.listed(PREFIX)):
            yield name.key.encode() + gzip.decompress(content)


def _records(entry_id: str, sequence: int, reason: str, sealed: bytes, dataset: str, reader: Keyring) -> Iterator[Held]:
    cipher = reader.opener(SYSTEM_TENANT, key_id_of(sealed)).cipher
    prefix = record_prefix(dataset=dataset, tenant_id=SYSTEM_TENANT, item_id=entry_id)
    content: Any = open_value(cipher, prefix, QUARANTINE_PATH, sealed)
    keys = [key["B"] for key in content["M"]["partition_keys"]["L"]]
    for record in (one["M"] for one in content["M"]["records"]["L"]):
        place = sequence, int(record["sub_sequence"]["N"])
        yield Held(place, reason, entry_id, keys[int(record["partition_key"]["N"])], record["payload"]["B"])


_CLEAR = CANARY.encode()
_FORMS = (_CLEAR, _CLEAR.hex().encode(), *(b64encode(bytes(skip) + _CLEAR)[4:-4] for skip in range(3)))
"""As it is, and as it looks in hexadecimal and at each of base64's three places."""


def _shows(found: bytes) -> bool:
    return any(form in found for form in _FORMS)


@contextmanager
def _as_scripted() -> Iterator[None]:
    """A keyring loads several keys one after the other: a call's turn must not hang on the machine's.

    What an invocation tells goes into the audit log of its process. Taking a record out may fail for a reason of the
    process alone, such as its memory.
    """
    with (
        patch("shared.aws.audited.audit_log", lambda: CALLER.get().log),
        patch("shared.keys.keyring.ThreadPoolExecutor", lambda *_, **__: InlineExecutor()),
        patch("consumers.encryptor.batch.user_records", _user_records),
    ):
        yield


def _user_records(outer: Mapping[str, Any]) -> Iterable[InboundRecord | Rejected]:
    caller = CALLER.get()
    if caller is not None and caller.world.turns.next_fate() is Fate.UNFORESEEN:
        raise MemoryError(CANARY)
    return user_records(outer)
