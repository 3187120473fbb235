"""Throughput of one shard in four lanes: records under partition keys of their own, and in the KPL's aggregates.

Each lane has one batch at a time, as Lambda has it; a put takes as long as one of DynamoDB, and nothing else of it. How
Lambda maps a partition key to a lane is not documented; that one key has one lane is.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final

from ops.local_aws.event_source_mappings.delivery import lane_of
from shared.model import SealedItem
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE
from tests.fakes.encryptor import encryptor_world
from tests.fakes.kinesis import aggregate, kinesis_record

LANES: Final = 4
KPL_OUTER_KEY: Final = "a"
"""Of every aggregate of two records or more.

Source: aws/kinesis/core/kinesis_record.cc of awslabs/amazon-kinesis-producer; its issue 439 tells of the lanes."""
RECORDS: Final = 2_000
_PER_AGGREGATE: Final = 20
_PER_BATCH: Final = 100
_PUT_SECONDS: Final = 0.05
"""Longer than DynamoDB's, so that this machine's processors are no part of what is compared."""


def plain(count: int) -> list[dict[str, Any]]:
    """Records that each have the key of their item."""
    return [
        kinesis_record(_payload(number), sequence=number, partition_key=f"item-{number}") for number in range(count)
    ]


def aggregated(count: int) -> list[dict[str, Any]]:
    """The same records as the KPL sends them."""
    return [
        kinesis_record(
            aggregate((f"item-{number}", _payload(number)) for number in range(first, first + _PER_AGGREGATE)),
            sequence=first,
            partition_key=KPL_OUTER_KEY,
        )
        for first in range(0, count, _PER_AGGREGATE)
    ]


def in_lanes(events: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The events of each lane that has any, in their order."""
    lanes: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for event in events:
        lanes[lane_of(event["kinesis"]["partitionKey"], LANES)].append(event)
    return list(lanes.values())


def throughput(events: Sequence[Mapping[str, Any]], *, per_batch: int) -> dict[str, Any]:
    """Seconds for all of them, each lane with an encryptor of its own."""
    lanes = in_lanes(events)
    with ExitStack() as stack:
        worlds = [stack.enter_context(encryptor_world(load_policy(POLICY_FILE))) for _ in lanes]
        for world in worlds:
            world.table.before_put = _takes_its_time

        def work(place: int) -> int:
            lane, world = lanes[place], worlds[place]
            batches = [lane[first : first + per_batch] for first in range(0, len(lane), per_batch)]
            return sum(world.process(*batch).received for batch in batches)

        began = time.monotonic()
        with ThreadPoolExecutor(LANES) as pool:
            received = sum(pool.map(work, range(len(lanes))))
        return {"records": received, "lanes": len(lanes), "seconds": round(time.monotonic() - began, 2)}


def compared() -> list[dict[str, Any]]:
    """Both, and how many times as long each takes as with keys of their own."""
    own = throughput(plain(RECORDS), per_batch=_PER_BATCH)
    kpl = throughput(aggregated(RECORDS), per_batch=_PER_BATCH // _PER_AGGREGATE)
    return [
        {"keys": keys, **found, "times_as_long": round(found["seconds"] / own["seconds"], 1)}
        for keys, found in (("their own", own), ("the KPL's outer key", kpl))
    ]


def _takes_its_time(_: SealedItem) -> None:
    time.sleep(_PUT_SECONDS)


def _payload(number: int) -> bytes:
    return json.dumps({"tenant_id": "acme", "id": f"{number}", "ssn": "078-05-1120"}).encode()
