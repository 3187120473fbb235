"""The key store in DynamoDB: what it sends, retries, refuses and never asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.aws.key_rows import STATUS_ATTRIBUTES, data_key_item, policy_item, read_data_key
from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.errors import KeyStoreCorrupt, StoreUnavailable
from shared.keys.ports import DataKeyRow, PolicyRow
from shared.model import KeyState, KeyStatus
from tests.fakes.moto_aws import KEY_STORE_TABLE, dynamodb_with_key_store

ROW = DataKeyRow(
    tenant_id="tenant-1",
    key_id=7,
    data_class="pii",
    encrypted_data_key=b"wrapped",
    kms_key_arn="arn:aws:kms:eu-central-1:111122223333:key/1",
    key_material_id="",
    state=KeyState.ACTIVE,
    created_at=1.5,
)


class ScriptedClient:
    """Answers each call with the next of its answers; an answer may be an error."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.requests.append(request)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def cancelled(*codes: str) -> ClientError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "CANARY"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(response, "TransactWriteItems")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "CANARY"}}, "Operation")


def store_on(client: ScriptedClient, slept: list[float] | None = None) -> DynamoKeyStore:
    pauses = [] if slept is None else slept
    return DynamoKeyStore(client, "key-store", sleep=pauses.append)  # type: ignore[arg-type]


@pytest.fixture
def dynamodb():
    with mock_aws():
        yield dynamodb_with_key_store()


def test_every_read_is_strongly_consistent():
    client = ScriptedClient({}, {"Responses": {}}, {"Responses": {}})
    store_on(client).active_key_id("tenant-1", "pii")
    store_on(client).rows("tenant-1", [1])
    DynamoKeyStatusReader(client, "key-store").statuses("tenant-1", [1])  # type: ignore[arg-type]
    pointer, rows, statuses = client.requests
    assert pointer["ConsistentRead"]
    assert rows["RequestItems"]["key-store"]["ConsistentRead"]
    assert statuses["RequestItems"]["key-store"]["ConsistentRead"]


def test_an_auditor_never_asks_for_an_encrypted_data_key():
    client = ScriptedClient({"Responses": {}})
    DynamoKeyStatusReader(client, "key-store").statuses("tenant-1", [1])  # type: ignore[arg-type]
    request = client.requests[0]["RequestItems"]["key-store"]
    assert request["ProjectionExpression"] == "#tenant_id, #row, #data_class, #state, #state_set_at"
    assert request["ExpressionAttributeNames"] == {f"#{name}": name for name in STATUS_ATTRIBUTES}
    assert "encrypted_data_key" not in STATUS_ATTRIBUTES


def test_what_dynamodb_left_unprocessed_is_asked_for_again_after_a_pause():
    left = {"key-store": {"Keys": [data_key_item(ROW)], "ConsistentRead": True}}
    client = ScriptedClient(
        {"Responses": {}, "UnprocessedKeys": left}, {"Responses": {"key-store": [data_key_item(ROW)]}}
    )
    slept: list[float] = []
    assert store_on(client, slept).rows("tenant-1", [7]) == {7: ROW}
    assert left == client.requests[1]["RequestItems"]
    assert len(slept) == 1


def test_what_is_left_unprocessed_again_and_again_ends_in_a_retry():
    left = {"key-store": {"Keys": [], "ConsistentRead": True}}
    client = ScriptedClient(*[{"Responses": {}, "UnprocessedKeys": left}] * 8)
    slept: list[float] = []
    with pytest.raises(StoreUnavailable, match="unprocessed"):
        store_on(client, slept).rows("tenant-1", [7])
    assert len(slept) == 7
    assert max(slept) <= 2.0


@pytest.mark.parametrize("codes", [("ConditionalCheckFailed", "None"), ("None", "ConditionalCheckFailed")])
def test_a_failed_condition_says_that_nothing_was_written(codes):
    assert not store_on(ScriptedClient(cancelled(*codes))).create(ROW, replaces=None)


@pytest.mark.parametrize(
    "error",
    [
        cancelled("TransactionConflict", "None"),
        cancelled("ConditionalCheckFailed", "TransactionConflict"),
        cancelled("ThrottlingError", "None"),
        cancelled(),
        refused("TransactionInProgressException"),
        refused("ProvisionedThroughputExceededException"),
        refused("InternalServerError"),
    ],
    ids=str,
)
def test_a_conflict_or_a_throttle_is_retried_and_not_taken_for_a_lost_race(error):
    with pytest.raises(StoreUnavailable) as caught:
        store_on(ScriptedClient(error)).create(ROW, replaces=None)
    assert "CANARY" not in str(caught.value)


