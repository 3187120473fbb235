"""One campaign: producers put while things go wrong, everything settles, a replay changes nothing, and the verdict."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from tests.chaos.stream import Sent
from tests.chaos_stack import settling
from tests.chaos_stack.faults import Storm, Weather, rotation_of
from tests.chaos_stack.records import Generator
from tests.chaos_stack.source import Producer, accepted, probes
from tests.chaos_stack.stack import Stack
from tests.chaos_stack.verdict import Observed, judge
from tests.chaos_stack.workers import in_background
from tests.integration.support import Deployment

WRITES_NOTHING: Final = frozenset({"duplicate", "superseded", "quarantined"})


@dataclass(frozen=True)
class Result:
    """What a campaign came to.

    Attributes:
        records: user records that Kinesis accepted.
        complaints: everything that is not as it should be, in words; no value is among them.
        probe_seconds: how long a record took through the whole stack, after all others.
    """

    seed: int
    records: int
    kinesis_records: int
    items: int
    changes: int
    quarantined: Mapping[str, int]
    dead_letters: int
    replayed: Mapping[str, int]
    faults: Mapping[str, int]
    lost: int
    doubled: int
    plaintext_hits: int
    searched: Mapping[str, int]
    probe_seconds: float
    seconds: Mapping[str, float]
    complaints: list[str] = field(default_factory=list)


@dataclass
class Campaign:
    """What a campaign is made of.

    Attributes:
        per_second: user records put.
        seconds: for how long.
        deadline_seconds: for each part of settling.
        replays: whether everything is replayed at the end, which changes nothing.
    """

    deployment: Deployment
    generator: Generator
    weather: Weather
    per_second: float
    seconds: float
    deadline_seconds: float = settling.DEADLINE_SECONDS
    replays: bool = True
    took: dict[str, float] = field(default_factory=dict)

    def run(self) -> Result:
        """All of it; raises AssertionError where it does not settle."""
        stack = Stack(self.deployment, time.time())
        producer = Producer(self.deployment["STREAM"])
        storm = Storm(self.deployment, self.weather)
        with self._timed("putting"):
            self._put(producer, storm)
        with self._timed("settling"):
            probe_seconds, dead_letters = self._settle(stack, producer)
        with self._timed("reading"):
            sent = accepted(producer.stream, stack.since, producer.known)
            seen = self._observe(stack)
        verdict = judge(sent, producer.acknowledged, seen)
        outcomes, rewritten = Counter[str](), list[str]()
        if self.replays:
            with self._timed("replay"):
                outcomes = settling.replayed(stack, time.time())
                rewritten = [*_miscounted(outcomes, len(sent)), *_changed(seen, self._observe(stack))]
        with self._timed("search"):
            stack.look_everywhere(self.generator.tenants)
            _would_find(stack, sent)
        hits = +stack.search.hits
        return Result(
            seed=self.weather.seed,
            records=len(sent),
            kinesis_records=len({one.sequence for one in sent}),
            items=len(seen.items),
            changes=len(seen.changes),
            quarantined=verdict.quarantined,
            dead_letters=dead_letters,
            replayed=outcomes,
            faults=storm.happened,
            lost=len(verdict.lost),
            doubled=len(verdict.doubled) + len(rewritten),
            plaintext_hits=hits.total(),
            searched=stack.search.documents,
            probe_seconds=round(probe_seconds, 2),
            seconds={name: round(seconds, 2) for name, seconds in self.took.items()},
            complaints=[
                *verdict.lost,
                *verdict.doubled,
                *verdict.wrong,
                *rewritten,
                *(f"in clear: {number} documents of {place}" for place, number in hits.items()),
            ],
        )

    def _put(self, producer: Producer, storm: Storm) -> None:
        over = Event()
        with self._rotating(storm), storm.raging(), in_background(self._produce(producer), name="producer"):
            over.wait(self.seconds)  # the campaign's own length, and nothing that is waited for

    def _produce(self, producer: Producer) -> Callable[[Event], None]:
        return lambda stop: producer.put_at(self.per_second, iter(self.generator), stop)

    @contextmanager
    def _rotating(self, storm: Storm) -> Iterator[None]:
        """A rotation begins with the block, and goes on after it; how it ends is no matter yet."""
        if not self.weather.rotates:
            yield
            return
        process = rotation_of(self.generator.tenants[0], self._rotation_log("begun"))
        try:
            yield
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.deadline_seconds)
            storm.happened["keys rotated"] += 1
        finally:
            process.kill()
            process.wait()

    def _settle(self, stack: Stack, producer: Producer) -> tuple[float, int]:
        limit = self.deadline_seconds
        wanted = probes(producer.stream, self.generator)
        seconds = settling.read_to_its_end(stack, producer, wanted, deadline_seconds=limit)
        if self.weather.rotates:
            self._end_rotation()
        dead_letters = settling.work_off_dead_letters(stack)
        settling.audited(stack, deadline_seconds=limit)
        return seconds, dead_letters + settling.work_off_dead_letters(stack)

    def _end_rotation(self) -> None:
        """The rotation that was begun goes on, or another is made; this one ends well."""
        output = self._rotation_log("ended")
        with rotation_of(self.generator.tenants[0], output) as process:
            try:
                status = process.wait(self.deadline_seconds)
            finally:
                process.kill()
        assert status == 0, f"the rotation ended with {status}:\n{output.read_text(encoding='utf-8')[-2_000:]}"

    def _rotation_log(self, name: str) -> Path:
        return self.deployment.folder / f"rotation-{self.weather.seed}-{name}.log"

    def _observe(self, stack: Stack) -> Observed:
        tenants = self.generator.tenants
        return Observed(
            items=stack.items(tenants),
            opened=stack.opened(tenants),
            held=stack.held(),
            changes=tuple(stack.read_changes()),
            told=stack.told(),
            printed=stack.printed(),
        )

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.took[name] = time.monotonic() - began


def _miscounted(outcomes: Mapping[str, int], records: int) -> Iterator[str]:
    """A replay has an outcome for each record, and writes none."""
    if sum(outcomes.values()) != records:
        yield f"{records} records were accepted, {sum(outcomes.values())} replayed"
    for name in outcomes.keys() - WRITES_NOTHING:
        yield f"the replay counts {outcomes[name]} records as {name}"


def _changed(before: Observed, after: Observed) -> Iterator[str]:
    """What a replay changed."""
    for key in before.items.keys() | after.items.keys():
        if before.items.get(key) != after.items.get(key) or before.opened.get(key) != after.opened.get(key):
            yield f"{key}: changed by the replay"
    held, held_after = ({(one.entry_id, one.place, one.payload) for one in they.held} for they in (before, after))
    if held != held_after:
        yield f"the replay changed {len(held ^ held_after)} records in quarantine"
    if len(before.changes) != len(after.changes):
        yield f"the replay made {len(after.changes) - len(before.changes)} changes"


def _would_find(stack: Stack, sent: Iterable[Sent]) -> None:
    """A search that finds nothing has to be one that finds: what was put holds a canary each."""
    records = [one for one in sent if one.record and one.record.poison is None and not one.record.is_delete]
    found = sum(bool(stack.search.leaks.hits("", one.payload.decode())) for one in records)
    assert 0 < found == len(records), f"the search finds {found} of {len(records)} records where they lie in clear"
