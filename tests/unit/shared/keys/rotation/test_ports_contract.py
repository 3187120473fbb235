"""What every key store and every KMS does for rotation: the fakes of the tests, and the real adapters on moto."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from shared.aws.key_store_admin import DynamoKeyStoreAdmin
from shared.aws.kms import KmsKeyService
from shared.aws.kms_wrapping import KmsWrappingService
from shared.errors import DoesNotOpen, KeyStoreCorrupt
from shared.keys.ports import DataKeyRow, KeyService, encryption_context
from shared.keys.rotation.ports import RotatingKeyStore, UnreadableRow, WrappingService
from shared.model import KeyState
from tests.fakes.key_service import FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.moto_aws import KEY_STORE_TABLE, dynamodb_with_key_store, kms_with_attribute_key

ROW = DataKeyRow(
    tenant_id="tenant-1",
    key_id=0xBEEF,
    data_class="pii",
    encrypted_data_key=b"\x00wrapped\xff",
    kms_key_arn="arn:aws:kms:eu-central-1:111122223333:key/1",
    key_material_id="m-1",
    state=KeyState.ACTIVE,
    created_at=1_700_000_000.123456,
)
NEXT = replace(ROW, key_id=7, encrypted_data_key=b"other", made_by="run-1", created_at=1_700_000_500.5)
CLOSED = replace(ROW, state=KeyState.DECRYPT_ONLY, closed_at=NEXT.created_at)
RETIRED = replace(CLOSED, state=KeyState.RETIRED, state_set_by="run-1", state_set_at=1_700_009_999.9)
CONTEXT = encryption_context(tenant_id="tenant-1", data_class="pii", dataset="customers", key_id=0xBEEF)


@pytest.fixture(params=["fake", "dynamodb"])
def store(request) -> Iterator[RotatingKeyStore]:
    if request.param == "fake":
        yield FakeKeyStore()
        return
    with mock_aws():
        yield DynamoKeyStoreAdmin(dynamodb_with_key_store(), KEY_STORE_TABLE)


def spoil(store) -> None:
    """Make ROW's row one that is no data key's."""
    if isinstance(store, FakeKeyStore):
        store.spoil(ROW.tenant_id, ROW.key_id)
    else:
        key = {"tenant_id": {"S": ROW.tenant_id}, "row": {"S": f"key#{ROW.key_id:08x}"}}
        store._client.put_item(TableName=KEY_STORE_TABLE, Item=key)


def stored(store, key_id: int = ROW.key_id) -> DataKeyRow:
    return store.rows(ROW.tenant_id, [key_id])[key_id]


def pages(store, limit: int, **of):
    cursor, found, count = "", [], 0
    while True:
        page = store.page(cursor, limit, **of)
        found += page.rows
        count += 1
        cursor = page.cursor
        if not cursor:
            return found, count


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_pages_give_every_data_key_of_every_tenant_once_and_nothing_else(store, limit):
    store.publish_policy(b"\x01" * 8, "version = 1", 1.0)
    rows = [replace(ROW, tenant_id=f"tenant-{n % 3}", key_id=n + 1, data_class=f"class-{n}") for n in range(7)]
    for row in rows:
        store.create(row, replaces=None)

    found, count = pages(store, limit)

    assert sorted(rows, key=lambda row: row.key_id) == sorted(found, key=lambda row: row.key_id)
    assert count >= len(rows) / limit
    own = [row for row in rows if row.tenant_id == "tenant-1"]
    assert own == sorted(pages(store, limit, tenant_id="tenant-1")[0], key=lambda row: row.key_id)


def test_an_empty_store_has_one_empty_page(store):
    assert pages(store, 10) == ([], 1)


def test_a_row_that_cannot_be_read_is_named_and_keeps_no_other_from_being_read(store):
    store.create(ROW, replaces=None)
    store.create(replace(NEXT, tenant_id="tenant-2"), replaces=None)
    spoil(store)

    found, _ = pages(store, 10)

    assert UnreadableRow("tenant-1", "key#0000beef") in found
    assert replace(NEXT, tenant_id="tenant-2") in found


def test_a_new_wrapping_is_written_and_the_rest_stays(store):
    store.create(ROW, replaces=None)
    rewrapped = replace(
        ROW, encrypted_data_key=b"new", kms_key_arn="arn:2", key_material_id="m-2", rewrapped_by="run-1"
    )

    assert store.replace_row(ROW, rewrapped)

    assert rewrapped == stored(store)
    assert ROW.key_id == store.active_key_id("tenant-1", "pii")


@pytest.mark.parametrize("meanwhile", ["rewrapped", "replaced", "retired"])
def test_a_row_that_is_not_as_it_was_read_is_left(store, meanwhile):
    store.create(ROW, replaces=None)
    store.create(NEXT, replaces=ROW.key_id)
    read = {"rewrapped": CLOSED, "replaced": ROW, "retired": CLOSED}[meanwhile]
    if meanwhile == "rewrapped":
        assert store.replace_row(CLOSED, replace(CLOSED, encrypted_data_key=b"new"))
    elif meanwhile == "retired":
        assert store.replace_row(CLOSED, RETIRED)
    before = stored(store)

    assert not store.replace_row(read, replace(read, encrypted_data_key=b"late"))
    assert not store.replace_row(read, replace(read, state=KeyState.DESTROYED, encrypted_data_key=b""))

    assert before == stored(store)


def test_a_row_that_is_gone_is_not_made_again(store):
    assert not store.replace_row(CLOSED, replace(CLOSED, encrypted_data_key=b"late"))
    assert not store.replace_row(CLOSED, RETIRED)
    assert {} == store.rows("tenant-1", [ROW.key_id])


def test_a_closed_key_is_retired_reopened_and_destroyed_and_keeps_its_place(store):
    store.create(ROW, replaces=None)
    store.create(NEXT, replaces=ROW.key_id)
    reopened = replace(RETIRED, state=KeyState.DECRYPT_ONLY, closed_at=1_700_010_000.5, state_set_at=1_700_010_000.5)
    retired_again = replace(reopened, state=KeyState.RETIRED, state_set_by="run-2", state_set_at=1_700_020_000.0)
    destroyed = replace(retired_again, state=KeyState.DESTROYED, encrypted_data_key=b"", state_set_by="run-3")

    for read, changed in [
        (CLOSED, RETIRED),
        (RETIRED, reopened),
        (reopened, retired_again),
        (retired_again, destroyed),
    ]:
        assert store.replace_row(read, changed)
        assert changed == stored(store)

    assert [destroyed] == [row for row in pages(store, 10)[0] if row.key_id == ROW.key_id]


def test_the_key_that_the_pointer_names_changes_its_state_by_being_replaced_only(store):
    store.create(ROW, replaces=None)

    with pytest.raises(KeyStoreCorrupt, match="0000beef"):
        store.replace_row(ROW, replace(ROW, state=KeyState.RETIRED))

    assert ROW == stored(store)


@pytest.fixture(params=["fake", "kms"])
def kms(request) -> Iterator[tuple[WrappingService, KeyService, str]]:
    """What rotation uses, what the keyring uses, and the ARN of the attribute key."""
    if request.param == "fake":
        fake = FakeKeyService()
        yield fake, fake, fake.kms_key_arn
        return
    with mock_aws():
        client, arn = kms_with_attribute_key()
        yield KmsWrappingService(client, arn), KmsKeyService(client, arn), arn


def test_a_key_made_without_seeing_it_opens_under_its_context_only(kms):
    wrapping, opening, arn = kms
    made = wrapping.generate_wrapped(CONTEXT)

    assert arn == made.kms_key_arn
    assert len(opening.decrypt(made.encrypted, arn, CONTEXT)) == 32
    with pytest.raises(DoesNotOpen):
        opening.decrypt(made.encrypted, arn, {**CONTEXT, "tenant_id": "tenant-2"})


def test_a_rewrapped_key_is_the_same_key_under_the_same_context(kms):
    wrapping, opening, _ = kms
    made = opening.generate(CONTEXT)

    again = wrapping.rewrap(made.encrypted, made.kms_key_arn, CONTEXT)

    assert made.encrypted != again.encrypted
    assert made.plaintext == opening.decrypt(again.encrypted, again.kms_key_arn, CONTEXT)
    with pytest.raises(DoesNotOpen):
        opening.decrypt(again.encrypted, again.kms_key_arn, {**CONTEXT, "key_id": "00000001"})


def test_a_key_of_another_context_is_not_rewrapped(kms):
    wrapping, opening, _ = kms
    made = opening.generate(CONTEXT)
    with pytest.raises(DoesNotOpen):
        wrapping.rewrap(made.encrypted, made.kms_key_arn, {**CONTEXT, "data_class": "pci"})
