"""What a batch costs the items table: of many records of one item, and of as many items of one tenant."""

from __future__ import annotations

import json
from typing import Any, Final

from bench import prices
from shared.item_size import item_size_bytes
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE
from tests.fakes.encryptor import encryptor_world
from tests.fakes.kinesis import kinesis_record

BATCH: Final = 500
PARTITION_WRITE_UNITS: Final = 1_000
"""A second, for one partition of a table. Source: DynamoDB developer guide, "Best practices for designing and using
partition keys effectively"."""


def puts_of_a_batch(*, items: int, records: int = BATCH) -> dict[str, Any]:
    """Puts and write units for so many records of so many items of one tenant, in turn."""
    with encryptor_world(load_policy(POLICY_FILE)) as world:
        events = [
            kinesis_record(_payload(number % items), sequence=number, partition_key=f"{number % items}")
            for number in range(records)
        ]
        outcomes = world.process(*events).outcomes()
        units = sum(-(-item_size_bytes(item) // prices.WRITE_UNIT_BYTES) for item in world.table.items.values())
        return {
            "records": records,
            "items": items,
            "puts": len(world.table.puts),
            "write_units": units,
            "outcomes": {str(outcome): count for outcome, count in outcomes.items()},
        }


def _payload(number: int) -> bytes:
    return json.dumps({"tenant_id": "acme", "id": f"{number:09d}", "ssn": "078-05-1120", "name": "A Customer"}).encode()
