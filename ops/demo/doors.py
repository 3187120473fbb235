"""The two doors beside the stream: a file of records, and tenants who call the API; and what came through each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, TypeVar

from ops.demo.holdings import sealed_table
from ops.demo.leaks import LeakSearch, log_lines, text_of
from ops.demo.records import TENANTS
from ops.demo.samples import API_ITEM, FILE, Sample
from ops.demo.screen import console
from ops.demo.tenant_client import Answer, TenantClient
from ops.item import side_by_side
from shared.aws.clients import client
from shared.landing import OUTCOME_TAG
from shared.model import ITEM_ID, TENANT_ID
from shared.runtime.audit_log import AuditEvent

FILE_KEY: Final = f"2026/tenant={TENANTS[0]}/records.json"
"""Its records name no tenant, so the key does."""
_DEADLINE_SECONDS: Final = 60
_PAUSE_SECONDS: Final = 0.2

Found = TypeVar("Found")
TokenOf = Callable[[str], str]
"""A token of a tenant's."""


def upload(environment: Mapping[str, str]) -> None:
    """Put the file into the landing bucket."""
    client("s3").put_object(Bucket=environment["SEALSTREAM_LANDING_BUCKET"], Key=FILE_KEY, Body=FILE)


def tags(environment: Mapping[str, str]) -> dict[str, str]:
    """What the file's object says of itself, once its last line was put.

    Raises:
        TimeoutError: it does not.
    """

    def found() -> dict[str, str]:
        answer = client("s3").get_object_tagging(Bucket=environment["SEALSTREAM_LANDING_BUCKET"], Key=FILE_KEY)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    said = _wait_for(lambda: now if OUTCOME_TAG in (now := found()) else None, "the file's tags")
    console.print(f"{FILE_KEY}:", ", ".join(f"{name} = {value}" for name, value in sorted(said.items())))
    return said


def call_api(environment: Mapping[str, str], token_of: TokenOf, samples: Mapping[str, Sample]) -> dict[str, Any]:
    """Each tenant writes and reads an item; then the first asks for the second's. Gives the figures."""
    callers = {tenant: TenantClient(environment["SEALSTREAM_API_URL"], token_of(tenant)) for tenant in samples}
    put, read = {}, {}
    for tenant, sample in samples.items():
        put[tenant] = _answer(callers[tenant], "POST", _path(tenant), dict(sample.attributes)).status
        got = _answer(callers[tenant], "GET", _path(tenant))
        read[tenant] = got.status == HTTPStatus.OK and got.json()["attributes"] == sample.attributes
        console.print(f"{tenant}: POST {_path(tenant)} {put[tenant]}, GET {got.status}, ETag {got.headers.get('etag')}")
    asking, asked = samples
    denied = _answer(callers[asking], "GET", _path(asked))
    console.print(f"{asking}: GET {_path(asked)} {denied.status}")
    event = _wait_for(lambda: _denial(environment, denied.json()["request_id"]), "the event of what was denied")
    console.print_json(data=event)
    return {
        "written": put,
        "read_as_sent": read,
        "denied": denied.status,
        "denied_event": {name: event.get(name) for name in ("event", "tenant_id", "asked_tenant_id")},
    }


def read_back(environment: Mapping[str, str], samples: list[Sample]) -> dict[str, bool]:
    """Show an item of each door, as stored and as opened; whether it is sealed, and opens to what was sent."""
    table, kept = sealed_table(environment), {}
    for sample in samples:
        key = {TENANT_ID: sample.tenant_id, ITEM_ID: sample.item_id}
        console.print(f"by {sample.door}:", side_by_side(sample.tenant_id, sample.item_id))
        opened = table.get_item(Key=key, ConsistentRead=True)["Item"]
        typed = {name: {"S": value} for name, value in key.items()}
        stored = client("dynamodb").get_item(TableName=environment["SEALSTREAM_TABLE"], Key=typed)["Item"]
        is_sealed = not LeakSearch(sample.sensitive).hits(sample.door, text_of(stored))
        kept[sample.door] = is_sealed and opened == {**key, **_exact(sample.attributes)}
    return kept


def _path(tenant: str) -> str:
    return f"/tenants/{tenant}/items/{API_ITEM}"


def _answer(caller: TenantClient, method: str, path: str, body: Any = None) -> Answer:
    """One that is not "try again"; what takes keys and sessions for the first time, on a busy machine, may say so."""

    def answered() -> Answer | None:
        answer = caller.call(method, path, body)
        return None if answer.status == HTTPStatus.SERVICE_UNAVAILABLE else answer

    return _wait_for(answered, "the tenant API's answer")


def _denial(environment: Mapping[str, str], request_id: str) -> dict[str, Any] | None:
    for _, line in log_lines(environment["SEALSTREAM_TENANT_API_LOG_GROUP"]):
        document = json.loads(line) if line.startswith("{") else {}
        if (document.get("event"), document.get("request_id")) == (AuditEvent.ACCESS_DENIED, request_id):
            return dict(document)
    return None


def _exact(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """With numbers as SealedTable gives them."""
    exact: dict[str, Any] = json.loads(json.dumps(attributes), parse_float=Decimal, parse_int=Decimal)
    return exact


def _wait_for(found: Callable[[], Found | None], what: str) -> Found:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while (it := found()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {_DEADLINE_SECONDS} s {what} is not there")
        time.sleep(_PAUSE_SECONDS)
    return it
