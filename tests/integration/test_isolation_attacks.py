"""What one tenant tries to get at another's data, with all rights of his session and some of nobody's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import pytest

from ops.demo.tenant_client import Answer, TenantClient
from ops.local_aws import issuer, process
from shared.aws.clients import client
from shared.aws.ensure_keys_function import EnsureKeysFunction
from shared.aws.key_rows import data_key_item, pointer_item, pointer_key
from shared.errors import DoesNotOpen
from shared.policy.load import load_policy
from shared.policy.verify import key_ids
from shared.runtime.settings import POLICY_FILE
from shared.sealed_table import SealedTable
from tests.integration.principals import (
    DENIED,
    acting_as,
    administrator,
    boto3_session,
    calls,
    refusal,
    role_arn,
    session_of,
    tenant_session,
)
from tests.integration.support import Deployment, unique

LIMITED: Final = ("items.read", "items.write")
SECRET: Final = "what only its tenant may know"
ITEM: Final = {"name": SECRET, "note": SECRET}


@dataclass(frozen=True)
class Tenant:
    """A tenant with one item, `standing`."""

    name: str
    all_classes: TenantClient
    limited: TenantClient

    def get(self, item: str = "standing") -> Answer:
        return self.all_classes.call("GET", f"/tenants/{self.name}/items/{item}")

    def post(self, item: str, body: Any) -> Answer:
        return self.all_classes.call("POST", f"/tenants/{self.name}/items/{item}", body)


@pytest.fixture(scope="module")
def make_tenant(deployment: Deployment) -> Callable[[str], Tenant]:
    server = process.running(deployment.folder)
    assert server

    def caller(name: str, scopes: tuple[str, ...]) -> TenantClient:
        claims = issuer.claims_of(server.endpoint, name, scopes=scopes)
        return TenantClient(deployment["API_URL"], issuer.token(server, claims))

    return lambda name: Tenant(name, caller(name, issuer.SCOPES), caller(name, LIMITED))


@pytest.fixture(scope="module")
def pair(make_tenant: Callable[[str], Tenant]) -> tuple[Tenant, Tenant]:
    """The attacker and the victim."""
    attacker, victim = make_tenant(unique("attacker")), make_tenant(unique("victim"))
    for tenant in (attacker, victim):
        assert 201 == tenant.post("standing", {**ITEM, "owner": tenant.name}).status
    return attacker, victim


@contextmanager
def written(table: str, row: dict[str, Any], *key: str) -> Iterator[None]:
    """A row that somebody with every right put into a table, for as long as the block lasts."""
    client("dynamodb").put_item(TableName=table, Item=row)
    try:
        yield
    finally:
        client("dynamodb").delete_item(TableName=table, Key={name: row[name] for name in key})


def test_ciphertext_copied_from_another_tenant_does_not_open(deployment: Deployment, pair: tuple[Tenant, Tenant]):
    attacker, victim = pair
    stolen = deployment.stored(victim.name, "standing") | {"tenant_id": {"S": attacker.name}, "item_id": {"S": "copy"}}

    with written(deployment["TABLE"], stolen, "tenant_id", "item_id"):
        got = attacker.get("copy")

    assert {"name": {"_unreadable": "key_unknown"}, "note": {"_unreadable": "key_unknown"}}.items() <= (
        got.json()["attributes"].items()
    )
    assert SECRET.encode() not in got.body


def test_a_data_key_copied_from_another_tenants_row_opens_nothing(deployment: Deployment, pair: tuple[Tenant, Tenant]):
    attacker, victim = pair
    item = deployment.stored(victim.name, "standing") | {"tenant_id": {"S": attacker.name}, "item_id": {"S": "copy"}}
    del item["note"]
    (key_id,) = key_ids({"name": item["name"]})
    row = deployment.keys(victim.name)[key_id]
    copied = data_key_item(replace(row, tenant_id=attacker.name))

    def decrypt(tenant: str) -> str:
        pairs = {"tenant_id": tenant, "data_class": "pii", "dataset": "customers", "key_id": f"{key_id:08x}"}
        parameters = {"KeyId": deployment["ATTRIBUTE_KEY"], "CiphertextBlob": row.encrypted_data_key}
        return refusal(calls("kms").decrypt, EncryptionContext=pairs, **parameters)

    with (
        written(deployment["KEY_STORE"], copied, "tenant_id", "row"),
        written(deployment["TABLE"], item, "tenant_id", "item_id"),
        acting_as(tenant_session(attacker.name)),
    ):
        got = attacker.get("copy")
        with pytest.raises(DoesNotOpen):
            reader(deployment, attacker.name).get_item(Key={"tenant_id": attacker.name, "item_id": "copy"})
        assert {attacker.name: "InvalidCiphertextException", victim.name: "AccessDeniedException"} == {
            tenant.name: decrypt(tenant.name) for tenant in pair
        }

    assert {"_unreadable": "does_not_open"} == got.json()["attributes"]["name"]
    assert SECRET.encode() not in got.body


def reader(deployment: Deployment, tenant: str) -> SealedTable:
    """The table as an application of the tenant's reads it."""
    return SealedTable.connect(
        deployment["TABLE"],
        key_store=deployment["KEY_STORE"],
        attribute_key=deployment["ATTRIBUTE_KEY"],
        policy=load_policy(POLICY_FILE),
        session=boto3_session(tenant_session(tenant)),
    )


