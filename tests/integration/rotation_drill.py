"""A rotation under fire: a producer that keeps writing, a model of what must be left."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from bench.customers import Customer
from ops.demo.leaks import log_lines, table_items
from ops.demo.produce import chunks
from shared.aws.clients import client
from shared.policy.verify import key_ids
from tests.chaos_stack.workers import in_background
from tests.integration.support import SEALSTREAM, Deployment

PAUSE_SECONDS = 0.5
LOADED = "1"
"""The sequence number of what was loaded and not put to the stream."""


@dataclass
class Producer:
    """Puts new versions of random customers; `newest` is the model: the last version put of each."""

    deployment: Deployment
    customers: list[Customer]
    seed: int
    per_second: int
    newest: Counter[int] = field(default_factory=Counter)
    put: int = 0

    def running(self) -> AbstractContextManager[None]:
        return in_background(self._run, name="producer")

    def _run(self, stop: Event) -> None:
        random = Random(self.seed)
        while not stop.wait(PAUSE_SECONDS):
            chosen = random.sample(self.customers, min(len(self.customers), int(self.per_second * PAUSE_SECONDS)))
            for some in chunks(chosen, 250):
                self._put_one_version_of(some)

    def _put_one_version_of(self, customers: list[Customer]) -> None:
        for customer in customers:
            self.newest[customer.number] += 1
        left: list[Any] = [
            {"PartitionKey": customer.item_id, "Data": customer.payload(self.newest[customer.number])}
            for customer in customers
        ]
        while left:
            answer = client("kinesis").put_records(StreamName=self.deployment["STREAM"], Records=left)
            left = [one for one, put in zip(left, answer["Records"], strict=True) if "ErrorCode" in put]
        self.put += len(customers)


def rotate(folder: Path, *, kills: int, seed: int, deadline_seconds: float, options: list[str]) -> tuple[str, int]:
    """`sealstream rotation start`, killed so many times and started again; its last output, and its exit status."""
    random = Random(seed)
    command = [str(SEALSTREAM), "rotation", "start", "--json", *options]
    deadline = time.monotonic() + deadline_seconds
    for attempt in range(kills + 1):
        output = folder / f"rotation-{attempt}.log"
        with output.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            if attempt < kills:
                process.wait(timeout=random.uniform(2, 6))
            else:
                process.wait(timeout=max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        else:
            break
    return output.read_text(encoding="utf-8"), process.returncode


def stored_versions(deployment: Deployment, customers: Mapping[tuple[str, str], Customer]) -> dict[int, int]:
    """The plain `amount` of each customer's item, which is the version that lies there."""
    return {
        customers[key].number: int(item["amount"]["N"])
        for _, item in table_items(deployment["TABLE"])
        if (key := (item["tenant_id"]["S"], item["item_id"]["S"])) in customers
    }


def opened_wrongly(deployment: Deployment, customers: Mapping[tuple[str, str], Customer], newest: Counter[int]) -> int:
    """How many customers' items do not open to what the model predicts; missing ones count."""
    right = 0
    after: dict[str, Any] = {}
    while True:
        page = deployment.table.scan(ConsistentRead=True, **after)
        for item in page["Items"]:
            customer = customers.get((item["tenant_id"], item["item_id"]))
            if customer:
                right += item == _expected(customer, newest[customer.number])
        if "LastEvaluatedKey" not in page:
            return len(customers) - right
        after = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _expected(customer: Customer, version: int) -> dict[str, Any]:
    record = customer.record(version)
    return {**{name: value for name, value in record.items() if name != "id"}, "item_id": record["id"]}


def keys_in_use(deployment: Deployment) -> set[tuple[str, int]]:
    """Tenant and key id of every sealed value in the table."""
    return {
        (item["tenant_id"]["S"], key_id) for _, item in table_items(deployment["TABLE"]) for key_id in key_ids(item)
    }


def key_states(deployment: Deployment) -> dict[tuple[str, int], str]:
    """State of every data key, by tenant and key id."""
    return {
        (row["tenant_id"]["S"], int(row["row"]["S"].removeprefix("key#"), 16)): row["state"]["S"]
        for _, row in table_items(deployment["KEY_STORE"])
        if row["row"]["S"].startswith("key#")
    }


def replaced_at(deployment: Deployment, keys: set[tuple[str, int]]) -> dict[str, float]:
    """By tenant, when the last of these data keys was replaced: until then each of its items lay under one of them."""
    times: defaultdict[str, float] = defaultdict(float)
    for _, row in table_items(deployment["KEY_STORE"]):
        tenant_id, name = row["tenant_id"]["S"], row["row"]["S"]
        if name.startswith("key#") and (tenant_id, int(name.removeprefix("key#"), 16)) in keys:
            times[tenant_id] = max(times[tenant_id], float(row["closed_at"]["N"]))
    return times


def without_account(
    deployment: Deployment, customers: Mapping[tuple[str, str], Customer], *, replaced_at: Mapping[str, float]
) -> list[str]:
    """Customers that the audit log does not account for, after their keys were replaced.

    Each must have, by distinct `event_id`, exactly one `item.reencrypted`, or a write by the producer since then; and
    never more `item.reencrypted` than one, and one for each such write under a key that was replaced already.
    """
    events: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
    for event in audit_events(deployment):
        customer = customers.get((event.get("tenant_id", ""), event.get("item_id", "")))
        if customer is not None:
            events[customer.number][event["event_id"]] = event
    # changes are known to the second
    since = {tenant: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) for tenant, at in replaced_at.items()}
    return [
        one.item_id
        for one in customers.values()
        if not _is_accounted_for(events[one.number].values(), since[one.tenant_id])
    ]


def _is_accounted_for(events: Collection[dict[str, Any]], since: str) -> bool:
    reencrypted = sum(event["event"] == "item.reencrypted" for event in events)
    later = [
        event
        for event in events
        if event["event"] in {"item.written", "item.stale"}
        and event.get("source_sequence_number", LOADED) != LOADED
        and event["at"] >= since
    ]
    if not later:
        return reencrypted == 1
    return reencrypted <= 1 + sum(event["event"] == "item.stale" for event in later)


def audit_events(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """Every event of the auditor's log, redeliveries included."""
    for _, line in log_lines(deployment["AUDITOR_LOG_GROUP"]):
        if line.startswith("{") and '"event_id"' in line:
            yield json.loads(line)
