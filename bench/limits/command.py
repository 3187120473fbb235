"""`python -m bench limits`: the figures of the runbook's limits; prints them and writes build/limits.json."""

from __future__ import annotations

import json
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from bench.limits import hot_item, lanes, large_records
from bench.limits.key_cache import Arrivals, Keys, asked_of_aws, bytes_per_key, uniform, zipf
from ops.local_aws.process import BUILD
from shared.keys.keyring import MAX_KEYS

TENANTS: Final = 100_000
BOUNDS: Final = (5_000, MAX_KEYS)
_FIGURES: Final = BUILD / "limits.json"

console = Console(highlight=False)


@click.command()
@click.option("--tenants", type=int, default=TENANTS, show_default=True)
def limits(tenants: int) -> None:
    """Measure what the runbook says of limits that are known in advance."""
    figures: dict[str, list[dict[str, Any]]] = {
        "large_records": large_records.measured(),
        "hot_item": [hot_item.puts_of_a_batch(items=items) for items in (1, hot_item.BATCH)],
        "lanes": lanes.compared(),
        "key_cache": _key_cache(tenants),
    }
    BUILD.mkdir(exist_ok=True)
    _FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for name, found in figures.items():
        console.print(_table(name, found))
    console.print(f"figures: {_FIGURES.name} in {BUILD.name}/")


def _key_cache(tenants: int) -> list[dict[str, Any]]:
    console.print(f"{tenants:,} tenants …")
    arrivals = (
        Arrivals("all tenants alike", tenants, uniform(tenants)),
        Arrivals("by Zipf", tenants, zipf(tenants)),
        Arrivals("alike, the tenant being the partition key", tenants // 4, uniform(tenants // 4)),
    )
    keys = Keys(tenants)
    memory = bytes_per_key(keys, cached=min(tenants, MAX_KEYS))
    return [
        asked_of_aws(keys, one, max_keys=bound) | {"cache_mib": round(min(bound, one.tenants) * memory / 2**20)}
        for one in arrivals
        for bound in BOUNDS
    ]


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(*rows[0], title=name)
    for row in rows:
        table.add_row(*(f"{value}" for value in row.values()))
    return table
