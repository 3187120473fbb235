"""Any faults at any call, in any order of turns: once all is delivered, everything is as the model says.

Each step is an invocation, or several in turns, of the real encryptor, auditor and re-encryptor. What comes again does
so as Lambda has it: from the lowest failed record on, or whole where a process was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from shared.model import SOURCE
from shared.source_position import FOUND
from tests.chaos.chances import ITEMS, SEEDS, TENANTS, Producers, runs, weather
from tests.chaos.memory import MemoryWorld, ReencryptorProcess
from tests.chaos.model import Order
from tests.chaos.processes import MOST_SECONDS, SECONDS, AuditorProcess, EncryptorProcess, Process
from tests.chaos.stream import ShardOfStream
from tests.chaos.turns import Killed
from tests.chaos.verdict import check, check_audit

JOBS = ("encryptor", "zombie", "another shard", "auditor", "reencryptor")
"""A zombie is given the batch of the encryptor at the same time; nobody waits for its answer."""
ENCRYPTORS = ("encryptor", "zombie")
CLASSES = ("pii", "pci")
PAUSES = (1, 100, 290, 310)
SKEWS = (-240.0, 240.0)
"""Seconds."""
STRANGERS: tuple[Any, ...] = (
    {},
    {SOURCE: {"B": b"garbage"}},
    {SOURCE: {"S": "text"}},
    {SOURCE: {"B": FOUND.to_bytes()}},
)


class Chaos(RuleBasedStateMachine):
    """Processes come and go; what they work on forgets nothing."""

    @initialize(order=st.sampled_from(Order), seed=SEEDS)
    def begin(self, order: Order, seed: int) -> None:
        self.world = MemoryWorld(order)
        self.producers = Producers(order.poisons)
        self.processes: dict[str, Process] = {}
        self.producers_put(seed)
        self.functions_are_invoked(seed)

    @rule(seed=SEEDS)
    def producers_put(self, seed: int) -> None:
        self.producers.put(Random(seed), self.world.stream, self.world.clock.wall())

    @rule(seed=SEEDS)
    def functions_are_invoked(self, seed: int) -> None:
        chance = Random(seed)
        for _ in range(chance.randint(1, 8)):
            self._invoke(chance)

    def _invoke(self, chance: Random) -> None:
        jobs = chance.choice((JOBS[:1], JOBS[3:], chance.sample(JOBS, 2), [*JOBS[:2], chance.choice(JOBS[2:])]))
        shard, size = chance.randrange(8), chance.choice((1, 3, 10))
        seconds = chance.choice((SECONDS, SECONDS, MOST_SECONDS))
        results = self.world.run([self._work(job, shard, size, seconds) for job in jobs], weather(chance))
        self._bury(jobs, results)

    @rule(seed=SEEDS)
    def an_old_batch_comes_again(self, seed: int) -> None:
        chance = Random(seed)
        events = self.world.stream.events
        begin = chance.randrange(len(events))
        batch = events[begin : begin + chance.choice((1, 3, 10))]
        results = self.world.run([lambda: self._encryptor("encryptor").invoke(batch)], weather(chance))
        self._bury(["encryptor"], results)

    @rule(seconds=st.sampled_from(PAUSES))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule(job=st.sampled_from(ENCRYPTORS), skew=st.sampled_from(SKEWS))
    def a_new_process_has_another_clock(self, job: str, skew: float) -> None:
        self.processes[job] = EncryptorProcess(self.world, skew)

    @rule(tenant=st.sampled_from(TENANTS), data_class=st.sampled_from(CLASSES))
    def a_data_key_is_renewed(self, tenant: str, data_class: str) -> None:
        self.world.renew(tenant, data_class)

    @rule(number=st.integers(0, 3), merges=st.booleans())
    def shards_change(self, number: int, merges: bool) -> None:
        if merges:
            self.world.stream.merge(number)
        else:
            self.world.stream.split(number)

    @rule(item=st.sampled_from(ITEMS), source=st.sampled_from(STRANGERS))
    def a_stranger_writes_a_new_item(self, item: str, source: Any) -> None:
        self.world.write_as_a_stranger((TENANTS[0], item), source)

    def teardown(self) -> None:
        """The faults stop: all is delivered, told and mended; then all of it is delivered once more."""
        self._work_everything_off()
        check(self.world)
        before = self.world.items(), self.world.held()
        for shard in self.world.stream.shards:
            shard.done = 0
        self._work_everything_off()
        assert before == (self.world.items(), self.world.held()), "the replay changed something"
        check_audit(self.world)

    def _work(self, job: str, shard: int, size: int, seconds: float) -> Callable[[], object]:
        shards = self.world.stream.shards
        match job:
            case "auditor":
                return lambda: self._auditor().invoke(size)
            case "reencryptor":
                return lambda: self._reencryptor().invoke(size)
            case "zombie":
                batch = shards[shard % len(shards)].waiting(size)
                return lambda: self._encryptor(job).invoke(batch, seconds) if batch else None
            case _:
                chosen = shards[(shard + (job != "encryptor")) % len(shards)]
                return lambda: self._poll(job, chosen, size, seconds)

    def _poll(self, job: str, shard: ShardOfStream, size: int, seconds: float) -> None:
        if batch := shard.waiting(size):
            shard.answered(batch, self._encryptor(job).invoke(batch, seconds))

    def _bury(self, jobs: Sequence[str], results: Sequence[object]) -> None:
        """Forget the processes that were killed."""
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Killed):
                del self.processes[job]

    def _encryptor(self, job: str) -> EncryptorProcess:
        if job not in self.processes:
            self.processes[job] = EncryptorProcess(self.world)
        process = self.processes[job]
        assert isinstance(process, EncryptorProcess)
        return process

    def _auditor(self) -> AuditorProcess:
        if "auditor" not in self.processes:
            self.processes["auditor"] = AuditorProcess(self.world)
        process = self.processes["auditor"]
        assert isinstance(process, AuditorProcess)
        return process

    def _reencryptor(self) -> ReencryptorProcess:
        if "reencryptor" not in self.processes:
            self.processes["reencryptor"] = ReencryptorProcess(self.world)
        process = self.processes["reencryptor"]
        assert isinstance(process, ReencryptorProcess)
        return process

    def _work_everything_off(self) -> None:
        for _ in range(20):
            for shard in self.world.stream.shards:
                while shard.waiting(1):
                    before = shard.done
                    self.world.run([partial(self._poll, "encryptor", shard, 10, SECONDS)])
                    assert shard.done > before, "without any fault a shard stands still"
            self.world.clock.advance(1)
            self.world.run([lambda: self._auditor().invoke(1_000)])
            self.world.run([lambda: self._reencryptor().invoke(1_000)])
            self.world.collect_changes()
            if self.world.audited == len(self.world.changes) and not self.world.queue.bodies:
                return
        raise AssertionError("it does not end")


@pytest.mark.parametrize("seed", range(runs(200)))
def test_whatever_happens_nothing_is_lost_doubled_or_in_clear(seed):
    chance = Random(seed)
    chaos = Chaos()
    chaos.begin(order=chance.choice(list(Order)), seed=seed)
    happenings: list[tuple[int, Callable[[], None]]] = [
        (4, lambda: chaos.producers_put(chance.getrandbits(32))),
        (8, lambda: chaos.functions_are_invoked(chance.getrandbits(32))),
        (2, lambda: chaos.an_old_batch_comes_again(chance.getrandbits(32))),
        (3, lambda: chaos.time_passes(chance.choice(PAUSES))),
        (1, lambda: chaos.a_new_process_has_another_clock(chance.choice(ENCRYPTORS), chance.choice(SKEWS))),
        (4, lambda: chaos.a_data_key_is_renewed(chance.choice(TENANTS), chance.choice(CLASSES))),
        (1, lambda: chaos.shards_change(chance.randrange(4), chance.random() < 0.5)),
        (1, lambda: chaos.a_stranger_writes_a_new_item(chance.choice(ITEMS), chance.choice(STRANGERS))),
    ]
    weights, happen = zip(*happenings, strict=True)
    for one in chance.choices(happen, weights, k=15):
        one()
    chaos.teardown()


TestChaos = Chaos.TestCase
TestChaos.settings = settings(
    max_examples=runs(40),
    stateful_step_count=15,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
