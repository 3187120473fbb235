"""The key store for rotation: what it sends, and what it takes for a lost race, a contradiction or an outage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws.key_store_admin import DynamoKeyStoreAdmin
from shared.errors import KeyStoreCorrupt, StoreUnavailable
from shared.keys.ports import DataKeyRow
from shared.model import KeyState

ROW = DataKeyRow("tenant-1", 7, "pii", b"wrapped", "arn", "m", KeyState.DECRYPT_ONLY, 1.5, closed_at=2.5)
REWRAPPED = replace(ROW, encrypted_data_key=b"new", key_material_id="m-2", rewrapped_by="run-1")
RETIRED = replace(ROW, state=KeyState.RETIRED, state_set_by="run-1", state_set_at=3.5)


class Client:
    """Answers each call with `answer`, or raises it."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            self.requests.append((method, request))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def refused(code: str, *cancelled: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "CANARY"}}
    if cancelled:
        response["CancellationReasons"] = [{"Code": one} for one in cancelled]
    return ClientError(response, "Operation")


def store_on(client: Client) -> DynamoKeyStoreAdmin:
    return DynamoKeyStoreAdmin(client, "key-store")  # type: ignore[arg-type]


def test_a_page_is_a_consistent_and_bounded_scan_that_goes_on_where_the_last_ended():
    client = Client({"Items": [], "LastEvaluatedKey": {"tenant_id": {"S": "a"}, "row": {"S": "key#1"}}})
    cursor = store_on(client).page("", 50).cursor
    store_on(client).page(cursor, 50)
    (_, first), (_, second) = client.requests
    assert (first["ConsistentRead"], first["Limit"]) == (True, 50)
    assert "ExclusiveStartKey" not in first
    assert second["ExclusiveStartKey"] == {"tenant_id": {"S": "a"}, "row": {"S": "key#1"}}


def test_a_rewrap_hangs_on_the_old_encrypted_key_and_writes_only_what_changed():
    client = Client()
    assert store_on(client).replace_row(ROW, REWRAPPED)
    [(method, request)] = client.requests
    assert method == "update_item"
    assert request["ExpressionAttributeValues"][":old_encrypted_data_key"] == {"B": b"wrapped"}
    assert "#encrypted_data_key = :old_encrypted_data_key" in request["ConditionExpression"]
    assert set(request["UpdateExpression"].removeprefix("SET ").split(", ")) == {
        "#encrypted_data_key = :encrypted_data_key",
        "#key_material_id = :key_material_id",
        "#rewrapped_by = :rewrapped_by",
    }


def test_a_change_of_state_looks_at_the_pointer_in_the_same_transaction():
    client = Client()
    assert store_on(client).replace_row(ROW, RETIRED)
    [(method, request)] = client.requests
    update, check = request["TransactItems"]
    assert method == "transact_write_items"
    assert update["Update"]["ExpressionAttributeValues"][":old_closed_at"] == {"N": "2.5"}
    assert check["ConditionCheck"]["Key"] == {"tenant_id": {"S": "tenant-1"}, "row": {"S": "active#pii"}}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        (REWRAPPED, refused("ConditionalCheckFailedException")),
        (RETIRED, refused("TransactionCanceledException", "ConditionalCheckFailed", "None")),
        (RETIRED, refused("TransactionCanceledException", "ConditionalCheckFailed", "ConditionalCheckFailed")),
    ],
    ids=["rewrap", "state", "state and pointer"],
)
def test_a_row_that_changed_meanwhile_is_a_lost_race(changed, error):
    assert not store_on(Client(error)).replace_row(ROW, changed)


def test_a_pointer_that_names_a_key_that_is_not_active_is_corrupt():
    client = Client(refused("TransactionCanceledException", "None", "ConditionalCheckFailed"))
    with pytest.raises(KeyStoreCorrupt, match="pointer tenant-1/pii names 00000007, a decrypt_only key"):
        store_on(client).replace_row(ROW, RETIRED)


@pytest.mark.parametrize(
    "error",
    [
        refused("TransactionCanceledException", "None", "TransactionConflict"),
        refused("TransactionCanceledException", "TransactionConflict", "ConditionalCheckFailed"),
        refused("ProvisionedThroughputExceededException"),
        refused("AccessDeniedException"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "call", [lambda store: store.page("", 1), lambda store: store.replace_row(ROW, RETIRED)], ids=["page", "replace"]
)
def test_an_outage_or_a_conflict_is_retried_and_shows_nothing(call, error):
    with pytest.raises(StoreUnavailable) as caught:
        call(store_on(Client(error)))
    assert "CANARY" not in str(caught.value)
