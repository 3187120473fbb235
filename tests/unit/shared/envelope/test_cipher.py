from __future__ import annotations

import pytest

from shared.envelope.cipher import ValueCipher
from shared.envelope.layout import OVERHEAD_BYTES, is_sealed, key_id_of
from shared.errors import DoesNotOpen, NotSealed

KEY = bytes(range(32))
KEY_ID = 0x0A1B2C3D
PLAINTEXT = b"S\x00\x00\x00\x06secret"
PLACE = b"here"


@pytest.fixture(scope="module")
def cipher():
    return ValueCipher.from_key(KEY_ID, KEY)


@pytest.fixture
def sealed(cipher):
    return cipher.seal(PLAINTEXT, PLACE)


def test_a_sealed_value_opens_where_it_was_sealed(cipher, sealed):
    assert PLAINTEXT == cipher.open(sealed, PLACE)


def test_the_layout_is_marker_key_id_nonce_ciphertext_and_tag(cipher, sealed):
    assert b"\x01\x0a\x1b\x2c\x3d" == sealed[:5]
    assert KEY_ID == key_id_of(sealed)
    assert OVERHEAD_BYTES == 1 + 4 + 24 + 16
    assert len(PLAINTEXT) + OVERHEAD_BYTES == len(sealed)
    assert PLAINTEXT not in sealed


def test_no_two_sealings_share_a_nonce(cipher):
    nonces = {cipher.seal(PLAINTEXT, PLACE)[5:29] for _ in range(100)}

    assert 100 == len(nonces)


def test_the_layout_opens_with_another_process_s_cipher_of_the_same_key(sealed):
    assert PLAINTEXT == ValueCipher.from_key(KEY_ID, KEY).open(sealed, PLACE)


@pytest.mark.parametrize(("start", "stop"), [(5, 29), (29, -16), (-16, None)], ids=["nonce", "ciphertext", "tag"])
def test_a_changed_part_does_not_open(cipher, sealed, start, stop):
    changed = bytearray(sealed)
    changed[start:stop] = bytes(len(sealed[start:stop]))

    with pytest.raises(DoesNotOpen, match="data key 0a1b2c3d"):
        cipher.open(bytes(changed), PLACE)


def test_other_associated_data_does_not_open(cipher, sealed):
    with pytest.raises(DoesNotOpen, match="changed or moved"):
        cipher.open(sealed, b"there")


def test_another_key_under_the_same_id_does_not_open(sealed):
    with pytest.raises(DoesNotOpen, match="changed or moved"):
        ValueCipher.from_key(KEY_ID, KEY[::-1]).open(sealed, PLACE)


def test_the_same_key_under_another_id_does_not_open(sealed):
    with pytest.raises(DoesNotOpen, match="sealed under data key 0a1b2c3d, not 00000007"):
        ValueCipher.from_key(7, KEY).open(sealed, PLACE)


def test_a_cut_or_lengthened_value_does_not_open(cipher, sealed):
    for changed in (sealed[:-1], sealed + b"\x00", sealed[:29] + sealed[30:]):
        with pytest.raises(DoesNotOpen):
            cipher.open(changed, PLACE)


def test_a_value_sealed_twice_opens_to_the_once_sealed_one(cipher, sealed):
    assert sealed == cipher.open(cipher.seal(sealed, PLACE), PLACE)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "too short"),
        (b"\x01\x00\x00\x00\x01" + bytes(44), "too short"),
        (b"\x00\x00\x00\x00\x01" + bytes(45), "does not begin"),
        (b"\x02\x00\x00\x00\x01" + bytes(45), "does not begin"),
        (b"4111111111111111" * 4, "does not begin"),
        (b"\x01\x00\x00\x00\x00" + bytes(45), "names no data key"),
    ],
)
def test_what_has_not_the_form_of_a_sealed_value_says_so(cipher, value, why):
    assert not is_sealed(value)
    with pytest.raises(NotSealed, match=why):
        key_id_of(value)
    with pytest.raises(NotSealed, match=why):
        cipher.open(value, PLACE)


def test_what_has_the_form_of_a_sealed_value_is_sealed(sealed):
    assert is_sealed(sealed)
    assert is_sealed(b"\x01\xff\xff\xff\xff" + bytes(45))


@pytest.mark.parametrize("key_id", [0, -1, 1 << 32])
def test_a_key_id_out_of_range_is_refused(key_id):
    with pytest.raises(ValueError, match="key id"):
        ValueCipher.from_key(key_id, KEY)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="32 bytes"):
        ValueCipher.from_key(KEY_ID, bytes(size))


def test_a_cipher_s_repr_holds_its_id_only(cipher):
    assert f"ValueCipher(key_id={KEY_ID})" == repr(cipher)


def test_errors_hold_neither_plaintext_nor_what_caused_them(cipher, sealed):
    with pytest.raises(DoesNotOpen) as caught:
        cipher.open(sealed, b"there")

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_fingerprint_is_the_same_for_the_same_content_and_key_alone(cipher):
    assert cipher.fingerprint(PLAINTEXT) == ValueCipher.from_key(KEY_ID + 1, KEY).fingerprint(PLAINTEXT)
    others = {cipher.fingerprint(b""), ValueCipher.from_key(KEY_ID, bytes(32)).fingerprint(PLAINTEXT)}
    assert 3 == len(others | {cipher.fingerprint(PLAINTEXT)})
