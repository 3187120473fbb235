"""Plaintext in no sink: values sent through every path, searched for wherever the deployment keeps anything."""

from __future__ import annotations

import json

import pytest

from ops.demo import evidence
from ops.demo.leaks import LeakSearch
from shared.aws.clients import client
from tests.fakes.kinesis import aggregate
from tests.integration.support import Deployment, unique

MARK = "canary"


@pytest.fixture(scope="module")
def values(deployment: Deployment) -> dict[str, str]:
    """One value for each path, sent and settled."""
    values = {
        name: f"{MARK}-{unique(name)}" for name in ("plain", "nested", "kpl", "update", "not_json", "reserved", "id")
    }
    item = unique("leaks")
    deployment.put_json({"tenant_id": "acme", "id": item, "ssn": values["plain"], "x": {"y": [values["nested"]]}})
    deployment.put_json({"tenant_id": "acme", "id": item, "name": values["update"]})
    kpl = json.dumps({"tenant_id": "acme", "id": f"{item}-kpl", "note": values["kpl"]}).encode()
    deployment.put(aggregate([(f"{item}-kpl", kpl)]), partition_key="outer")
    deployment.put(values["not_json"].encode(), partition_key=item)
    deployment.put_json({"tenant_id": "acme", "id": item, "_policy": values["reserved"]})
    last = deployment.put_json({"tenant_id": "acme", "id": [values["id"]]}, partition_key=item)
    deployment.wait_for_event(item_id=f"{item}-kpl")
    deployment.wait_for_event(event="record.quarantined", sequence_number=last)
    return values


def test_no_sink_holds_a_value_that_was_sent(deployment: Deployment, values):
    searched = evidence.search(
        deployment.environment, LeakSearch(values.values()), log=deployment.folder / "local_aws.log"
    )

    assert [] == [place for place in searched if place.hits]
    assert all(place.documents for place in searched if "table" in place.name or "bucket" in place.name)


def test_the_search_does_find_what_lies_in_clear(deployment: Deployment):
    found = {unique("bare"), unique("nested"), "žlutý-" + unique("kůň")}
    bare, nested, accented = sorted(found)
    item = {"tenant_id": {"S": "acme"}, "item_id": {"S": unique("open")}, "a": {"S": bare}}
    client("dynamodb").put_item(
        TableName=deployment["TABLE"],
        Item={**item, "b": {"L": [{"M": {"c": {"B": nested.encode()}}}]}, "d": {"SS": [accented]}},
    )

    leaks = LeakSearch(found)
    places = {place.name: place.hits for place in evidence.search(deployment.environment, leaks)}

    assert places["items table"] == 1
    assert places["items table's stream"] == 1
