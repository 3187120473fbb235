"""The tenant API on the deployed stacks: tokens of the issuer, API Gateway, tenant sessions, keys made on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from ops.demo import evidence
from ops.demo.leaks import LeakSearch
from ops.demo.tenant_client import Answer, TenantClient
from ops.local_aws import faults, issuer, process
from ops.local_aws.faults import Fault, Kind
from ops.runs.driver import drive
from ops.runs.options import Options
from shared.aws.clients import client
from shared.runs.model import RunKind, Scope
from shared.source_position import SourcePosition, counter_after
from tests.integration.support import FAULTS_FILE, Deployment, unique

LIMITED = ("items.read", "items.write")
ITEM = {"name": "Ann", "amount": 12.5, "payment": {"card_number": "4242"}, "note": "call back"}


@dataclass(frozen=True)
class Tenant:
    """One tenant, and its callers."""

    name: str
    all_classes: TenantClient
    limited: TenantClient

    def path(self, segment: str) -> str:
        return f"/tenants/{self.name}/items/{segment}"

    def call(self, method: str, segment: str, body: Any = None, **headers: str) -> Answer:
        return self.all_classes.call(method, self.path(segment), body, **headers)


@pytest.fixture(scope="module")
def tenants(deployment: Deployment) -> tuple[Tenant, Tenant]:
    server = process.running(deployment.folder)
    assert server

    def caller(name: str, scopes: tuple[str, ...]) -> TenantClient:
        claims = issuer.claims_of(server.endpoint, name, scopes=scopes)
        return TenantClient(deployment["API_URL"], issuer.token(server, claims))

    def tenant(name: str) -> Tenant:
        return Tenant(name, caller(name, issuer.SCOPES), caller(name, LIMITED))

    return tenant(unique("api")), tenant(unique("api"))


@pytest.fixture(scope="module")
def one(tenants: tuple[Tenant, Tenant]) -> Tenant:
    return tenants[0]


def test_each_tenant_has_its_own_items_sealed_under_its_own_keys(
    deployment: Deployment, tenants: tuple[Tenant, Tenant]
):
    etags: list[str] = []
    for tenant in tenants:
        put = tenant.call("POST", "c-1", {**ITEM, "owner": tenant.name})
        assert 201 == put.status
        etags.append(put.headers["etag"])

    for tenant, etag in zip(tenants, etags, strict=True):
        got = tenant.call("GET", "c-1")
        address = {"tenant_id": tenant.name, "item_id": "c-1", "self": tenant.path("c-1")}
        item = {**address, "attributes": {**ITEM, "owner": tenant.name}}
        assert (200, etag, item) == (got.status, got.headers["etag"], got.json())
        assert {"items": [item]} == tenant.all_classes.call("GET", f"/tenants/{tenant.name}/items").json()
        assert "Ann" not in repr(deployment.stored(tenant.name, "c-1"))
        assert deployment.keys_in_use(tenant.name) <= deployment.keys(tenant.name).keys()
    assert 401 == TenantClient(deployment["API_URL"], "").call("GET", tenants[0].path("c-1")).status


def test_a_write_by_the_api_is_audited_as_any_other(deployment: Deployment, one: Tenant):
    one.call("POST", "audited", ITEM)

    event = deployment.wait_for_event(event="item.written", tenant_id=one.name, item_id="audited")
    assert "insert" == event["change"]


def test_an_etag_stands_for_one_version_and_a_deletion_ends_it(one: Tenant):
    first = one.call("POST", "etag", ITEM).headers["etag"]
    assert 412 == one.call("POST", "etag", ITEM, If_None_Match="*").status
    second = one.call("POST", "etag", {"name": "Bea"}, If_Match=first)
    assert 200 == second.status
    assert 412 == one.call("POST", "etag", ITEM, If_Match=first).status
    assert 412 == one.call("DELETE", "etag", If_Match=first).status
    assert {"name": "Bea"} == one.call("GET", "etag").json()["attributes"]

    assert 204 == one.call("DELETE", "etag", If_Match=second.headers["etag"]).status
    assert [404, 404] == [one.call(method, "etag").status for method in ("GET", "DELETE")]


def test_the_short_form_is_one_bag_of_attributes(one: Tenant):
    path = f"/tenant/{one.name}"

    assert 404 == one.all_classes.call("GET", path).status
    assert 201 == one.all_classes.call("POST", path, {"colour": "red"}).status
    assert {"colour": "red"} == one.all_classes.call("GET", path).json()


def test_an_item_of_any_id_is_reached_by_the_path_that_its_answer_says(one: Tenant):
    plain = one.call("POST", "a", {"amount": 1}).json()["self"]
    odd = one.call("POST", "~YT9iL2MlM0Y", {"amount": 2})

    assert ("a?b/c%3F", "a") == (odd.json()["item_id"], plain.rpartition("/")[2])
    assert {"amount": 2} == one.all_classes.call("GET", odd.json()["self"]).json()["attributes"]
    for segment in ("a%253Fb", "a%25252F", "a%20b", "~YQ%3D%3D", "a?b"):
        assert 400 == one.call("DELETE", segment).status
    assert {"amount": 1} == one.all_classes.call("GET", plain).json()["attributes"]


def test_what_a_limited_token_does_not_open_comes_as_a_marker_and_is_not_overwritten(one: Tenant):
    one.call("POST", "limited", ITEM)

    got = one.limited.call("GET", one.path("limited"))
    refused = one.limited.call("POST", one.path("limited"), {"name": "Bea"})

    markers = {"payment": {"card_number": {"_sealed": "pci"}}, "note": {"_sealed": "restricted"}}
    assert (200, {**ITEM, **markers}) == (got.status, got.json()["attributes"])
    assert (403, ["pci", "restricted"]) == (refused.status, refused.json()["data_classes"])
    assert 201 == one.limited.call("POST", one.path("mine"), {"name": "Bea"}).status


def test_another_tenants_path_is_denied_and_told(deployment: Deployment, tenants: tuple[Tenant, Tenant]):
    one, other = tenants

    denied = one.all_classes.call("GET", other.path("c-1"))

    assert (403, "/problems/tenant-mismatch") == (denied.status, denied.json()["type"])
    told = deployment.wait_for_event(event="access.denied", request_id=denied.json()["request_id"])
    assert (one.name, other.name, "get_item") == (told["tenant_id"], told["asked_tenant_id"], told["operation"])


def test_a_rotation_changes_no_etag(deployment: Deployment, one: Tenant):
    before = one.call("POST", "rotated", ITEM).headers["etag"]
    old = deployment.keys_in_use(one.name)
    options = Options(Scope(due=False, tenant_id=one.name), segments=2, workers=2, barrier_seconds=0)

    assert "retired" == drive(RunKind.ROTATION, options).run.verdict

    assert not old & deployment.keys_in_use(one.name)
    got = one.call("GET", "rotated")
    assert (before, ITEM) == (got.headers["etag"], got.json()["attributes"])
    assert 200 == one.call("POST", "rotated", ITEM, If_Match=before).status


def test_no_answer_that_refuses_and_no_log_holds_a_value(deployment: Deployment, tenants: tuple[Tenant, Tenant]):
    one, other = tenants
    canaries: list[str] = []

    def value() -> str:
        canaries.append(unique("canary"))
        return canaries[-1]

    one.call("POST", "stands", {"name": value()})
    with _unavailable(deployment):
        unavailable = one.call("POST", "down", {"name": value()})
    with _others_writing(deployment, one, "stands"):
        conflict = one.call("POST", "stands", {"name": value()})
    refused = {
        "400 header": one.call("POST", "stands", {"name": value()}, If_Match=value()),
        "400 path": one.call("POST", f"{value()}%20", {"name": value()}),
        "400 query": one.call("GET", f"stands?{value()}"),
        "403 tenant": one.all_classes.call("POST", other.path(value()), {"name": value()}),
        "403 classes": one.limited.call("POST", one.path("new"), {"note": value()}),
        "404": one.call("GET", value()),
        "409": conflict,
        "412": one.call("POST", "stands", {"name": value()}, If_Match='"0"'),
        "413": one.call("POST", "stands", {"name": value() * 30_000}),
        "415": one.call("POST", "stands", value().encode(), Content_Type=f"text/{value()}"),
        "422 marker": one.call("POST", "stands", {"name": {"_sealed": value()}}),
        "422 no JSON": one.call("POST", "stands", f'{{"name": "{value()}"'.encode()),
        "422 name": one.call("POST", "stands", {f"_{value()}": 1}),
        "422 id": one.call("POST", "stands", {"id": value()}),
        "500": _broken(deployment, one, value()),
        "503": unavailable,
    }

    assert {name: int(name[:3]) for name in refused} == {name: answer.status for name, answer in refused.items()}
    leaks = LeakSearch(canaries)
    assert [] == [name for name, answer in refused.items() if leaks.hits(name, answer.body.decode())]
    request_id = refused["403 tenant"].json()["request_id"]
    deployment.wait_for_event(event="access.denied", request_id=request_id)
    log = deployment.folder / "local_aws.log"
    searched = list(evidence.search(deployment.environment, leaks, log=log))
    assert [] == [place for place in searched if place.hits]
    assert f"log {deployment['TENANT_API_LOG_GROUP']}" in [place.name for place in searched if place.documents]


@contextmanager
def _unavailable(deployment: Deployment) -> Iterator[None]:
    """DynamoDB answers nothing that the API asks."""
    with _faults(deployment, Fault(Kind.UNAVAILABLE, 1, "dynamodb", function=deployment["TENANT_API"])):
        yield


@contextmanager
def _others_writing(deployment: Deployment, tenant: Tenant, item: str) -> Iterator[None]:
    """Somebody changes the item more often than the API can put it."""
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(0.02):
            stored = deployment.stored(tenant.name, item)
            position = SourcePosition.from_bytes(stored["_src"]["B"])
            stored["_src"] = {"B": counter_after(position).to_bytes()}
            client("dynamodb").put_item(TableName=deployment["TABLE"], Item=stored)

    writer = threading.Thread(target=write)
    slow = Fault(Kind.LATENCY, 1, "dynamodb", "PutItem", deployment["TENANT_API"], seconds=0.4)
    writer.start()
    try:
        with _faults(deployment, slow):
            yield
    finally:
        ended.set()
        writer.join()


@contextmanager
def _faults(deployment: Deployment, fault: Fault) -> Iterator[None]:
    path = deployment.folder / FAULTS_FILE
    faults.write(path, [fault], seed=1)
    try:
        yield
    finally:
        faults.forget(path)


def _broken(deployment: Deployment, tenant: Tenant, value: str) -> Answer:
    """What the function makes of an event that API Gateway never sends."""
    event = {
        "routeKey": "POST /tenant/{tenant_id}",
        "rawPath": f"/tenant/{tenant.name}",
        "pathParameters": {"tenant_id": tenant.name},
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "requestId": "broken",
            "authorizer": {"jwt": {"claims": {"tenant_id": tenant.name, "scope": "items.write"}}},
        },
        "isBase64Encoded": True,
        "body": f"{value}A",  # no Base64, of which 4 characters belong together
    }
    got = client("lambda").invoke(FunctionName=deployment["TENANT_API"], Payload=json.dumps(event).encode())
    answer = json.loads(got["Payload"].read())
    return Answer(answer["statusCode"], answer["headers"], answer["body"].encode())
