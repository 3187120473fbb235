"""What a keyring gives, refuses and asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import (
    DoesNotOpen,
    KeyDenied,
    KeyDestroyed,
    KeyRetired,
    KeyServiceUnavailable,
    KeyStoreCorrupt,
    KeyUnknown,
    SettingsError,
    StoreUnavailable,
)
from shared.keys.keyring import Keyring, KeyringCounts
from shared.keys.ports import UNTOLD_SECONDS
from shared.model import KeyState
from tests.fakes.clock import FakeClock
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore

OTHER_KEY_ARN = ATTRIBUTE_KEY_ARN.replace("0001", "0002")


def test_the_first_key_of_a_class_is_made_and_stored(keyring, store, clock):
    key = keyring.active("tenant-1", "pii")
    [row] = store.all_rows()
    assert (row.key_id, row.data_class, row.tenant_id) == (key.key_id, key.data_class, "tenant-1")
    assert row.state is KeyState.ACTIVE
    assert (row.kms_key_arn, row.key_material_id) == (ATTRIBUTE_KEY_ARN, "material-1")
    assert row.created_at == clock.wall()
    assert key.key_id == store.active_key_id("tenant-1", "pii")


def test_a_key_is_stored_before_it_is_given(make_keyring, store):
    store.fail_with = StoreUnavailable("down")
    with pytest.raises(StoreUnavailable):
        make_keyring().active("tenant-1", "pii")
    assert store.all_rows() == []


def test_a_first_key_is_told_by_its_maker_and_by_who_finds_it_so_young(make_keyring, clock):
    told = []
    for seconds in (0, UNTOLD_SECONDS - 1, 1):
        clock.advance(seconds)
        make_keyring(on_created=lambda row: told.append(row.key_id)).active("tenant-1", "pii")
    key_id = make_keyring().active("tenant-1", "pii").key_id

    assert [key_id, key_id] == told


def test_a_key_that_a_run_made_is_told_by_the_run(make_keyring, store, clock):
    make_keyring().active("tenant-1", "pii")
    [row] = store.all_rows()

    assert row.may_be_untold(clock.wall())
    assert not replace(row, made_by="5" * 32).may_be_untold(clock.wall())


def test_another_process_opens_what_the_first_one_sealed(make_keyring):
    sealing, opening = make_keyring(), make_keyring()
    key = sealing.active("tenant-1", "pii")
    sealed = key.cipher.seal(b"value", b"place")
    assert opening.opener("tenant-1", key.key_id).cipher.open(sealed, b"place") == b"value"


def test_another_process_seals_under_the_same_key(make_keyring):
    first, second = make_keyring().active("tenant-1", "pii"), make_keyring().active("tenant-1", "pii")
    assert first.key_id == second.key_id
    assert second.cipher.open(first.cipher.seal(b"value", b""), b"") == b"value"


@pytest.mark.parametrize("other", [("tenant-2", "pii"), ("tenant-1", "pci")])
def test_tenants_and_classes_have_keys_of_their_own(keyring, other):
    assert keyring.active("tenant-1", "pii").key_id != keyring.active(*other).key_id


def test_kms_gets_exactly_the_four_pairs_that_the_caller_expects(make_keyring, service):
    key = make_keyring(new_key_id=lambda: 0xBEEF).active("tenant-1", "pii")
    make_keyring().active("tenant-1", "pii")
    make_keyring().opener("tenant-1", key.key_id)
    expected = {"tenant_id": "tenant-1", "data_class": "pii", "dataset": "customers", "key_id": "0000beef"}
    assert [expected] == service.generated
    assert [expected, expected] == service.decrypted


def test_a_key_of_another_dataset_does_not_open(make_keyring):
    key = make_keyring().active("tenant-1", "pii")
    with pytest.raises(DoesNotOpen):
        make_keyring(dataset="orders").opener("tenant-1", key.key_id)


def test_a_row_that_was_copied_to_another_tenant_does_not_open(keyring, make_keyring, store):
    key = keyring.active("tenant-1", "pii")
    [row] = store.all_rows()
    store.put_row(replace(row, tenant_id="tenant-2"))
    with pytest.raises(DoesNotOpen):
        make_keyring().opener("tenant-2", key.key_id)


def test_a_row_whose_class_was_changed_does_not_open(keyring, make_keyring, store):
    key = keyring.active("tenant-1", "pii")
    [row] = store.all_rows()
    store.put_row(replace(row, data_class="pci"))
    with pytest.raises(DoesNotOpen):
        make_keyring().opener("tenant-1", key.key_id)


def test_an_id_that_is_taken_is_not_used(make_keyring, store):
    make_keyring(new_key_id=lambda: 7).active("tenant-1", "pii")
    ids = iter([7, 7, 8])
    key = make_keyring(new_key_id=lambda: next(ids)).active("tenant-1", "pci")
    assert key.key_id == 8
    assert {7, 8} == {row.key_id for row in store.all_rows()}


def test_two_tenants_may_have_the_same_id(make_keyring):
    keyring = make_keyring(new_key_id=lambda: 7)
    first, second = keyring.active("tenant-1", "pii"), keyring.active("tenant-2", "pii")
    assert (first.key_id, second.key_id) == (7, 7)
    with pytest.raises(DoesNotOpen):
        keyring.opener("tenant-2", 7).cipher.open(first.cipher.seal(b"value", b""), b"")


def test_a_store_that_always_lets_others_win_ends_in_a_retry(make_keyring, service):
    class LosingStore(FakeKeyStore):
        def create(self, row, *, replaces):
            return False

    with pytest.raises(StoreUnavailable, match="first key of tenant-1/pii"):
        make_keyring(store=LosingStore()).active("tenant-1", "pii")
    assert len(service.generated) == 4


@pytest.mark.parametrize(
    ("state", "refusal"), [(KeyState.RETIRED, KeyRetired), (KeyState.DESTROYED, KeyDestroyed)], ids=str
)
def test_a_key_at_the_end_of_its_life_is_refused_before_kms_is_asked(make_keyring, store, service, state, refusal):
    key = make_keyring().active("tenant-1", "pii")
    store.set_state("tenant-1", key.key_id, state)
    with pytest.raises(refusal, match=f"{key.key_id:08x} of tenant tenant-1"):
        make_keyring().opener("tenant-1", key.key_id)
    assert service.decrypted == []


def test_a_key_that_only_opens_still_opens(make_keyring, store):
    key = make_keyring().active("tenant-1", "pii")
    store.set_state("tenant-1", key.key_id, KeyState.DECRYPT_ONLY)
    assert key.key_id == make_keyring().opener("tenant-1", key.key_id).key_id


def test_an_unknown_id_is_said_to_be_unknown(keyring, service):
    with pytest.raises(KeyUnknown):
        keyring.opener("tenant-1", 9)
    assert service.decrypted == []


def test_a_key_of_another_class_than_expected_is_refused(keyring, make_keyring):
    key = keyring.active("tenant-1", "pii")
    for one in (keyring, make_keyring()):  # from the cache and from the store
        with pytest.raises(DoesNotOpen):
            one.opener("tenant-1", key.key_id, expected_class="pci")
        assert key.key_id == one.opener("tenant-1", key.key_id, expected_class="pii").key_id


def test_a_row_under_an_untrusted_kms_key_never_gets_to_kms(make_keyring, store, service):
    key = make_keyring().active("tenant-1", "pii")
    [row] = store.all_rows()
    store.put_row(replace(row, kms_key_arn=OTHER_KEY_ARN))
    with pytest.raises(KeyStoreCorrupt):
        make_keyring().opener("tenant-1", key.key_id)
    with pytest.raises(KeyStoreCorrupt):
        make_keyring().active("tenant-1", "pii")
    assert service.decrypted == []


def test_no_key_is_stored_that_an_untrusted_kms_key_wrapped(make_keyring, store):
    with pytest.raises(SettingsError):
        make_keyring(service=FakeKeyService(kms_key_arn=OTHER_KEY_ARN)).active("tenant-1", "pii")
    assert store.all_rows() == []


@pytest.mark.parametrize("state", [KeyState.DECRYPT_ONLY, KeyState.RETIRED, KeyState.DESTROYED], ids=str)
def test_a_pointer_to_a_key_that_is_not_active_is_corrupt(make_keyring, store, state):
    key = make_keyring().active("tenant-1", "pii")
    store.set_state("tenant-1", key.key_id, state)
    with pytest.raises(KeyStoreCorrupt, match=f"{key.key_id:08x}"):
        make_keyring().active("tenant-1", "pii")


@pytest.mark.parametrize("state", [KeyState.RETIRED, KeyState.DESTROYED], ids=str)
def test_a_pointer_to_a_key_at_the_end_of_its_life_says_so(make_keyring, store, state):
    key = make_keyring().active("tenant-1", "pii")
    store.set_state("tenant-1", key.key_id, state)
    with pytest.raises(KeyStoreCorrupt, match=f"{key.key_id:08x}, a {state} key"):
        make_keyring().active("tenant-1", "pii")


def test_a_pointer_to_a_key_of_another_class_is_corrupt(make_keyring, store, service):
    make_keyring().active("tenant-1", "pii")
    [row] = store.all_rows()
    store.put_row(replace(row, data_class="pci"))
    with pytest.raises(KeyStoreCorrupt, match="no active key of the class"):
        make_keyring().active("tenant-1", "pii")
    assert service.decrypted == []


def test_an_active_key_that_does_not_open_is_corrupt(make_keyring, store):
    make_keyring().active("tenant-1", "pii")
    [row] = store.all_rows()
    store.put_row(replace(row, encrypted_data_key=b"changed"))
    with pytest.raises(KeyStoreCorrupt):
        make_keyring().active("tenant-1", "pii")


def test_to_be_denied_the_active_key_is_a_reason_to_retry_and_to_be_denied_another_is_not(make_keyring, service):
    key = make_keyring().active("tenant-1", "pii")
    service.fail_with = KeyDenied("KMS Decrypt: AccessDeniedException")
    with pytest.raises(KeyServiceUnavailable):
        make_keyring().active("tenant-1", "pii")
    with pytest.raises(KeyDenied):
        make_keyring().opener("tenant-1", key.key_id)


def test_a_key_of_the_wrong_size_is_corrupt_and_not_shown(make_keyring):
    class ShortKeys(FakeKeyService):
        def generate(self, context):
            return replace(super().generate(context), plaintext=b"SHORT-KEY")

    with pytest.raises(KeyStoreCorrupt) as caught:
        make_keyring(service=ShortKeys()).active("tenant-1", "pii")
    assert "SHORT-KEY" not in str(caught.value)


def test_nothing_that_is_given_shows_a_key(keyring, store, service):
    key = keyring.active("tenant-1", "pii")
    generated = service.generate({})
    assert f"DataKey(key_id={key.key_id}, data_class='pii', usable_until=" in repr(key)
    assert "cipher" not in repr(key)
    assert "plaintext" not in repr(generated)
    assert repr(generated.plaintext) not in repr(generated)
    assert "encrypted_data_key" not in repr(store.all_rows())


def test_random_ids_are_four_bytes_and_never_zero(monkeypatch):
    from shared.keys import key_id  # noqa: PLC0415 - patched below

    for drawn, expected in ((0, 1), (2**32 - 2, 2**32 - 1)):
        monkeypatch.setattr(key_id, "randbelow", lambda limit, drawn=drawn: drawn if limit == 2**32 - 1 else -1)
        assert expected == key_id.random_key_id()


def test_counts_tell_hits_misses_and_kms_calls(make_keyring):
    keyring: Keyring = make_keyring()
    key = keyring.active("tenant-1", "pii")
    keyring.active("tenant-1", "pii")
    keyring.opener("tenant-1", key.key_id)
    assert KeyringCounts(cache_hits=2, cache_misses=1, kms_generate=1, keys_created=1) == keyring.counts()
    other = make_keyring()
    other.opener("tenant-1", key.key_id)
    assert KeyringCounts(cache_misses=1, kms_decrypt=1) == other.take_counts()
    assert KeyringCounts() == other.counts()


@pytest.mark.parametrize(("error", "denied"), [(KeyServiceUnavailable("throttled"), 0), (KeyDenied("refused"), 2)])
def test_counts_tell_calls_of_kms_that_came_to_nothing(make_keyring, service, error, denied):
    make_keyring().active("tenant-1", "pii")
    keyring: Keyring = make_keyring()
    service.fail_with = error
    for tenant in ("tenant-1", "tenant-2"):
        with pytest.raises(KeyServiceUnavailable):
            keyring.active(tenant, "pii")
    failed = {"kms_failed": 2, "kms_denied": denied}
    assert KeyringCounts(cache_misses=2, kms_generate=1, kms_decrypt=1, **failed) == keyring.counts()


def test_a_failure_is_not_kept(make_keyring, service, clock: FakeClock):
    keyring = make_keyring()
    service.fail_with = KeyServiceUnavailable("throttled")
    with pytest.raises(KeyServiceUnavailable):
        keyring.active("tenant-1", "pii")
    service.fail_with = None
    assert keyring.active("tenant-1", "pii").data_class == "pii"
