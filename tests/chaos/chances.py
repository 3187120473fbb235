"""What may happen, drawn from one seed: what producers put, and what becomes of calls."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from random import Random

from hypothesis import strategies as st

from shared.errors import Reason
from tests.chaos.records import REFUSED_ITEM, SPOILED_TENANT, Record
from tests.chaos.stream import Put, Stream, hash_of
from tests.chaos.turns import FAULTS, Fate, Step

SEEDS = st.integers(0, 2**32 - 1)
ITEMS = ("1", "2", "3")
TENANTS = ("acme", "bolt")
_HASH_KEYS = (0, 1 << 127, hash_of("other"))


def runs(usual: int) -> int:
    """How many runs of a kind: the same ones each time, and more where SEALSTREAM_CHAOS_RUNS says so."""
    return int(os.environ.get("SEALSTREAM_CHAOS_RUNS", usual))


def weather(chance: Random) -> Iterator[Step]:
    """Fair, changeable, or a storm; without end."""
    return storm(chance, chance.choice((0.0, 0.05, 0.15, 0.4)))


def storm(chance: Random, faults: float) -> Iterator[Step]:
    """So many faults a call; without end."""
    while True:
        yield chance.randrange(3), chance.choice(FAULTS) if chance.random() < faults else Fate.DONE


class Producers:
    """Make records, each with a content of its own; `poisons`: what some of them are."""

    def __init__(self, poisons: Sequence[Reason]) -> None:
        self._poisons = poisons
        self._made = 0

    def put(self, chance: Random, stream: Stream, arrived_at: float) -> None:
        """Put some records, alone or in an aggregate."""
        puts = [self._make(chance) for _ in range(chance.randint(1, 8))]
        if chance.random() < 0.3:
            stream.put_aggregate(puts, arrived_at, is_corrupt=chance.random() < 0.2)
            return
        for put in puts:
            stream.put(put, arrived_at)

    def _make(self, chance: Random) -> Put:
        self._made += 1
        poison = chance.choice(self._poisons) if chance.random() < 0.12 else None
        tenant_id = SPOILED_TENANT if chance.random() < 0.05 else chance.choice(TENANTS)
        item_id = REFUSED_ITEM if chance.random() < 0.05 else chance.choice(ITEMS)
        record = Record(
            number=self._made,
            tenant_id=tenant_id,
            item_id=item_id,
            is_delete=poison is None and chance.random() < 0.2,
            order=chance.randint(0, 5),
            poison=poison,
        )
        partition_key = "other" if chance.random() < 0.2 else item_id
        hash_key = chance.choice(_HASH_KEYS) if chance.random() < 0.15 else None
        return Put(record, partition_key, hash_key)
