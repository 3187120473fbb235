"""What a lane asks of KMS and of the key store where it has more tenants than its cache has room.

A shard at its documented limit of 1,000 records a second, in four lanes, so one process of the encryptor gets 250; each
record is of a tenant drawn anew and needs one data key. Time is simulated; keyring, cache and data keys are real.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from bench.memory import resident_kib
from shared.keys.age import MAX_AGE_SECONDS
from shared.keys.keyring import Keyring
from tests.fakes.clock import FakeClock
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore

DATASET: Final = "customers"
DATA_CLASS: Final = "pii"
RECORDS_PER_SECOND: Final = 250
MEASURED_SECONDS: Final = round(MAX_AGE_SECONDS)
"""Keys that were read at once age out at once, so what is asked for goes up and down in this time."""
_SEED: Final = 20_250_601

Draw = Callable[[random.Random, int], Sequence[int]]
"""So many tenants by number, of the ones there are."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Whose records come.

    Attributes:
        tenants: how many have records in this lane.
        draw: which of them the next ones are of.
    """

    name: str
    tenants: int
    draw: Draw


def uniform(tenants: int) -> Draw:
    """All alike."""
    return lambda chance, count: chance.choices(range(tenants), k=count)


def zipf(tenants: int) -> Draw:
    """The n-th has an n-th of the first one's records."""
    weights = list(accumulate(1 / rank for rank in range(1, tenants + 1)))
    return lambda chance, count: chance.choices(range(tenants), cum_weights=weights, k=count)


class Keys:
    """Tenants that have their data key already; they are made once for all measurements."""

    def __init__(self, tenants: int) -> None:
        self.store = FakeKeyStore()
        self.service = FakeKeyService()
        self.clock = FakeClock()
        maker = self.keyring(max_keys=1)
        for number in range(tenants):
            maker.active(tenant(number), DATA_CLASS)

    def keyring(self, *, max_keys: int) -> Keyring:
        """Of a process that has just been started."""
        return Keyring(
            store=self.store,
            service=self.service,
            dataset=DATASET,
            trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
            max_keys=max_keys,
            wall=self.clock.wall,
            monotonic=self.clock.monotonic,
        )

    def reads(self) -> int:
        """Requests to the key store."""
        return self.store.pointer_reads + len(self.store.row_reads)


def tenant(number: int) -> str:
    """The name of a tenant."""
    return f"tenant-{number:06d}"


def asked_of_aws(
    keys: Keys,
    arrivals: Arrivals,
    *,
    max_keys: int,
    records_per_second: int = RECORDS_PER_SECOND,
    measured_seconds: int = MEASURED_SECONDS,
) -> dict[str, Any]:
    """Calls per 1,000 records, once keys have begun to age out."""
    keyring, chance = keys.keyring(max_keys=max_keys), random.Random(_SEED)  # noqa: S311 - draws no secret

    def second() -> None:
        numbers = arrivals.draw(chance, records_per_second)
        keyring.prefetch_active(sorted({(tenant(number), DATA_CLASS) for number in numbers}))
        for number in numbers:
            keyring.active(tenant(number), DATA_CLASS)
        keys.clock.advance(1)

    for _ in range(round(MAX_AGE_SECONDS)):
        second()
    before_kms, before_reads = len(keys.service.decrypted), keys.reads()
    for _ in range(measured_seconds):
        second()
    thousands = records_per_second * measured_seconds / 1_000
    return {
        "arrivals": arrivals.name,
        "tenants": arrivals.tenants,
        "max_keys": max_keys,
        "kms_calls_per_1000": round((len(keys.service.decrypted) - before_kms) / thousands),
        "key_store_reads_per_1000": round((keys.reads() - before_reads) / thousands),
    }


def bytes_per_key(keys: Keys, *, cached: int) -> int:
    """What a data key takes in memory, ready for use and in both caches."""
    keyring, before = keys.keyring(max_keys=cached), resident_kib()
    keyring.prefetch_active([(tenant(number), DATA_CLASS) for number in range(cached)])
    grown = (resident_kib() - before) * 1024
    return round(grown / cached)
