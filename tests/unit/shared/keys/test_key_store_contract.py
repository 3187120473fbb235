"""What every key store does: the fake of the tests and the one in DynamoDB (on moto)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow, PolicyRow
from shared.model import KeyState, KeyStatus
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.moto_aws import KEY_STORE_TABLE, dynamodb_with_key_store

ROW = DataKeyRow(
    tenant_id="tenant-1",
    key_id=0xBEEF,
    data_class="pii",
    encrypted_data_key=b"\x00wrapped\xff",
    kms_key_arn="arn:aws:kms:eu-central-1:111122223333:key/1",
    key_material_id="",
    state=KeyState.ACTIVE,
    created_at=1_700_000_000.123456,
)
NEXT = replace(
    ROW,
    key_id=0xFFFFFFFF,
    encrypted_data_key=b"other",
    key_material_id="m",
    made_by="rotation-1",
    created_at=1_700_000_500.5,
)


@pytest.fixture(params=["fake", "dynamodb"])
def stores(request) -> Iterator[tuple[FakeKeyStore | DynamoKeyStore, FakeKeyStore | DynamoKeyStatusReader]]:
    """A key store, and what an auditor reads it with."""
    if request.param == "fake":
        fake = FakeKeyStore()
        yield fake, fake
        return
    with mock_aws():
        client = dynamodb_with_key_store()
        yield DynamoKeyStore(client, KEY_STORE_TABLE), DynamoKeyStatusReader(client, KEY_STORE_TABLE)


@pytest.fixture
def store(stores):
    return stores[0]


def test_an_empty_store_has_no_pointer_and_no_rows(store):
    assert store.active_key_id("tenant-1", "pii") is None
    assert store.rows("tenant-1", [1, 2]) == {}
    assert store.rows("tenant-1", []) == {}


def test_what_was_created_is_read_back_as_it_was(store):
    assert store.create(ROW, replaces=None)
    assert store.active_key_id("tenant-1", "pii") == 0xBEEF
    assert store.rows("tenant-1", [0xBEEF, 0xBEEF, 1]) == {0xBEEF: ROW}


def test_a_key_belongs_to_one_tenant_and_its_pointer_to_one_class(store):
    store.create(ROW, replaces=None)
    assert store.rows("tenant-2", [0xBEEF]) == {}
    assert store.active_key_id("tenant-2", "pii") is None
    assert store.active_key_id("tenant-1", "pci") is None


def test_of_two_first_keys_the_second_is_not_written(store):
    store.create(ROW, replaces=None)
    assert not store.create(NEXT, replaces=None)
    assert {ROW.key_id: ROW} == store.rows("tenant-1", [ROW.key_id, NEXT.key_id])
    assert ROW.key_id == store.active_key_id("tenant-1", "pii")


def test_an_id_that_the_tenant_has_is_not_written_again_for_another_class(store):
    store.create(ROW, replaces=None)
    assert not store.create(replace(ROW, data_class="pci", encrypted_data_key=b"other"), replaces=None)
    assert {ROW.key_id: ROW} == store.rows("tenant-1", [ROW.key_id])
    assert store.active_key_id("tenant-1", "pci") is None


def test_the_same_id_of_another_tenant_is_free(store):
    store.create(ROW, replaces=None)
    other = replace(ROW, tenant_id="tenant-2")
    assert store.create(other, replaces=None)
    assert {ROW.key_id: other} == store.rows("tenant-2", [ROW.key_id])


def test_a_new_key_takes_the_pointer_and_the_replaced_one_only_opens(store):
    store.create(ROW, replaces=None)
    assert store.create(NEXT, replaces=ROW.key_id)
    assert NEXT.key_id == store.active_key_id("tenant-1", "pii")
    closed = replace(ROW, state=KeyState.DECRYPT_ONLY, closed_at=NEXT.created_at)
    assert {ROW.key_id: closed, NEXT.key_id: NEXT} == store.rows("tenant-1", [ROW.key_id, NEXT.key_id])


def test_of_two_replacements_of_one_key_the_second_is_not_written(store):
    store.create(ROW, replaces=None)
    store.create(NEXT, replaces=ROW.key_id)
    third = replace(ROW, key_id=3)
    assert not store.create(third, replaces=ROW.key_id)
    assert store.rows("tenant-1", [3]) == {}
    assert NEXT.key_id == store.active_key_id("tenant-1", "pii")


def test_a_replacement_where_there_is_no_key_yet_is_not_written(store):
    assert not store.create(ROW, replaces=5)
    assert store.rows("tenant-1", [ROW.key_id]) == {}


def test_more_rows_than_one_request_takes_are_all_read(store):
    present = (1, 100, 101, 250)
    for key_id in present:
        store.create(replace(ROW, key_id=key_id, data_class=f"class-{key_id}"), replaces=None)
    assert set(present) == set(store.rows("tenant-1", range(1, 251)))


def test_an_auditor_reads_class_and_state(stores):
    store, reader = stores
    store.create(ROW, replaces=None)
    store.create(NEXT, replaces=ROW.key_id)
    expected = {
        ROW.key_id: KeyStatus(ROW.key_id, "pii", KeyState.DECRYPT_ONLY),
        NEXT.key_id: KeyStatus(NEXT.key_id, "pii", KeyState.ACTIVE),
    }
    assert expected == reader.statuses("tenant-1", [ROW.key_id, NEXT.key_id, 9])
    assert reader.statuses("tenant-2", [ROW.key_id]) == {}
    assert reader.statuses_of({"tenant-1": expected, "tenant-2": [1]}) == {"tenant-1": expected, "tenant-2": {}}


@pytest.mark.parametrize("state", KeyState)
def test_an_auditor_reads_when_a_key_was_retired_or_destroyed(stores, state):
    store, reader = stores
    store.create(ROW, replaces=None)
    _overwrite(store, replace(ROW, state=state, state_set_at=1_700_000_500.5))
    ended_at = 1_700_000_500.5 if state in {KeyState.RETIRED, KeyState.DESTROYED} else None
    assert {ROW.key_id: KeyStatus(ROW.key_id, "pii", state, ended_at)} == reader.statuses("tenant-1", [ROW.key_id])


def test_published_policies_are_kept_under_their_digests_and_never_replaced(stores):
    store, reader = stores
    assert [] == store.published_policies()
    store.publish_policy(b"\x01" * 8, "version = 1", 1.0)
    store.publish_policy(b"\x02" * 8, "version = 1 # other", 2.0)
    store.publish_policy(b"\x01" * 8, "changed", 3.0)
    expected = [PolicyRow(b"\x01" * 8, "version = 1", 1.0), PolicyRow(b"\x02" * 8, "version = 1 # other", 2.0)]
    assert expected == store.published_policies() == reader.published_policies()


def test_a_pointer_to_a_key_that_is_not_active_is_not_replaced(store):
    store.create(ROW, replaces=None)
    _overwrite(store, replace(ROW, state=KeyState.RETIRED))
    with pytest.raises(KeyStoreCorrupt, match="0000beef"):
        store.create(NEXT, replaces=ROW.key_id)
    assert store.rows("tenant-1", [NEXT.key_id]) == {}


def _overwrite(store: object, row: DataKeyRow) -> None:
    if isinstance(store, FakeKeyStore):
        store.put_row(row)
    else:
        assert isinstance(store, DynamoKeyStore)
        from shared.aws.key_rows import data_key_item  # noqa: PLC0415 - this branch only

        store._client.put_item(TableName=KEY_STORE_TABLE, Item=data_key_item(row))
