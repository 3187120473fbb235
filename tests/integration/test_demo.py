"""`make demo` runs to its end by itself and its figures are what it promises."""

from __future__ import annotations

import json
import subprocess
import sys

from ops.local_aws import process

ENDS_WITHIN_SECONDS = 300


def test_the_demo_ends_by_itself_and_keeps_its_promises():
    ran = subprocess.run(
        [sys.executable, "-m", "ops.demo"],
        cwd=process.PROJECT,
        capture_output=True,
        encoding="utf-8",
        timeout=ENDS_WITHIN_SECONDS,
        check=False,
    )

    assert 0 == ran.returncode, ran.stdout[-4000:] + ran.stderr[-2000:]
    figures = json.loads((process.BUILD / "demo.json").read_text(encoding="utf-8"))
    outcomes = figures["outcomes"]
    assert figures["records_sent"] >= 1_000
    assert figures["records_sent"] == sum(outcomes.values()) - outcomes["retry"]
    # a KPL aggregate travels beside single records of the same item: the older of the two may come second
    assert (1_202, 6) == (outcomes["written"] + outcomes["superseded"], outcomes["quarantined"])
    assert figures["changes_of_the_table"] == figures["changes_audited"]
    rotation = figures["rotation"]
    assert {
        "item.written": outcomes["written"] + len(figures["doors"]["api"]["written"]),
        "item.plaintext_found": 1,
        "item.remediated": 1,
        "item.reencrypted": rotation["items_read_back"],
    } == figures["audit_events"]
    assert ("retired", 0, 0) == tuple(rotation[name] for name in ("verdict", "items_that_differ", "old_keys_in_use"))
    assert rotation["keys_retired"] == rotation["data_keys"] > 0
    assert {"items table's stream": 2} == figures["plaintext_hits_in_the_rogue_item"]
    assert 0 == figures["plaintext_hits"]
    report = figures["report"]
    assert ("intact", figures["audit_events"], 1, 0, 0) == tuple(
        report[name] for name in ("trail", "audit_events", "exposures", "exposures_open", "plaintext_hits")
    )
    page = (process.BUILD / "report.html").read_text(encoding="utf-8")
    for name, count in figures["audit_events"].items():
        assert f'value="{count}" data-figure="events.{name}"' in page
    assert process.running(process.BUILD / "demo") is None, "the local AWS is ended"
