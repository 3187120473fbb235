"""What a rotation costs, on a local AWS of its own; prints a table and writes build/bench.json."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from itertools import islice
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import prices
from bench.customers import customers
from bench.load import load
from ops.local_aws.interrupts import held_back
from ops.local_aws.process import BUILD
from ops.local_aws.up import down, up
from ops.runs.wiring import ports_from_environment
from shared.aws.clients import client, forget
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.item_size import item_size_bytes
from shared.keys.keyring import Keyring
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE, AttributeKeys

TENANTS: Final = 50
SWEEPER_GB: Final = 1769 / 1024
_FOLDER: Final = BUILD / "bench"
_FIGURES: Final = BUILD / "bench.json"

console = Console(highlight=False)


SIZES: Final = (1_000, 10_000, 100_000)


@click.command()
@click.option("--items", "sizes", type=int, multiple=True, default=SIZES, show_default=True)
def rotation(sizes: tuple[int, ...]) -> None:
    """Rotate all data keys of a table of each size with one worker, and measure sweep and census."""
    running = up(_FOLDER, say=console.print)
    try:
        os.environ.update(running.environment)
        forget()
        _stop_the_auditor()
        figures = [_measure(size, before) for before, size in zip((0, *sorted(sizes)), sorted(sizes), strict=False)]
    finally:
        with held_back():
            down(_FOLDER)
    _FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    console.print(_table(figures))
    console.print(
        f"prices as of {prices.AS_OF}, without the auditor's share; figures: {_FIGURES.name} in {BUILD.name}/"
    )


def _stop_the_auditor() -> None:
    """It shares this machine, and its speed is not what is measured."""
    mappings = client("lambda").list_event_source_mappings(FunctionName=os.environ["SEALSTREAM_AUDITOR"])
    for mapping in mappings["EventSourceMappings"]:
        client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _measure(size: int, before: int) -> dict[str, Any]:
    console.rule(f"{size:,} items")
    policy = load_policy(POLICY_FILE)
    keys = AttributeKeys.from_environment(os.environ)
    store = DynamoKeyStore(client("dynamodb"), os.environ["SEALSTREAM_KEY_STORE"])
    keyring = Keyring(
        store=store,
        service=KmsKeyService(client("kms"), keys.present),
        dataset=policy.dataset,
        trusted_kms_key_arns=keys.trusted,
    )
    new = islice(customers(size, tenants=TENANTS), before, None)
    load(
        os.environ["SEALSTREAM_TABLE"],
        track(new, "loading", total=size - before, console=console),
        policy=policy,
        keyring=keyring,
    )
    sample = client("dynamodb").scan(TableName=os.environ["SEALSTREAM_TABLE"], Limit=100)["Items"]
    item_bytes = round(sum(map(item_size_bytes, sample)) / len(sample))

    rotation = ports_from_environment().rotation
    asked = {"due": False, "workers": 1, "segments": 4, "barrier_seconds": 1}
    begun = rotation({"operation": "begin", "kind": "rotation", **asked})
    figures: dict[str, Any] = {"items": size, "tenants": TENANTS, "item_bytes": item_bytes}
    while True:
        now = rotation({"operation": "advance", "run_id": begun["run_id"]})
        if now["phase"] == "done":
            return figures | {"verdict": now["verdict"]}
        if now["phase"] in {"sweep", "census"}:
            console.print(f"{now['phase']} …")
            figures[now["phase"]] = _worked(begun["run_id"])
        time.sleep(now.get("wait_seconds", 0))


def _worked(run_id: str) -> dict[str, Any]:
    """One worker, in a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.worker", run_id],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"AWS_LAMBDA_FUNCTION_NAME": "bench"},
    )
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _table(figures: list[dict[str, Any]]) -> Table:
    table = Table("items", *(f"{one['items']:,}" for one in figures))
    columns = [_rows(one) for one in figures]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _rows(one: dict[str, Any]) -> dict[str, str]:
    sweep, census, thousands = one["sweep"], one["census"], one["items"] / 1_000
    calls = sweep["calls"]
    key_store_reads = calls.get("dynamodb.GetItem", 0) + calls.get("dynamodb.BatchGetItem", 0)
    return {
        "re-encrypted, items a second and worker": f"{sweep['counts']['mended'] / sweep['seconds']:,.0f}",
        "values re-encrypted": f"{sweep['counts']['reencrypted_values']:,}",
        "census, items a second and worker": f"{census['counts']['visited'] / census['seconds']:,.0f}",
        "sweep per 1,000 items: KMS calls": f"{_kms(calls) / thousands:,.1f}",
        "  scan pages": f"{calls['dynamodb.Scan'] / thousands:,.1f}",
        "  reads of the key store": f"{key_store_reads / thousands:,.1f}",
        "  updates of items": f"{calls['dynamodb.UpdateItem'] / thousands:,.1f}",
        "  writes of the cursor": f"{calls.get('dynamodb.PutItem', 0) / thousands:,.1f}",
        "cost per million items, sweep and census, US$": f"{_dollars_per_million(one):,.2f}",
        "peak memory, MiB: sweep": f"{sweep['peak_memory_mib']}",
        "  census": f"{census['peak_memory_mib']}",
    }


def _kms(calls: dict[str, int]) -> int:
    return sum(count for name, count in calls.items() if name.startswith("kms."))


def _dollars_per_million(one: dict[str, Any]) -> float:
    """From counted calls and the items' size; the sweeper's time is this machine's, not AWS's.

    Not in it: what each change of an item costs after that (stream, auditor, logs), and Step Functions.
    """
    sweep, census, size = one["sweep"], one["census"], one["item_bytes"]
    write_units: float = sweep["calls"]["dynamodb.UpdateItem"] * math.ceil(size / prices.WRITE_UNIT_BYTES)
    write_units += sweep["units"].get("write", 0) + census["units"].get("write", 0)
    read_units = one["items"] * size / prices.READ_UNIT_BYTES * (0.5 + 1)  # the census reads strongly consistently
    read_units += sweep["units"].get("read", 0) + census["units"].get("read", 0)
    used: dict[str, float] = {
        "KMS request": _kms(sweep["calls"]) + _kms(census["calls"]),
        "DynamoDB write request unit": write_units,
        "DynamoDB read request unit": read_units,
        "Lambda GB-second, arm64": (sweep["seconds"] + census["seconds"]) * SWEEPER_GB,
    }
    dollars = sum(count * prices.PER_MILLION[name] for name, count in used.items()) / 1e6
    return dollars / int(one["items"]) * 1e6
