from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope.associated_data import record_prefix
from shared.envelope.cipher import ValueCipher
from shared.envelope.number import canonical_number
from shared.envelope.seal import open_value, seal_value
from shared.envelope.typed_value import decode, encode
from shared.errors import CannotOpen, DoesNotOpen
from shared.model import ELEMENT

CIPHER = ValueCipher.from_key(0x0A1B2C3D, bytes(range(32)))
OTHER_CIPHER = ValueCipher.from_key(0x0A1B2C3C, bytes(range(1, 33)))

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
binaries = st.binary(max_size=12)


@st.composite
def numbers(draw) -> str:
    """A number of DynamoDB's range in its one spelling."""
    digits = draw(st.integers(1, 10**38 - 1))
    exponent = draw(st.integers(-130, 125)) - len(str(digits)) + 1
    return canonical_number(f"{draw(st.sampled_from(['', '-']))}{digits}E{exponent}")


leaves = st.one_of(
    st.builds(lambda text: {"S": text}, texts),
    st.builds(lambda number: {"N": number}, st.one_of(numbers(), st.just("0"))),
    st.builds(lambda raw: {"B": raw}, binaries),
    st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda members: {"SS": sorted(members, key=str.encode)}, st.sets(texts, min_size=1, max_size=4)),
    st.builds(lambda members: {"NS": sorted(members)}, st.sets(numbers(), min_size=1, max_size=4)),
    st.builds(lambda members: {"BS": sorted(members)}, st.sets(binaries, min_size=1, max_size=4)),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=4)),
        st.builds(lambda members: {"M": members}, st.dictionaries(texts, inner, max_size=4)),
    ),
    max_leaves=12,
)
names = st.one_of(texts, st.sampled_from(["a", "a.b", "b", "[]", "a[]", '"a"', "e", "k", ""]))
paths = st.lists(st.one_of(names, st.just(ELEMENT)), min_size=1, max_size=4).map(tuple)
places = st.tuples(names, names, names, paths)


def sealed_at(place, value) -> bytes:
    return seal_value(CIPHER, prefix_of(place), place[3], value)


def prefix_of(place) -> bytes:
    dataset, tenant_id, item_id, _ = place
    return record_prefix(dataset=dataset, tenant_id=tenant_id, item_id=item_id)


@given(values)
def test_every_typed_value_decodes_to_itself(value):
    assert value == decode(encode(value))


@given(values, places)
def test_every_typed_value_opens_where_it_was_sealed(value, place):
    assert value == open_value(CIPHER, prefix_of(place), place[3], sealed_at(place, value))


@given(st.one_of(binaries, st.binary(max_size=200), values.map(encode)), st.integers(0, 200), st.integers(0, 255))
def test_bytes_that_decode_are_the_canonical_encoding_of_what_they_decode_to(raw, position, byte):
    changed = raw[:position] + bytes([byte]) + raw[position + 1 :]
    try:
        value = decode(changed)
    except ValueError:
        return
    assert changed == encode(value)


@given(leaves, places)
def test_every_single_bit_flip_is_refused(value, place):
    sealed = sealed_at(place, value)
    prefix = prefix_of(place)
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CannotOpen):
            open_value(CIPHER, prefix, place[3], bytes(flipped))


@given(values, places)
def test_every_cut_is_refused(value, place):
    sealed = sealed_at(place, value)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            open_value(CIPHER, prefix_of(place), place[3], sealed[:length])


@given(values, places, places)
def test_every_move_to_another_dataset_tenant_item_or_attribute_is_refused(value, place, other):
    sealed = sealed_at(place, value)
    for part in range(4):
        moved = (*place[:part], other[part], *place[part + 1 :])
        if moved != place:
            with pytest.raises(DoesNotOpen):
                open_value(CIPHER, prefix_of(moved), moved[3], sealed)


@given(leaves, places)
def test_a_key_id_changed_to_that_of_another_data_key_is_refused(value, place):
    sealed = sealed_at(place, value)
    readdressed = sealed[:1] + OTHER_CIPHER.key_id.to_bytes(4, "big") + sealed[5:]

    with pytest.raises(DoesNotOpen):
        open_value(OTHER_CIPHER, prefix_of(place), place[3], readdressed)
