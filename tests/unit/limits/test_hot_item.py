"""A tenant with a hot item, or with ids that only rise: what it costs the table, and what the others see."""

from __future__ import annotations

import json

from bench.limits.hot_item import puts_of_a_batch
from shared.errors import StoreUnavailable
from shared.model import Outcome
from shared.policy.load import parse_policy
from tests.fakes.encryptor import encryptor_world
from tests.fakes.kinesis import kinesis_record
from tests.fakes.lane import FakeLane

POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
""",
    "policy.toml",
)


def _event(tenant: str, item: str, number: int):
    payload = json.dumps({"tenant_id": tenant, "id": item, "ssn": f"{number}"}).encode()
    return kinesis_record(payload, sequence=number, partition_key=item)


def test_of_a_hot_item_a_batch_puts_one_record_and_of_rising_ids_every_one():
    hot, rising = puts_of_a_batch(items=1, records=100), puts_of_a_batch(items=100, records=100)

    assert (1, {"written": 1, "superseded": 99}) == (hot["puts"], hot["outcomes"])
    assert (100, 100, {"written": 100}) == (rising["puts"], rising["write_units"], rising["outcomes"])


def test_a_throttled_partition_delays_its_tenant_and_what_is_behind_it_in_the_lane():
    with encryptor_world(POLICY) as world:
        lane = FakeLane(world.process)

        def throttled(item):
            if item.tenant_id == "hot":
                raise StoreUnavailable("PutItem: ThrottlingException")

        world.table.before_put = throttled
        first = [_event("hot" if number % 2 else "calm", f"{number}", number) for number in range(40)]
        lane.put(*first)
        assert {Outcome.WRITTEN: 20, Outcome.RETRY: 20} == lane.deliver()

        lane.put(_event("calm", "behind", 40))
        assert {Outcome.DUPLICATE: 19, Outcome.RETRY: 20} == lane.deliver()
        assert ("calm", "behind") not in world.table.items

        world.table.before_put = lambda item: None
        lane.deliver_all()
        assert 41 == len(world.table.items) == lane.outcomes.total()
