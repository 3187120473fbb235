"""KMS's quota is exhausted for fifteen minutes: who goes on, who waits, and that all is caught up."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from shared.errors import KeyServiceUnavailable
from shared.keys.age import MAX_AGE_SECONDS
from shared.model import Outcome
from shared.policy.load import parse_policy
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
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
TENANTS = [f"tenant-{number:02}" for number in range(20)]
STEP_SECONDS = 20
OUTAGE_SECONDS = 900


def throttled() -> KeyServiceUnavailable:
    """A new one each time, or its traceback would grow with each raise."""
    return KeyServiceUnavailable("KMS Decrypt: ThrottlingException")


@pytest.fixture
def world() -> Iterator[EncryptorWorld]:
    with encryptor_world(POLICY) as world:
        yield world


class Producer:
    """Sends a record of one item of each tenant; every next one is newer."""

    def __init__(self) -> None:
        self.sent = 0
        self.newest: dict[str, int] = {}

    def records(self, *tenants: str):
        events = []
        for tenant in tenants:
            payload = json.dumps({"tenant_id": tenant, "id": "1", "ssn": f"{self.sent}"}).encode()
            events.append(kinesis_record(payload, sequence=self.sent, partition_key=tenant))
            self.newest[tenant] = self.sent
            self.sent += 1
        return events


def assert_all_stand(world: EncryptorWorld, producer: Producer) -> None:
    """Every item is its tenant's newest record."""
    found = {tenant: world.opened(tenant, "1")["ssn"] for tenant in producer.newest}
    assert {tenant: {"S": f"{number}"} for tenant, number in producer.newest.items()} == found


def test_keys_at_hand_go_on_until_they_are_too_old_then_records_wait_and_none_is_lost(world):
    producer, lane = Producer(), FakeLane(world.process)
    lane.put(*producer.records(*TENANTS))
    lane.deliver_all()
    began = world.clock.monotonic_seconds
    last_written = first_retried = None

    while (passed := world.clock.monotonic_seconds - began) < OUTAGE_SECONDS:
        world.kms.fail_with = throttled()
        lane.put(*producer.records(*TENANTS))
        outcomes = lane.deliver()
        assert len(outcomes) == 1  # all of them, or none
        if Outcome.WRITTEN in outcomes:
            last_written = passed
        elif first_retried is None:
            first_retried = passed
        world.clock.advance(STEP_SECONDS)

    assert (MAX_AGE_SECONDS - STEP_SECONDS, MAX_AGE_SECONDS) == (last_written, first_retried)
    waiting = len(lane.batch) + len(lane.waiting)
    assert len(TENANTS) * (OUTAGE_SECONDS - MAX_AGE_SECONDS) / STEP_SECONDS == waiting

    world.kms.fail_with = None
    lane.deliver_all()
    assert_all_stand(world, producer)
    assert producer.sent == lane.outcomes.total()
    assert {Outcome.WRITTEN, Outcome.SUPERSEDED} == lane.outcomes.keys()


def test_behind_one_tenant_without_a_key_its_lane_waits_but_what_came_with_it_is_written(world):
    producer, lane, other_lane = Producer(), FakeLane(world.process), FakeLane(world.process)
    lane.put(*producer.records(*TENANTS))
    lane.deliver_all()
    world.kms.fail_with = throttled()

    lane.put(*producer.records("a-new-one", *TENANTS))
    with_it = lane.deliver()
    assert {Outcome.RETRY: 1, Outcome.WRITTEN: len(TENANTS)} == with_it

    stood = len(world.table.items)
    lane.put(*producer.records(*TENANTS))
    other_lane.put(*producer.records("tenant-00"))
    behind_it, beside_it = lane.deliver(), other_lane.deliver()
    assert {Outcome.RETRY: 1, Outcome.DUPLICATE: len(TENANTS)} == behind_it
    assert {Outcome.WRITTEN: 1} == beside_it
    assert (stood, len(TENANTS)) == (len(world.table.items), len(lane.waiting))

    world.kms.fail_with = None
    lane.deliver_all()
    assert_all_stand(world, producer)


def test_an_exhausted_quota_is_asked_sparingly(world):
    producer = Producer()
    world.kms.fail_with = throttled()

    world.process(*producer.records(*(f"new-{number}" for number in range(500))))

    assert len(world.kms.generated) == 16


def test_a_quota_that_lets_some_calls_pass_lets_a_batch_pass_in_the_end(world):
    producer, lane = Producer(), FakeLane(world.process)
    lane.put(*producer.records(*TENANTS))
    lane.deliver_all()
    world.clock.advance(MAX_AGE_SECONDS)
    calls = 0

    def every_second_one(_) -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise throttled()

    world.kms.on_decrypt = every_second_one
    lane.put(*producer.records(*TENANTS))
    for _ in range(20):
        lane.deliver()

    assert not lane.batch
    assert_all_stand(world, producer)
