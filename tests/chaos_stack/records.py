"""What the producers of a campaign put, all of it from one seed: sound records, poison, repeats, aggregates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from shared.aws.python_values import to_typed
from tests.chaos.model import Order
from tests.chaos.records import CANARY, Record
from tests.chaos.stream import hash_of
from tests.fakes.kinesis import aggregate
from tests.fakes.shards import ALL_HASH_KEYS

ORDER: Final = Order.SEQUENCE
"""How policy.toml orders."""
DIGITS: Final = "424277713731"
"""Begins every number that is to be sealed."""
CANARIES: Final = (CANARY, DIGITS)
_UNDECLARED_IS_SEALED: Final = frozenset({"undeclared_attribute"})
POISONS: Final = tuple(reason for reason in ORDER.poisons if reason not in _UNDECLARED_IS_SEALED)
_LARGE_NOTE: Final = 600


@dataclass(frozen=True)
class NestedRecord(Record):
    """A record for the policy that is deployed; a sound one holds values to be sealed at every depth."""

    @property
    def payload(self) -> bytes:
        if self.poison is not None:
            return super().payload
        operation = {"_op": "delete"} if self.is_delete else {}
        document = {"tenant_id": self.tenant_id, "id": self.item_id, **operation, **self._attributes()}
        return json.dumps(document, ensure_ascii=self.number % 2 == 0).encode()

    @property
    def content(self) -> dict[str, Any]:
        if self.is_delete:
            return {}
        return {name: to_typed(value) for name, value in self._attributes().items()}

    def _attributes(self) -> dict[str, Any]:
        value, number = f"{CANARY}-{self.number}", int(f"{DIGITS}{self.number % 10_000:04}")
        emails = [{"kind": kind, "email": f"{kind}.{value}@example.org"} for kind in ("home", "work")]
        return {
            "created_at": "2026-01-31T08:00:00Z",
            "amount": self.number,
            "active": self.number % 3 > 0,
            "ssn": value,
            "name": f"Zoë {value} 氏",
            "contacts": emails[: self.number % 3],
            "address": {"street": value, "floors": [1, 2, number], "geo": None},
            "health": {"diagnosis": value, "visits": self.number % 40},
            "secret_item": {"nested_attribute": {"deep": [value, {"deeper": number}]}},
            "payment": {"card_number": str(number), "former": [{"card_number": str(number)}]},
            "limit": number,
            "note": value * (_LARGE_NOTE if self.number % 50 == 0 else 1),
        }


@dataclass(frozen=True, slots=True)
class User:
    """One user record as its producer addressed it; `record` is None for an aggregate that cannot be taken apart."""

    partition_key: str
    hash_key: int | None
    payload: bytes = field(repr=False)
    record: Record | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Put:
    """One Kinesis record, and the user records in it."""

    partition_key: str
    hash_key: int | None
    data: bytes = field(repr=False)
    users: tuple[User, ...] = field(repr=False)

    @property
    def entry(self) -> dict[str, Any]:
        """For PutRecords."""
        hashed = {} if self.hash_key is None else {"ExplicitHashKey": str(self.hash_key)}
        return {"PartitionKey": self.partition_key, "Data": self.data, **hashed}


@dataclass(frozen=True, slots=True)
class Mixture:
    """What is put.

    Attributes:
        poisoned: of all user records, the share that can never be written; the other shares are of all puts.
        scattered: of the aggregates, those that hold records of many partition keys, wherever these belong.
    """

    tenants: int = 3
    items_of_each: int = 6
    poisoned: float = 0.06
    deleted: float = 0.08
    repeated: float = 0.08
    aggregated: float = 0.12
    scattered: float = 0.5
    by_two_doors: float = 0.03


class Generator:
    """Puts without an end; the same ones for the same seed.

    Attributes:
        prefix: of the tenants' names, which no other campaign has.
    """

    def __init__(self, seed: int, mixture: Mixture | None = None) -> None:
        self.prefix = f"s{seed}"
        self._random = Random(f"records {seed}")
        self._mixture = mixture or Mixture()
        self._numbers = iter(range(1, 1 << 62))
        self._latest: list[Put] = []

    @property
    def tenants(self) -> list[str]:
        """Their names."""
        return [f"{self.prefix}-{number}" for number in range(self._mixture.tenants)]

    def __iter__(self) -> Iterator[Put]:
        while True:
            if self._latest and self._happens(self._mixture.repeated):
                yield self._random.choice(self._latest)  # as a producer does whose answer was lost
                continue
            put = self._aggregate() if self._happens(self._mixture.aggregated) else plain(*self._addressed())
            self._latest = [*self._latest[-4:], put]
            yield put

    def probe(self, partition_key: str) -> Put:
        """A sound record of its own item."""
        number = next(self._numbers)
        return plain(NestedRecord(number, self.tenants[0], f"probe-{number}"), partition_key)

    def _aggregate(self) -> Put:
        """Of one item, several of whose records come at once; or of many, wherever these belong."""
        count = self._random.randint(2, 8)
        if not self._happens(self._mixture.scattered):
            tenant, item = self._item()
            addressed: list[tuple[Record, str, int | None]] = [
                (self._record(tenant, item), f"{tenant}/{item}", None) for _ in range(count)
            ]
        else:
            addressed = [self._addressed() for _ in range(count)]
        return aggregated(addressed, is_corrupt=self._happens(self._mixture.poisoned / 2))

    def _addressed(self) -> tuple[Record, str, int | None]:
        """A record, its partition key and its explicit hash key."""
        tenant, item = self._item()
        if not self._happens(self._mixture.by_two_doors):
            return self._record(tenant, item), f"{tenant}/{item}", None
        hash_key = self._random.randrange(ALL_HASH_KEYS.stop) if self._happens(0.3) else None
        door = f"{tenant}/two-doors/{self._random.randrange(2)}"
        return NestedRecord(next(self._numbers), tenant, "two-doors"), door, hash_key

    def _item(self) -> tuple[str, str]:
        return self._random.choice(self.tenants), f"item-{self._random.randrange(self._mixture.items_of_each)}"

    def _record(self, tenant: str, item: str) -> Record:
        number = next(self._numbers)
        if self._happens(self._mixture.poisoned):
            return NestedRecord(number, tenant, item, poison=self._random.choice(POISONS))
        return NestedRecord(number, tenant, item, is_delete=self._happens(self._mixture.deleted))

    def _happens(self, share: float) -> bool:
        return self._random.random() < share


def plain(record: Record, partition_key: str, hash_key: int | None = None) -> Put:
    """A record by itself; of an explicit hash key the event that brings it does not tell."""
    user = User(partition_key, None, record.payload, record)
    return Put(partition_key, hash_key, record.payload, (user,))


def aggregated(addressed: Sequence[tuple[Record, str, int | None]], *, is_corrupt: bool = False) -> Put:
    """A KPL aggregate, put under the first one's address."""
    _, partition_key, hash_key = addressed[0]
    data = aggregate(
        [(key, record.payload, *([] if of is None else [str(of)])) for record, key, of in addressed]  # type: ignore[misc]
    )
    users = tuple(User(key, _of_its_own(key, of), record.payload, record) for record, key, of in addressed)
    if is_corrupt:
        data = data[:-1] + bytes([data[-1] ^ 1])
        users = (User(partition_key, None, data, None),)
    return Put(partition_key, hash_key, data, users)


def _of_its_own(partition_key: str, hash_key: int | None) -> int | None:
    return None if hash_key == hash_of(partition_key) else hash_key