def test_a_replaced_key_that_is_not_active_is_corrupt():
    client = ScriptedClient(cancelled("None", "None", "ConditionalCheckFailed"))
    with pytest.raises(KeyStoreCorrupt, match="00000003"):
        store_on(client).create(ROW, replaces=3)


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.active_key_id("tenant-1", "pii"),
        lambda store: store.rows("tenant-1", [1]),
        lambda store: store.publish_policy(b"\x01" * 8, "CANARY", 1.0),
    ],
)
@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ResourceNotFoundException"])
def test_a_refusal_of_the_store_is_retried_and_shows_nothing(call, code):
    with pytest.raises(StoreUnavailable, match=code) as caught:
        call(store_on(ScriptedClient(refused(code))))
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"data_class": None},
        {"data_class": {"N": "1"}},
        {"data_class": {"S": ""}},
        {"encrypted_data_key": None},
        {"encrypted_data_key": {"S": "CANARY"}},
        {"kms_key_arn": None},
        {"state": {"S": "CANARY"}},
        {"state": None},
        {"created_at": {"S": "CANARY"}},
        {"made_by": None},
        {"key_material_id": {"B": b"CANARY"}},
        {"encrypted_data_key": {"B": b""}},
        {"closed_at": {"S": "CANARY"}},
        {"closed_at": {"N": "-1"}},
        {"rewrapped_by": {"N": "1"}},
        {"state_set_by": {"B": b"CANARY"}},
        {"state_set_at": {"BOOL": True}},
    ],
    ids=str,
)
def test_a_row_of_another_form_is_corrupt_and_its_content_is_not_shown(dynamodb, change):
    item = {name: value for name, value in {**data_key_item(ROW), **change}.items() if value is not None}
    dynamodb.put_item(TableName=KEY_STORE_TABLE, Item=item)
    with pytest.raises(KeyStoreCorrupt, match="key#00000007 of tenant tenant-1") as caught:
        DynamoKeyStore(dynamodb, KEY_STORE_TABLE).rows("tenant-1", [7])
    assert "CANARY" not in str(caught.value)
    if change.keys() & {"data_class", "state"}:
        statuses = DynamoKeyStatusReader(dynamodb, KEY_STORE_TABLE).statuses("tenant-1", [7])
        assert {7: KeyStatus(7, "", None)} == statuses


@pytest.mark.parametrize(
    "change",
    [{"created_at": {"N": "nan"}}, {"created_at": {"N": "1e999"}}, {"data_class": {"S": 5}}, {"made_by": {"S": None}}],
    ids=str,
)
def test_what_no_engine_should_give_is_corrupt_too(change):
    with pytest.raises(KeyStoreCorrupt, match="key#00000007 of tenant tenant-1"):
        read_data_key("tenant-1", {**data_key_item(ROW), **change})


def test_what_rotation_has_not_done_yet_is_absent_from_a_row():
    assert {"closed_at", "rewrapped_by", "state_set_by", "state_set_at"}.isdisjoint(data_key_item(ROW))
    done = replace(ROW, closed_at=2.5, rewrapped_by="run-1", state_set_by="run-2", state_set_at=3.5)
    assert done == read_data_key("tenant-1", data_key_item(done))


def test_a_destroyed_key_is_a_row_without_an_encrypted_key():
    destroyed = replace(ROW, state=KeyState.DESTROYED, encrypted_data_key=b"")
    assert destroyed == read_data_key("tenant-1", data_key_item(destroyed))


def test_a_spoiled_row_keeps_no_other_key_from_being_known(dynamodb):
    other = replace(ROW, key_id=8)
    dynamodb.put_item(TableName=KEY_STORE_TABLE, Item={**data_key_item(ROW), "state": {"S": "CANARY"}})
    dynamodb.put_item(TableName=KEY_STORE_TABLE, Item=data_key_item(other))
    expected = {7: KeyStatus(7, "", None), 8: KeyStatus(8, "pii", KeyState.ACTIVE)}
    assert expected == DynamoKeyStatusReader(dynamodb, KEY_STORE_TABLE).statuses("tenant-1", [7, 8])


@pytest.mark.parametrize("named", [{"S": "7"}, {"S": "00000000"}, {"S": "0000000G"}, {"N": "7"}, {"S": "0000000A"}])
def test_a_pointer_of_another_form_is_corrupt(dynamodb, named):
    row = {"tenant_id": {"S": "tenant-1"}, "row": {"S": "active#pii"}, "active_key_id": named}
    dynamodb.put_item(TableName=KEY_STORE_TABLE, Item=row)
    with pytest.raises(KeyStoreCorrupt, match="active#pii of tenant tenant-1"):
        DynamoKeyStore(dynamodb, KEY_STORE_TABLE).active_key_id("tenant-1", "pii")


@pytest.mark.parametrize(
    "change",
    [{"row": {"S": "policy#xyz"}}, {"source": {"N": "1"}}, {"created_at": {"S": "soon"}}, {"created_at": {"N": "-1"}}],
    ids=str,
)
def test_a_policy_row_of_another_form_is_corrupt_and_keeps_no_other_from_being_read(dynamodb, change):
    store = DynamoKeyStore(dynamodb, KEY_STORE_TABLE)
    store.publish_policy(b"sound...", "version = 1", 1.0)
    dynamodb.put_item(TableName=KEY_STORE_TABLE, Item={**policy_item(b"spoiled.", "CANARY", 1.0), **change})
    rows = store.published_policies()
    assert [PolicyRow(b"sound...", "version = 1", 1.0)] == [row for row in rows if isinstance(row, PolicyRow)]
    (corrupt,) = [row for row in rows if isinstance(row, KeyStoreCorrupt)]
    assert "policy#" in str(corrupt)
    assert "CANARY" not in str(corrupt)


def test_policies_that_cannot_be_read_are_a_reason_to_retry(dynamodb):
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        DynamoKeyStatusReader(dynamodb, "no-such-table").published_policies()


def test_policies_of_more_than_one_page_are_all_read(dynamodb):
    store = DynamoKeyStore(dynamodb, KEY_STORE_TABLE)
    for number in range(5):
        store.publish_policy(bytes([number] * 8), "x" * 300_000, 1.0)
    rows = store.published_policies()
    assert {bytes([number] * 8) for number in range(5)} == {row.digest for row in rows if isinstance(row, PolicyRow)}


def test_states_of_the_keys_of_many_tenants_are_read_in_one_request():
    client = ScriptedClient({"Responses": {}})
    reader = DynamoKeyStatusReader(client, "key-store")  # type: ignore[arg-type]
    assert {f"tenant-{n}": {} for n in range(50)} == reader.statuses_of({f"tenant-{n}": [1, 2] for n in range(50)})
    assert [100] == [len(request["RequestItems"]["key-store"]["Keys"]) for request in client.requests]
