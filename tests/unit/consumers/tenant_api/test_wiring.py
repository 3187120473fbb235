"""The function wired upon real adapters, in moto: it touches nothing of a tenant's but by a session of the tenant's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse

from consumers.tenant_api import handler as entry
from shared.aws import clients
from shared.aws.ensure_keys_function import EnsureKeysFunction
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.keys.keyring import Keyring
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE
from tests.fakes.moto_aws import KEY_STORE_TABLE, REGION, dynamodb_with_key_store, kms_with_attribute_key
from tests.fakes.tenant_api import EVERYTHING, event

ROLE = "arn:aws:iam::123456789012:role/sealstream-tenant"


class Context:
    """Lambda's, with so much time left, and nothing after so many looks."""

    aws_request_id = "request-1"

    def __init__(self, looks: int = 1_000) -> None:
        self.looks = looks

    def get_remaining_time_in_millis(self) -> int:
        self.looks -= 1
        return 29_000 if self.looks >= 0 else 0


@pytest.fixture
def environment(monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    clients.forget()
    entry._api.cache_clear()
    with mock_aws():
        dynamodb, (kms, attribute_key) = dynamodb_with_key_store(), kms_with_attribute_key()
        keys = [
            {"AttributeName": name, "KeyType": kind} for name, kind in (("tenant_id", "HASH"), ("item_id", "RANGE"))
        ]
        dynamodb.create_table(
            TableName="items",
            KeySchema=keys,  # type: ignore[arg-type]
            AttributeDefinitions=[{"AttributeName": one["AttributeName"], "AttributeType": "S"} for one in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        for name, value in {
            "TABLE": "items",
            "KEY_STORE": KEY_STORE_TABLE,
            "ATTRIBUTE_KEY": attribute_key,
            "TENANT_ROLE": ROLE,
            "TENANT_LIMITED_ROLE": f"{ROLE}-limited",
            "ENSURE_KEYS": "ensure-keys",
        }.items():
            monkeypatch.setenv(f"SEALSTREAM_{name}", value)
        policy = load_policy(POLICY_FILE)

        def ensure(_: EnsureKeysFunction, tenant_id: str, data_classes: Any) -> None:
            keyring = Keyring(
                store=DynamoKeyStore(dynamodb, KEY_STORE_TABLE),
                service=KmsKeyService(kms, attribute_key),
                dataset=policy.dataset,
                trusted_kms_key_arns=frozenset({attribute_key}),
            )
            for data_class in data_classes:
                keyring.active(tenant_id, data_class)

        monkeypatch.setattr(EnsureKeysFunction, "ensure", ensure)
        yield
    clients.forget()
    entry._api.cache_clear()


def ask(route: str, body: Any = None, claims: Any = None, context: Any = None, **path: str) -> Any:
    text = None if body is None else json.dumps(body)
    request = event(route, path={"tenant_id": "acme", **path}, body=text, claims=claims)
    return entry.handler(request, context or Context())


@pytest.mark.usefixtures("environment")
def test_items_go_and_come_with_the_tenants_own_credentials(monkeypatch):
    signed: set[tuple[str, str]] = set()

    def remember(request: Any, operation_name: str, request_signer: Any, **_: Any) -> None:
        signed.add((operation_name, request_signer._credentials.access_key))

    build = boto3.Session.client

    def client(self: Any, *args: Any, **more: Any) -> Any:
        made = build(self, *args, **more)
        made.meta.events.register("before-sign", remember)
        return made

    monkeypatch.setattr(boto3.Session, "client", client)

    body = {"name": "Ann", "amount": 1}
    assert 201 == ask("POST /tenants/{tenant_id}/items/{item_id}", body, item_id="c-1")["statusCode"]
    got = ask("GET /tenants/{tenant_id}/items/{item_id}", item_id="c-1")
    listed = ask("GET /tenants/{tenant_id}/items")
    assert 204 == ask("DELETE /tenants/{tenant_id}/items/{item_id}", item_id="c-1")["statusCode"]

    assert body == json.loads(got["body"])["attributes"]
    assert [json.loads(got["body"])] == json.loads(listed["body"])["items"]
    (own,) = {key for operation, key in signed if operation == "AssumeRole"}
    assert {"AssumeRole"} == {operation for operation, key in signed if key == own}
    assert {"GetItem", "PutItem", "Query", "BatchGetItem", "Decrypt"} <= {name for name, key in signed if key != own}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("scope", "role"), [(EVERYTHING, ROLE), ("items.read", f"{ROLE}-limited")])
def test_the_scope_decides_which_role_is_taken_on(monkeypatch, scope, role):
    asked: list[str] = []
    build = boto3.Session.client

    def client(self: Any, *args: Any, **more: Any) -> Any:
        made = build(self, *args, **more)
        made.meta.events.register(
            "provide-client-params.sts.AssumeRole", lambda params, **_: asked.append(params["RoleArn"])
        )
        return made

    monkeypatch.setattr(boto3.Session, "client", client)

    assert 200 == ask("GET /tenants/{tenant_id}/items", claims={"tenant_id": "acme", "scope": scope})["statusCode"]
    assert [role] == asked


@pytest.mark.usefixtures("environment")
def test_no_call_is_begun_that_may_not_end_in_time():
    route, body = "POST /tenants/{tenant_id}/items/{item_id}", {"name": "Ann", "amount": 1}
    cold, warm = Context(), Context()
    assert 201 == ask(route, body, item_id="c-1", context=cold)["statusCode"]
    assert 201 == ask(route, body, item_id="c-2", context=warm)["statusCode"]
    assert (1_000 - cold.looks) > (1_000 - warm.looks) >= 2, "a look before each call"

    for looks in range(1_000 - warm.looks):
        answer = ask(route, body, item_id="c-3", context=Context(looks))
        assert 503 == answer["statusCode"]
        assert "detail" not in json.loads(answer["body"]), "nothing was sent that could have been done"
    assert 404 == ask("GET /tenants/{tenant_id}/items/{item_id}", item_id="c-3")["statusCode"]


@pytest.mark.usefixtures("environment")
def test_who_waits_for_keys_waits_as_long_as_they_can_take_and_asks_once(monkeypatch):
    made: dict[str, Any] = {}
    build = boto3.Session.client

    def client(self: Any, *args: Any, **more: Any) -> Any:
        made.setdefault(args[0], []).append(build(self, *args, **more))
        return made[args[0]][-1]

    monkeypatch.setattr(boto3.Session, "client", client)
    ask("GET /tenants/{tenant_id}/items")

    told = {
        (service, one.meta.config.read_timeout, one.meta.config.retries["total_max_attempts"])
        for service, clients in made.items()
        for one in clients
    }
    assert {("lambda", 20, 1), ("sts", 2, 2), ("kms", 2, 2), ("dynamodb", 2, 2), ("dynamodb", 5, 1)} == told


@pytest.mark.usefixtures("environment")
def test_a_write_is_sent_once_however_it_ends(monkeypatch):
    sent: list[str] = []

    def cut(request: Any, **_: Any) -> None:
        sent.append(request.headers["X-Amz-Target"])
        raise ConnectionClosedError(endpoint_url=request.url)

    build = boto3.Session.client

    def client(self: Any, *args: Any, **more: Any) -> Any:
        made = build(self, *args, **more)
        made.meta.events.register_first("before-send.dynamodb.PutItem", cut)
        return made

    monkeypatch.setattr(boto3.Session, "client", client)

    answer = ask("POST /tenants/{tenant_id}/items/{item_id}", {"amount": 1}, item_id="c-1")

    assert (503, 1) == (answer["statusCode"], len(sent))
    assert "read it before you try again" in answer["body"]


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException"])
def test_of_a_revoked_session_another_is_made(monkeypatch, code):
    keys: set[str] = set()
    dead: set[str] = set()
    build = boto3.Session.client

    def client(self: Any, *args: Any, **more: Any) -> Any:
        made = build(self, *args, **more)

        def refuse(request: Any, **_: Any) -> Any:
            if made._request_signer._credentials.access_key in dead:
                body = json.dumps({"__type": code, "message": "revoked"}).encode()
                return AWSResponse(request.url, 400, HTTPHeaders(), MockRawResponse(body))
            return None

        made.meta.events.register_first("before-send.dynamodb", refuse)
        made.meta.events.register("before-sign", lambda **_: keys.add(made._request_signer._credentials.access_key))
        return made

    monkeypatch.setattr(boto3.Session, "client", client)
    assert 200 == ask("GET /tenants/{tenant_id}/items")["statusCode"]
    dead |= keys

    assert 200 == ask("GET /tenants/{tenant_id}/items")["statusCode"]
    assert keys - dead


def test_without_its_settings_it_answers_500_and_its_log_says_which_is_missing(monkeypatch, capsys):
    monkeypatch.delenv("SEALSTREAM_TABLE", raising=False)
    entry._api.cache_clear()

    answer = ask("GET /tenants/{tenant_id}/items")

    assert (500, "/problems/unforeseen") == (answer["statusCode"], json.loads(answer["body"])["type"])
    assert "SEALSTREAM_TABLE" in capsys.readouterr().out


def test_the_document_lies_beside_the_code():
    assert (Path(entry.__file__).parent / "openapi.json").is_file()
