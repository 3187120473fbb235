"""Fills the items table with sealed customers as the encryptor would, without a stream: for what comes after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from bench.customers import Customer
from consumers.encryptor.identify import identify
from consumers.encryptor.sealing import RecordSealer, plan_record
from ops.demo.produce import chunks
from shared.aws.clients import client
from shared.decode import decode
from shared.keys.keyring import Keyring
from shared.model import Attributes, InboundRecord
from shared.policy.compiled import Policy

_PER_REQUEST: Final = 25
_AT_ONCE: Final = 4
_ATTEMPTS: Final = 50
_BEFORE_ALL_RECORDS: Final = "1"
"""A Kinesis sequence number below any that the stream gives, so that every record of the stream supersedes these."""
_LONG_AGO: Final = 1_600_000_000.0
"""Seconds since the epoch: too long ago for anybody's figures of how long a record takes."""


def load(table: str, loaded: Iterable[Customer], *, policy: Policy, keyring: Keyring) -> int:
    """Write version 0 of each customer; gives how many were written."""
    requests = chunks(_sealed(loaded, RecordSealer(policy, keyring)), _PER_REQUEST)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="load") as pool:
        # some at a time, since a pool takes in all that it is to map before it gives the first result
        return sum(sum(pool.map(partial(_write, table), some)) for some in chunks(requests, _AT_ONCE))


def _sealed(loaded: Iterable[Customer], sealer: RecordSealer) -> Iterator[Attributes]:
    for customer in loaded:
        payload = customer.payload(0)
        record = InboundRecord(
            sequence_number=_BEFORE_ALL_RECORDS,
            shard_id="loaded",
            sub_sequence=0,
            partition_key=customer.item_id.encode(),
            arrived_at=_LONG_AGO,
            payload=payload,
        )
        planned = plan_record(identify(record, decode(payload), sealer.policy), sealer.policy)
        yield sealer.seal(planned).item.attributes


def _write(table: str, items: list[Attributes]) -> int:
    request: Mapping[str, Any] = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for _ in range(_ATTEMPTS):
        request = client("dynamodb").batch_write_item(RequestItems=request).get("UnprocessedItems", {})
        if not request:
            return len(items)
    raise TimeoutError(f"DynamoDB left items unprocessed {_ATTEMPTS} times")
