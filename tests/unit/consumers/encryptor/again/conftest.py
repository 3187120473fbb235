"""A redriver over an encryptor with fakes at its edges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from consumers.encryptor.again.entries import Entries
from consumers.encryptor.again.operations import Redriver
from consumers.encryptor.again.stretches import Stretches
from consumers.encryptor.again.telling import Telling
from shared.policy.compiled import Policy
from shared.policy.load import parse_policy
from shared.runtime.audit_log import AuditLog
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.held_entries import FakeHeldEntries
from tests.fakes.kept_events import KeptEvents
from tests.fakes.kinesis import FIRST_SEQUENCE, STREAM_ARN, kinesis_record
from tests.fakes.shard_records import FakeShardRecords, of_kinesis

SHARD = "shardId-000000000000"
SOURCE = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[defaults]
undeclared = "reject"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"n" = { plain = "number" }
"""
STRICT = parse_policy(SOURCE, "strict.toml")
LENIENT = parse_policy(SOURCE.replace('"n" =', '"note" = { seal = "pii" }\n"n" ='), "lenient.toml")
CANARY = "canary-4111111111111111"


def record(item: str = "1", tenant: str = "acme", **attributes: Any) -> bytes:
    return json.dumps({"tenant_id": tenant, "id": item, **attributes}).encode()


def number(sequence: int) -> str:
    return str(FIRST_SEQUENCE + sequence)


@dataclass
class World:
    """What an operator calls, and what stands behind it.

    Attributes:
        seconds_left: of the invocation.
        shards: what the stream lists.
        forgotten_before: what it no longer holds, by time of arrival.
        published: how often the policy was.
        waited: seconds, one after the other.
    """

    encryptor: EncryptorWorld
    held: FakeHeldEntries
    stream: FakeShardRecords
    seconds_left: float = 900.0
    shards: list[Any] = field(default_factory=list)
    forgotten_before: float | None = None
    published: list[None] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    capsys: Any = None
    kept: KeptEvents = field(default_factory=KeptEvents)

    def put(self, *payloads: bytes, partition_key: str = "p", arrived_at: float | None = None) -> list[Any]:
        """Put records on the one shard, a second apart."""
        there = list(self.stream.records[SHARD])
        begin = self.encryptor.clock.wall_seconds - 3600 if arrived_at is None else arrived_at
        events = [
            kinesis_record(
                payload,
                sequence=len(there) + index,
                partition_key=partition_key,
                arrived_at=begin + len(there) + index,
            )
            for index, payload in enumerate(payloads)
        ]
        self.stream.records = {SHARD: [*there, *map(of_kinesis, events)]}
        return events

    def deliver(self, *payloads: bytes, **more: Any) -> list[Any]:
        """Put records, and let the stream-fed encryptor process them."""
        events = self.put(*payloads, **more)
        self.encryptor.process(*events)
        return events

    def call(self, operation: str, **fields: Any) -> dict[str, Any]:
        """An operator's call; its answer is JSON."""
        answer = self.redriver().answer(
            {"operation": operation, **fields}, request_id="request-1", seconds_left=lambda: self.seconds_left
        )
        assert answer == json.loads(json.dumps(answer))
        return answer

    def redriver(self) -> Redriver:
        encryptor, clock = self.encryptor.encryptor, self.encryptor.clock
        telling = Telling(self.encryptor.keyring, AuditLog(trail=self.kept), clock.wall)

        def wait(seconds: float) -> None:
            self.waited.append(seconds)
            clock.advance(seconds)

        return Redriver(
            stretches=Stretches(encryptor, self.stream, telling, STREAM_ARN, wait, clock.monotonic),
            entries=Entries(
                encryptor, self.held, self.encryptor.keyring, encryptor.policy.dataset, telling, clock.wall
            ),
            shards=lambda since: [one for one in self.shards if one.since >= since],
            forgotten_before=lambda now: self.forgotten_before,
            prepare=lambda: self.published.append(None),
            telling=telling,
            wall=clock.wall,
            monotonic=clock.monotonic,
        )

    def entry_id(self) -> str:
        (found,) = self.encryptor.quarantine.entries
        return str(found)

    def deploy(self, policy: Policy) -> None:
        self.encryptor.deploy(policy)

    def lines(self) -> list[dict[str, Any]]:
        """What was printed since the last time."""
        return [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]


@pytest.fixture
def world(capsys) -> Iterator[World]:
    with encryptor_world(STRICT) as encryptor:
        yield World(encryptor, FakeHeldEntries(encryptor.quarantine), FakeShardRecords({SHARD: []}), capsys=capsys)


def counts(**outcomes: int) -> dict[str, Any]:
    """All five outcomes."""
    return {"written": 0, "duplicate": 0, "superseded": 0, "quarantined": 0, "retry": 0} | outcomes
