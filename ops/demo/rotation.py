"""A rotation of all data keys after KMS's own: the same code and functions as on AWS, the barrier shortened."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from ops.demo.holdings import Holdings, Item, present_material, read_holdings
from ops.demo.phases import TimedPhases
from ops.demo.progress import Reported, wait_until
from ops.demo.replay import replay_oldest
from ops.demo.screen import console
from ops.runs.driver import drive
from ops.runs.live import live_display
from ops.runs.options import Options
from ops.runs.report import lines
from ops.runs.view import RunView
from shared.aws.clients import client
from shared.keys.barrier import BARRIER_SECONDS
from shared.model import KeyState
from shared.runs.model import Phase, RunKind, Scope
from shared.runtime.audit_log import AuditEvent

SHORT_BARRIER_SECONDS: Final = 15
"""Longer than the 10 s for which functions on the local AWS use a data key; refused on any other AWS."""
REPLAYED: Final = 50


def rotate(environment: Mapping[str, str]) -> dict[str, Any]:
    """Rotate, replay old records, and compare what is read with what was read before; gives the figures.

    Args:
        environment: of the deployment, which is the process's own, too.
    """
    held = read_holdings(environment)
    client("kms").rotate_key_on_demand(KeyId=environment["SEALSTREAM_ATTRIBUTE_KEY"])
    console.print(f"{len(held.opened)} items read back, sealed under {len(held.keys)} data keys")
    console.print("KMS has new key material for the attribute key, which by itself re-encrypts nothing")
    console.print(
        f"the barrier before the census, {BARRIER_SECONDS:,.0f} s, is shortened by --barrier-seconds "
        f"{SHORT_BARRIER_SECONDS}, which a deployment on AWS refuses"
    )
    view, seconds = _driven()
    reported = wait_until(lambda now: now.is_audited, environment)
    after = read_holdings(environment)

    replayed = replay_oldest(environment, REPLAYED)
    expected = reported.settled + replayed
    reported_last = wait_until(lambda now: now.settled >= expected and now.is_audited, environment)
    outcomes = reported_last.outcomes - reported.outcomes
    last = read_holdings(environment)
    console.print(f"{replayed} of the first records, given to the encryptor once more: {_counted(outcomes)}")

    return {
        "rotation": {
            **_run_figures(view, seconds),
            "data_keys": len(held.keys),
            "data_keys_not_under_the_new_material": _not_wrapped_by(present_material(environment), after),
            "items_without_exactly_one_reencryption": _without_account(held, reported),
            **_compared(held, after),
        },
        "replay": {"records": replayed, "outcomes": dict(outcomes), **_compared(held, last)},
        "changes_of_the_table": reported_last.changes,
        "changes_audited": reported_last.audited,
        "audit_events": dict(reported_last.item_event_counts),
    }


def _driven() -> tuple[RunView, dict[Phase, float]]:
    options = Options(scope=Scope(due=False), barrier_seconds=SHORT_BARRIER_SECONDS)
    with live_display(console) as live:
        display = TimedPhases(live)
        view = drive(RunKind.ROTATION, options, display=display)
    for line in lines(view, time.time()):
        console.print(line, markup=False, soft_wrap=True)
    return view, display.seconds


def _run_figures(view: RunView, seconds: Mapping[Phase, float]) -> dict[str, Any]:
    keys, sweep, census = view.run.counts, view.scans[Phase.SWEEP].counts, view.scans[Phase.CENSUS].counts
    return {
        "verdict": view.run.verdict,
        "keys_rewrapped": keys.get("rewrapped", 0),
        "keys_renewed": keys.get("renewed", 0),
        "keys_retired": keys.get("retired", 0),
        "items_mended": sweep.get("mended", 0),
        "values_reencrypted": sweep.get("reencrypted_values", 0),
        "values_in_clear": census.get("clear_values", 0),
        "values_of_unknown_keys": census.get("unknown_values", 0),
        "barrier_seconds": SHORT_BARRIER_SECONDS,
        "seconds": {str(phase): round(value, 1) for phase, value in seconds.items()},
        "swept_items_a_second": round(sweep.get("visited", 0) / seconds[Phase.SWEEP]),
        "counted_items_a_second": round(census.get("visited", 0) / seconds[Phase.CENSUS]),
    }


def _compared(held: Holdings, now: Holdings) -> dict[str, int]:
    """What should be the same, and what should be gone."""
    retired = [key for key in held.keys if key in now.keys and now.keys[key].state is KeyState.RETIRED]
    return {
        "items_read_back": len(now.opened),
        "items_that_differ": held.differing(now),
        "old_keys_in_use": len(now.keys_in_use & held.keys.keys()),
        "old_keys_not_retired": len(held.keys) - len(retired),
    }


def _not_wrapped_by(material: str, now: Holdings) -> int:
    return sum(key.key_material_id != material for key in now.keys.values())


def _without_account(held: Holdings, reported: Reported) -> int:
    """Items with sealed values before the rotation of which the audit log does not tell exactly one re-encryption."""
    told: Counter[Item] = Counter()
    for event in reported.item_events():
        if event["event"] == AuditEvent.ITEM_REENCRYPTED:
            told[event["tenant_id"], event["item_id"]] += 1
    return sum(told[item] != bool(keys) for item, keys in held.sealed_under.items())


def _counted(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in outcomes.items())
