"""Plaintext in no sink: values sent through every path, searched for wherever the deployment keeps anything."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from ops.demo import evidence
from ops.demo.evidence import Searched
from ops.demo.leaks import LeakSearch, log_lines
from ops.runs.driver import drive
from ops.runs.machine import StepFunctionsMachine
from ops.runs.options import Options
from ops.runs.wiring import ports_from_environment
from shared.aws.clients import client
from shared.runs.model import RunKind, Scope
from tests.fakes.kinesis import aggregate
from tests.integration.support import ARRIVES_WITHIN_SECONDS, Deployment, unique
from tests.local_aws.support import wait_until

MARK = "canary"
PATHS = ("plain", "nested", "kpl", "update", "not_json", "reserved", "id", "rogue")
TABLE, STREAM = "items table", "items table's stream"


@dataclass(frozen=True)
class Sent:
    """One value for each path, the item that was written in clear, and what was put into the findings queue."""

    values: dict[str, str]
    rogue: tuple[str, str]
    no_finding: str


@pytest.fixture(scope="module")
def sent(deployment: Deployment) -> Sent:
    """Everything is settled, and was rotated."""
    values = {name: f"{MARK}-{unique(name)}" for name in PATHS}
    tenant, item = unique("leaks"), unique("leaks")
    deployment.put_json({"tenant_id": tenant, "id": item, "ssn": values["plain"], "x": {"y": [values["nested"]]}})
    deployment.put_json({"tenant_id": tenant, "id": item, "name": values["update"]})
    kpl = json.dumps({"tenant_id": tenant, "id": f"{item}-kpl", "note": values["kpl"]}).encode()
    deployment.put(aggregate([(f"{item}-kpl", kpl)]), partition_key=f"{item}-kpl")  # else it may be in another shard
    deployment.put(values["not_json"].encode(), partition_key=item)
    deployment.put_json({"tenant_id": tenant, "id": item, "_policy": values["reserved"]})
    last = deployment.put_json({"tenant_id": tenant, "id": [values["id"]]}, partition_key=item)
    rogue = (tenant, f"{item}-rogue")
    deployment.put_in_clear(*rogue, {"ssn": values["rogue"], "other": [{"card_number": values["rogue"]}]})
    no_finding = f"{MARK}-{unique('finding')}"
    _send_no_finding(deployment, rogue, no_finding)
    deployment.wait_for_event(item_id=f"{item}-kpl")
    deployment.wait_for_event(event="record.quarantined", sequence_number=last)
    deployment.wait_for_event(event="item.remediated", item_id=rogue[1])
    _rotate(deployment, tenant)
    deployment.wait_for_event(event="item.reencrypted", item_id=rogue[1])
    _run(deployment, RunKind.RECONCILIATION, Options(segments=2, workers=2))
    deployment.wait_for_event(event="item.reconciled", item_id=rogue[1])
    return Sent(values, rogue, no_finding)


def test_no_sink_holds_a_value_that_was_sent(deployment: Deployment, sent: Sent):
    searched = _search(deployment, sent.values.values(), rogue=sent.rogue)

    assert [] == [place for place in searched if place.hits]
    documents = {place.name: place.documents for place in searched}
    assert all(documents[name] for name in documents if "table" in name or "bucket" in name)
    functions = ("encryptor", "auditor", "reencryptor", "sweeper", "reconciler", "rotation")
    assert all(documents[f"log /aws/lambda/sealstream-{name}"] for name in functions)
    assert documents["runs"]
    assert "log /aws/vendedlogs/states/sealstream-rotation" in documents


def test_what_was_in_clear_and_was_sealed_is_left_in_the_tables_stream_alone(deployment: Deployment, sent: Sent):
    searched = _search(deployment, sent.values.values(), rogue=sent.rogue)

    assert {STREAM: 2} == {place.name: place.rogue_hits for place in searched if place.rogue_hits}


def test_a_message_that_is_no_finding_is_told_without_its_content(deployment: Deployment, sent: Sent):
    searched = _search(deployment, [sent.no_finding])

    # where it was put, and where SQS moves it to
    assert {"findings queue", "reencryptor's dead letters"} >= {place.name for place in searched if place.hits}


def test_the_search_does_find_what_lies_in_clear(deployment: Deployment):
    found = {unique("bare"), unique("nested"), "žlutý-" + unique("kůň")}
    bare, nested, accented = sorted(found)
    with deployment.paused(deployment["REENCRYPTOR"]):  # who would seal it
        deployment.put_in_clear("acme", unique("open"), {"a": bare, "b": [{"c": nested.encode()}], "d": {accented}})
        hits = {place.name: place.hits for place in _search(deployment, found)}

    assert (1, 1) == (hits[TABLE], hits[STREAM])


def _search(deployment: Deployment, values: Iterable[str], rogue: tuple[str, str] = ("", "")) -> list[Searched]:
    log = deployment.folder / "local_aws.log"
    return evidence.search(deployment.environment, LeakSearch(values), rogue=rogue, log=log)


def _send_no_finding(deployment: Deployment, item: tuple[str, str], reason: str) -> None:
    """A message of nearly the right form, and wait until the re-encryptor has told of it."""
    one = {"tenant_id": item[0], "item_id": item[1], "reason": reason, "changed_at": 0}
    body = json.dumps({"version": 1, "items": [one]})
    message = client("sqs").send_message(QueueUrl=deployment["FINDINGS_QUEUE"], MessageBody=body)["MessageId"]

    def is_told() -> bool:
        return any(message in line for _, line in log_lines(deployment["REENCRYPTOR_LOG_GROUP"]))

    wait_until(is_told, ARRIVES_WITHIN_SECONDS)


def _rotate(deployment: Deployment, tenant: str) -> None:
    """Nothing of this tenant is written meanwhile, so the barrier is none."""
    options = Options(Scope(due=False, tenant_id=tenant), segments=2, workers=2, barrier_seconds=0)
    assert "retired" == _run(deployment, RunKind.ROTATION, options)


def _run(deployment: Deployment, kind: RunKind, options: Options) -> str:
    """By the state machine, as on AWS; the verdict."""
    machine = StepFunctionsMachine(client("stepfunctions"), deployment["ROTATION_MACHINE"])
    return drive(kind, options, ports=replace(ports_from_environment(), machine=machine)).run.verdict