@pytest.mark.parametrize("brings_its_row", [False, True], ids=["pointer", "pointer and key"])
def test_a_pointer_that_names_another_tenants_key_seals_nothing(
    deployment: Deployment, pair: tuple[Tenant, Tenant], make_tenant: Callable[[str], Tenant], brings_its_row: bool
):
    attacker, victim = pair[0], make_tenant(unique("pointed"))
    key_store, dynamodb = deployment["KEY_STORE"], client("dynamodb")
    EnsureKeysFunction(client("lambda"), deployment["ENSURE_KEYS"]).ensure(victim.name, ["pii", "restricted"])
    (own,) = (row for row in deployment.keys(attacker.name).values() if row.data_class == "pii")
    before = dynamodb.get_item(TableName=key_store, Key=pointer_key(victim.name, "pii"))["Item"]
    moved = written(key_store, data_key_item(replace(own, tenant_id=victim.name)), "tenant_id", "row")

    with moved if brings_its_row else nullcontext():
        dynamodb.put_item(TableName=key_store, Item=pointer_item(victim.name, "pii", own.key_id))
        try:
            refused = victim.post("pointed", ITEM)
        finally:
            dynamodb.put_item(TableName=key_store, Item=before)

    assert 500 <= refused.status
    assert deployment.stored(victim.name, "pointed") is None
    assert 201 == victim.post("pointed", ITEM).status, "it was the pointer"


def test_a_session_writes_no_row_of_the_key_store(deployment: Deployment, pair: tuple[Tenant, Tenant]):
    with acting_as(tenant_session(pair[0].name)):
        rows = (pointer_item(tenant.name, "pii", 1) for tenant in pair)
        answers = {refusal(calls("dynamodb").put_item, TableName=deployment["KEY_STORE"], Item=row) for row in rows}

    assert {"AccessDeniedException"} == answers


def requests(deployment: Deployment, own_name: str, other_name: str) -> dict[str, Callable[[], Any]]:
    """Every way to ask DynamoDB for rows of another tenant, or of no tenant."""
    items, keys, dynamodb = deployment["TABLE"], deployment["KEY_STORE"], calls("dynamodb")
    own, other = ({"tenant_id": {"S": name}, "item_id": {"S": "standing"}} for name in (own_name, other_name))
    their_pointer = pointer_key(other_name, "pii")
    values = {":own": own["tenant_id"], ":other": other["tenant_id"]}
    of_other: dict[str, Any] = {"KeyConditionExpression": "tenant_id = :other"}
    not_own = {**of_other, "FilterExpression": "tenant_id <> :own", "ExpressionAttributeValues": values}
    of_other |= {"ExpressionAttributeValues": {":other": other["tenant_id"]}}
    of_own = {"FilterExpression": "tenant_id = :own", "ExpressionAttributeValues": {":own": own["tenant_id"]}}

    def select(tenant: str) -> str:
        return f"""SELECT * FROM "{items}" WHERE tenant_id = '{tenant}' AND item_id = 'standing'"""  # noqa: S608

    def in_transaction(operation: str, field: str) -> list[dict[str, Any]]:
        return [{operation: {"TableName": items, field: row}} for row in (own, other)]

    batch, statement = dynamodb.batch_get_item, dynamodb.execute_statement
    two_tables = {items: {"Keys": [own]}, keys: {"Keys": [their_pointer]}}
    arn = deployment["TABLE_STREAM"].partition("/stream/")[0]
    return {
        "get": partial(dynamodb.get_item, TableName=items, Key=other),
        "get several": partial(batch, RequestItems={items: {"Keys": [own, other]}}),
        "get several of two tables": partial(batch, RequestItems=two_tables),
        "get in a transaction": partial(dynamodb.transact_get_items, TransactItems=in_transaction("Get", "Key")),
        "put": partial(dynamodb.put_item, TableName=items, Item=other),
        "put in a batch": partial(dynamodb.batch_write_item, RequestItems={items: [{"PutRequest": {"Item": other}}]}),
        "put in a transaction": partial(dynamodb.transact_write_items, TransactItems=in_transaction("Put", "Item")),
        "query": partial(dynamodb.query, TableName=items, **of_other),
        "query with one's own in a filter": partial(dynamodb.query, TableName=items, **not_own),
        "scan": partial(dynamodb.scan, TableName=items),
        "scan for one's own": partial(dynamodb.scan, TableName=items, **of_own),
        "scan the data keys": partial(dynamodb.scan, TableName=keys),
        "PartiQL": partial(statement, Statement=f'SELECT * FROM "{items}"'),  # noqa: S608
        "PartiQL for one's own": partial(statement, Statement=select(own_name)),
        "PartiQL for theirs": partial(statement, Statement=select(other_name)),
        "PartiQL in a batch": partial(dynamodb.batch_execute_statement, Statements=[{"Statement": select(own_name)}]),
        "PartiQL in a transaction": partial(
            dynamodb.execute_transaction, TransactStatements=[{"Statement": select(other_name)}]
        ),
        "export": partial(dynamodb.export_table_to_point_in_time, TableArn=arn, S3Bucket="of-the-attacker"),
    }


