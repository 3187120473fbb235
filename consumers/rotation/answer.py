"""What the function answers, in JSON: for the state machine, and for people; counts and ids, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any

from consumers.rotation.tallies import Scan
from shared.runs.model import Example, Phase, Run, Worker
from shared.scan.tally import shown_keys


def begin_answer(run: Run, *, joined: bool) -> dict[str, Any]:
    """A run that was begun, or is joined."""
    return {**_about(run), "joined": joined, "scope": _scope(run)}


def run_answer(run: Run, sweep: Scan, census: Scan, now: float) -> dict[str, Any]:
    """How far a run is, and what its driver is to do next."""
    answer = {**_about(run), "counts": {"keys": run.counts, "sweep": sweep.tally.counts, "census": census.tally.counts}}
    if run.phase is Phase.SWEEP:
        answer["segments"] = list(sweep.left)
    elif run.phase is Phase.CENSUS:
        answer["segments"] = list(census.left)
    elif run.phase is Phase.BARRIER:
        until = ceil(run.barrier_until or 0.0)  # whole seconds, and not before
        answer["wait_until"] = datetime.fromtimestamp(until, UTC).isoformat().replace("+00:00", "Z")
        answer["wait_seconds"] = max(0, ceil(until - now))
    elif run.phase is Phase.DONE:
        answer["verdict"] = run.verdict
        values = shown_keys(census.tally)
        answer["keys_left"] = [_key(example, values) for example in run.examples]
        answer["examples"] = [_example(example) for example in (*census.tally.examples, *sweep.tally.examples)]
    return answer


def _about(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "kind": run.kind.value,
        "phase": run.phase.value,
        "worker": Worker.of(run.kind).value,
        "workers": run.workers,
    }


def _scope(run: Run) -> dict[str, Any]:
    scope = run.scope
    narrowed = {"due": scope.due, "tenant_id": scope.tenant_id, "data_class": scope.data_class}
    return narrowed | ({} if scope.key_id is None else {"key_id": f"{scope.key_id:08x}"})


def _key(example: Example, values: Mapping[str, int]) -> dict[str, Any]:
    """A data key that was left as it is, and how many values the census found under it."""
    found = values.get(f"{example.tenant_id}/{example.item_id}", 0)
    return {"tenant_id": example.tenant_id, "key_id": example.item_id, "why": example.why, "values": found}


def _example(example: Example) -> dict[str, str]:
    return {
        "tenant_id": example.tenant_id,
        "item_id": example.item_id,
        "where": example.where,
        "why": example.why,
    }
