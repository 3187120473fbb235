"""Every record received has exactly one outcome, and it is the right one: in the result and in the metrics."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from consumers.encryptor.deaggregate import user_records
from consumers.encryptor.report import report_batch
from consumers.encryptor.results import BatchResult
from shared.errors import StoreUnavailable
from shared.model import Outcome, SealedItem
from shared.policy.load import parse_policy
from shared.runtime.audit_log import AuditLog
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.inline_executor import InlineExecutor
from tests.fakes.kinesis import aggregate, kinesis_record

POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
""",
    "policy.toml",
)
GOOD = [json.dumps({"tenant_id": "acme", "id": item, "a": 1}).encode() for item in "123"]
BAD = [b"no json", b'{"tenant_id": "acme"}', b'{"tenant_id": "acme", "id": "1", "_op": "drop"}']
RECORDS = 12
Place = tuple[int, int]
"""Sequence number and sub-sequence of a user record."""

payloads = st.sampled_from(GOOD * 3 + BAD)
stream = st.lists(
    payloads | st.lists(payloads, min_size=1, max_size=4) | st.just("damaged"), min_size=RECORDS, max_size=RECORDS
)
deliveries = st.lists(st.lists(st.integers(0, RECORDS - 1), min_size=1, max_size=10), min_size=1, max_size=5)
down = st.sets(st.sampled_from(["1", "2", "3", "quarantine"]), max_size=2)


def outer(sequence: int, holds: Any) -> Any:
    """A Kinesis record: plain, an aggregate, or a damaged one."""
    if holds == "damaged":
        return kinesis_record(aggregate([("p", GOOD[0])])[:-1], sequence=sequence)
    return kinesis_record(
        holds if isinstance(holds, bytes) else aggregate([("p", one) for one in holds]), sequence=sequence
    )


def places(sequence: int, holds: Any) -> Iterator[tuple[Place, str | None]]:
    """Each user record's place, and its item where it is good."""
    for sub_sequence, payload in enumerate(holds if isinstance(holds, list) else [holds]):
        yield (sequence, sub_sequence), (json.loads(payload)["id"] if payload in GOOD else None)


class Model:
    """What must become of each record; knows nothing of how."""

    def __init__(self, stream: list[Any]) -> None:
        self.stream = stream
        self.newest: dict[str, Place] = {}

    def deliver(self, batch: list[int], down: set[str]) -> Counter[Outcome]:
        """The outcomes of a batch, which it applies."""
        received = [one for sequence in batch for one in places(sequence, self.stream[sequence])]
        expected: Counter[Outcome] = Counter()
        for item in "123":
            came = [place for place, of in received if of == item]
            if not came:
                continue
            before, top = self.newest.get(item, (-1, -1)), max(came)
            if item in down:
                # the newest fails, and all behind it wait
                expected[Outcome.RETRY] += len(came)
                continue
            if top > before:
                self.newest[item] = top
                expected += Counter({Outcome.WRITTEN: 1, Outcome.DUPLICATE: came.count(top) - 1})
            elif top == before:
                expected[Outcome.DUPLICATE] += came.count(top)
            else:
                expected[Outcome.SUPERSEDED] += came.count(top)
            expected[Outcome.SUPERSEDED] += len(came) - came.count(top)
        bad = sum(of is None for _, of in received)
        expected[Outcome.RETRY if "quarantine" in down else Outcome.QUARANTINED] += bad
        return +expected


def deliver(world: EncryptorWorld, records: list[Any], down: set[str]) -> BatchResult:
    def fails(item: SealedItem) -> None:
        if item.item_id in down:
            raise StoreUnavailable("down")

    world.table.before_put = fails
    world.quarantine.fail_with = StoreUnavailable("down") if "quarantine" in down else None
    return world.process(*records)


def metrics(world: EncryptorWorld, result: BatchResult) -> dict[str, int]:
    with patch("sys.stdout", new=StringIO()) as out:
        report_batch(result, world.keyring.take_counts(), AuditLog(), started=0.0, ended=1.0)
    told: dict[str, int] = json.loads(out.getvalue().splitlines()[-1])
    return told


@given(stream, st.lists(st.tuples(deliveries.map(lambda lists: sorted(lists[0])), down), min_size=1, max_size=5))
def test_every_record_has_one_outcome_and_the_right_one(stream, batches):
    model = Model(stream)
    with encryptor_world(POLICY, at_once=InlineExecutor()) as world:
        for batch, down in batches:
            records = [outer(sequence, stream[sequence]) for sequence in batch]
            result = deliver(world, records, down)

            taken = [getattr(one, "record", one) for record in records for one in user_records(record)]
            assert Counter(map(_place, taken)) == Counter(_place(one.record) for one in result.results)
            expected = model.deliver(batch, down)
            assert expected == result.outcomes()
            told = metrics(world, result)
            assert len(taken) == result.received == told["RecordsReceived"]
            assert expected == +Counter(
                {outcome: told[f"Records{name}"] for outcome, name in zip(Outcome, NAMES, strict=True)}
            )


NAMES = ("Written", "Duplicate", "Superseded", "Quarantined", "Retried")


def _place(record: Any) -> tuple[str, int]:
    return record.sequence_number, record.sub_sequence