def test_no_way_of_asking_dynamodb_gets_a_session_rows_of_another(deployment: Deployment, pair: tuple[Tenant, Tenant]):
    attacker, victim = pair
    key = {"tenant_id": {"S": attacker.name}, "item_id": {"S": "standing"}}

    with acting_as(tenant_session(attacker.name)):
        answered = {name: refusal(call) for name, call in requests(deployment, attacker.name, victim.name).items()}
        own = refusal(calls("dynamodb").get_item, TableName=deployment["TABLE"], Key=key)

    assert {} == {name: code for name, code in answered.items() if code not in DENIED}
    assert "" == own
    assert victim.name == victim.get().json()["attributes"]["owner"]


def test_a_session_of_a_look_alike_reaches_nothing_of_the_tenant(deployment: Deployment, pair: tuple[Tenant, Tenant]):
    _, victim = pair
    look_alikes = {
        victim.name.upper(),
        victim.name + " ",
        victim.name[:-1],
        victim.name.replace("i", "\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}", 1),
        victim.name.replace("i", "\N{FULLWIDTH LATIN SMALL LETTER I}", 1),
        f"{victim.name}/standing",
    }
    key = {"tenant_id": {"S": victim.name}, "item_id": {"S": "standing"}}

    for name in look_alikes:
        with acting_as(tenant_session(name)):
            code = refusal(calls("dynamodb").get_item, TableName=deployment["TABLE"], Key=key)
        assert "AccessDeniedException" == code, name
    for name in ("_system", "", "_anything"):
        with acting_as(session_of("tenant-api")):
            tags = [{"Key": "TenantID", "Value": name}]
            asked = {"RoleArn": role_arn("tenant"), "RoleSessionName": "isolation", "Tags": tags}
            assert "AccessDenied" == refusal(calls("sts").assume_role, **asked), name


def test_tenants_and_scopes_that_alternate_on_warm_functions_get_what_is_theirs(pair: tuple[Tenant, Tenant]):
    def ask(number: int) -> tuple[Tenant, bool, Answer]:
        tenant, is_limited = pair[number % 2], number % 3 == 0
        path = f"/tenants/{tenant.name}/items/standing"
        return tenant, is_limited, (tenant.limited if is_limited else tenant.all_classes).call("GET", path)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(36)))

    closed = {"_sealed": "restricted"}
    for tenant, is_limited, answer in answers:
        restricted = {"note": closed, "owner": closed} if is_limited else {"note": SECRET, "owner": tenant.name}
        assert {"name": SECRET, **restricted} == answer.json()["attributes"]


def test_an_administrator_can_neither_use_the_attribute_key_nor_hand_it_on(
    deployment: Deployment, pair: tuple[Tenant, Tenant]
):
    _, victim = pair
    row = next(key for key in deployment.keys(victim.name).values() if key.data_class == "pii")
    context = {
        "tenant_id": victim.name,
        "data_class": "pii",
        "dataset": "customers",
        "key_id": f"{row.key_id:08x}",
    }
    key: dict[str, Any] = {"KeyId": deployment["ATTRIBUTE_KEY"]}
    with administrator() as arn:
        kms = calls("kms")
        opened = refusal(kms.decrypt, CiphertextBlob=row.encrypted_data_key, EncryptionContext=context, **key)
        granted = refusal(kms.create_grant, GranteePrincipal=arn, Operations=["Decrypt"], **key)
        described = refusal(kms.describe_key, **key)

    assert ("AccessDeniedException", "AccessDeniedException", "") == (opened, granted, described)


def test_s3_brings_no_event_of_another_bucket_to_the_landing_queue(deployment: Deployment):
    s3, name = client("s3"), unique("foreign")
    queue = client("sqs").get_queue_attributes(QueueUrl=deployment["LANDING_QUEUE"], AttributeNames=["QueueArn"])
    wanted = {"QueueArn": queue["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
    s3.create_bucket(Bucket=name)
    try:
        code = refusal(
            s3.put_bucket_notification_configuration,
            Bucket=name,
            NotificationConfiguration={"QueueConfigurations": [wanted]},
        )
    finally:
        s3.delete_bucket(Bucket=name)

    assert "InvalidArgument" == code
