"""The same through botocore's clients: its own retries, its pauses, and connections that break on either side.

A lost answer is where the two differ: botocore sends the put again, and what stands in the way is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from random import Random

import pytest
from moto import mock_aws

from shared.findings import from_message
from shared.model import DELETED_AT
from tests.chaos.chances import TENANTS, Producers, runs, storm, weather
from tests.chaos.cloud import CloudWorld
from tests.chaos.model import Order
from tests.chaos.processes import SECONDS, AuditorProcess, EncryptorProcess
from tests.chaos.turns import Killed
from tests.chaos.verdict import check, check_audit
from tests.fakes.moto_binary import begins_with_binary


@pytest.fixture(autouse=True)
def _moto() -> Iterator[None]:
    with mock_aws(), begins_with_binary():
        yield


@pytest.mark.parametrize("seed", range(runs(14)))
def test_whatever_becomes_of_requests_nothing_is_lost_doubled_or_in_clear(seed):
    chance = Random(seed)
    world = CloudWorld(chance.choice(list(Order)))
    producers = Producers(world.order.poisons)
    for _ in range(3):
        producers.put(chance, world.stream, world.clock.wall())
        world.clock.advance(chance.choice((1, 100, 310)))
        for _ in range(2):
            _invoke(world, chance)
        world.renew(chance.choice(TENANTS), "pii")
    _deliver_the_rest(world)
    check(world)
    before = world.items(), world.held()
    for shard in world.stream.shards:
        shard.done = 0
    _deliver_the_rest(world)
    assert before == (world.items(), world.held())


@pytest.mark.parametrize("seed", range(runs(6)))
def test_the_auditor_sends_every_finding_whatever_becomes_of_its_requests(seed):
    chance = Random(seed)
    world = CloudWorld(Order.ATTRIBUTE)
    producers = Producers(world.order.poisons)
    for _ in range(3):
        producers.put(chance, world.stream, world.clock.wall())
    _deliver_the_rest(world)
    for tenant_id, data_class in product(TENANTS, ("pii", "pci")):
        world.renew(tenant_id, data_class)
    world.collect_changes()

    while world.audited < len(world.changes):
        world.run([partial(AuditorProcess(world).invoke, 2)], storm(chance, 0.5))

    sealed = {key for key, item in world.items().items() if DELETED_AT not in item}
    told = {(one.tenant_id, one.item_id) for body in world.messages() for one in from_message(body)}
    assert sealed <= told  # and what was deleted since
    check_audit(world, dict.fromkeys(sealed, "stale"))


def _invoke(world: CloudWorld, chance: Random) -> None:
    """Two processes, new ones, each with a clock of its own; the second is a zombie at times."""
    shards = [chance.choice(world.stream.shards) for _ in range(2)]
    processes = [EncryptorProcess(world, chance.choice((0.0, -240.0, 240.0))) for _ in shards]
    batches = [shard.waiting(8) for shard in shards]
    works = [partial(process.invoke, batch) for process, batch in zip(processes, batches, strict=True)]
    results = world.run(works, weather(chance))
    is_zombie = shards[0] is shards[1]
    for shard, batch, failed in list(zip(shards, batches, results, strict=True))[: 1 if is_zombie else 2]:
        if not isinstance(failed, Killed):
            shard.answered(batch, failed)


def _deliver_the_rest(world: CloudWorld) -> None:
    process = EncryptorProcess(world)
    for shard in world.stream.shards:
        while batch := shard.waiting(10):
            (failed,) = world.run([partial(process.invoke, batch, SECONDS)])
            assert failed == [], world.lines()[-3:]
            shard.answered(batch, failed)
