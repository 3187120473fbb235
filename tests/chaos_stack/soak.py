"""A campaign for minutes: at the rate that the stack sustains, with random faults; its workers' memory is watched."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from statistics import median
from threading import Event
from typing import Any, Final

from ops.local_aws.faults import Fault, Kind
from tests.chaos_stack import settling
from tests.chaos_stack.campaign import Campaign, Result
from tests.chaos_stack.faults import SERVICES, Incident, Weather
from tests.chaos_stack.records import Generator, Mixture
from tests.chaos_stack.source import Producer, probes
from tests.chaos_stack.stack import Stack
from tests.chaos_stack.workers import in_background, resident_bytes, workers_of
from tests.integration.support import Deployment, Log

BURST: Final = 200
SUSTAINED: Final = 0.7
"""Of what a burst shows, the share that is put: the faults of a soak take the rest."""
TOLERANCE: Final = 16 * 1024 * 1024
"""By how much a worker's memory may be larger at the end than in the middle, in bytes: caches fill, heaps fragment."""
WARM_SECONDS: Final = 6.0
"""After which a worker has begun: it has imported its libraries and met its first batches."""
SETTLES_WITHIN_SECONDS: Final = 300.0
AGE_SECONDS: Final = 15.0
"""How old a record may be, under the load of what else runs here, when it is written after all has settled."""
_FAULTS_PER_CALL: Final = 0.002
_MIXTURE: Final = Mixture(tenants=5, items_of_each=60, poisoned=0.01, scattered=0, by_two_doors=0)
_KILLS_EVERY_SECONDS: Final = 5.0


@dataclass
class Memory:
    """Samples of what each worker holds.

    Attributes:
        samples: by function and process id, (seconds since the beginning, bytes).
    """

    deployment: Deployment
    every_seconds: float
    samples: dict[tuple[str, int], list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))

    def watch(self, stop: Event) -> None:
        """Sample until it is told to stop."""
        began = time.monotonic()
        while not stop.wait(self.every_seconds):
            for pid, function in workers_of(self.deployment.folder).items():
                if held := resident_bytes(pid):
                    self.samples[function, pid].append((time.monotonic() - began, held))

    def growth(self, middle: float, end: float) -> dict[str, dict[str, int]]:
        """By function: the medians around the middle and towards the end of its worker that grew most.

        In the middle is the quarter that begins there. Only workers that were warm by then and live at the end are
        compared.
        """
        quarter = (end - middle) / 2
        found: dict[str, dict[str, int]] = {}
        for (function, _), samples in self.samples.items():
            warm = max(middle, samples[0][0] + WARM_SECONDS)
            early = [held for at, held in samples if warm <= at < middle + quarter]
            late = [held for at, held in samples if end - quarter <= at <= end]
            if early and late:
                grown = {"middle": round(median(early)), "end": round(median(late))}
                known = found.setdefault(function, grown)
                if grown["end"] - grown["middle"] > known["end"] - known["middle"]:
                    found[function] = grown
        return found


def soak_weather(seed: int, seconds: float) -> Weather:
    """Faults all the time; workers are killed, shards split and the key disabled in the first half only.

    So that those of the second half live long enough for their memory to be compared.
    """
    random = Random(f"soak {seed}")
    calls = tuple(
        Fault(kind, _FAULTS_PER_CALL * random.uniform(0, 2), service=service, seconds=1.0)
        for service in SERVICES
        for kind in Kind
        if "kill" not in kind
    )
    half = seconds / 2
    times = [at * _KILLS_EVERY_SECONDS for at in range(1, int(half * 0.6 / _KILLS_EVERY_SECONDS) + 1)]
    incidents = [Incident(at, "worker killed") for at in times]
    incidents += [Incident(half * share, "reshard") for share in (0.3, 0.7)]
    incidents += [Incident(half * 0.5, "key disabled", 1.0)]
    return Weather(seed, calls, tuple(sorted(incidents, key=lambda one: one.at)))


def passage(deployment: Deployment, generator: Generator, records: int = 0) -> float:
    """How many seconds so many records take through the stack, with one behind them in each lane of each shard."""
    producer, stack = Producer(deployment["STREAM"]), Stack(deployment, time.time())
    began = time.monotonic()
    producer.put(islice(generator, records))
    wanted = probes(producer.stream, generator)
    settling.read_to_its_end(stack, producer, wanted, deadline_seconds=SETTLES_WITHIN_SECONDS)
    return time.monotonic() - began


def soak(deployment: Deployment, *, seed: int, seconds: float, per_second: float | None = None) -> tuple[Result, Any]:
    """What it came to, and the figures of memory and age; those that are not as they should be are complaints."""
    others = Generator(seed, Mixture(poisoned=0, repeated=0, aggregated=0))
    others.prefix += "-others"
    passage(deployment, others, BURST)  # functions that have begun
    rate = per_second or SUSTAINED * BURST / passage(deployment, others, BURST)
    memory = Memory(deployment, every_seconds=max(0.5, seconds / 200))
    campaign = Campaign(
        deployment,
        Generator(seed, _MIXTURE),
        soak_weather(seed, seconds),
        rate,
        seconds,
        deadline_seconds=SETTLES_WITHIN_SECONDS,
        replays=False,
    )
    began = time.time()
    with in_background(memory.watch, name="memory"):
        result = campaign.run()
    grown = memory.growth(seconds / 2, seconds)
    ages = oldest_ages(deployment, began)
    age_now = passage(deployment, others)
    result.complaints.extend(_complaints(grown, age_now))
    return result, {
        "records_per_second": round(rate, 1),
        "seconds": seconds,
        "memory_bytes": grown,
        "memory_tolerance_bytes": TOLERANCE,
        "oldest_record_age_seconds": {"largest": round(max(ages), 1), "after_settling": round(age_now, 1)},
    }


def oldest_ages(deployment: Deployment, since: float) -> list[float]:
    """The age of the oldest record of each batch of the encryptor when it was done, in their order."""
    lines = Log(deployment["ENCRYPTOR_LOG_GROUP"], since).documents()
    return [line["OldestRecordAgeSeconds"] for line in lines if "OldestRecordAgeSeconds" in line]


def _complaints(grown: Mapping[str, Mapping[str, int]], age_now: float) -> Iterator[str]:
    if not grown:
        yield "no worker lived through the second half: nothing is known of its memory"
    for function, held in grown.items():
        if held["end"] - held["middle"] > TOLERANCE:
            yield f"memory: a worker of {function} grew from {held['middle']:,} to {held['end']:,} bytes"
    if age_now > AGE_SECONDS:
        yield f"after all had settled, a record took {age_now:.1f} s"
