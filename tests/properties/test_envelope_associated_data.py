from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.envelope.associated_data import associated_data, record_prefix
from shared.model import ELEMENT

# few letters and the format's own bytes among them, so that collisions would be found
names = st.text(st.sampled_from(["a", "b", ".", "[", "]", '"', "e", "k", "\x00", "\x01", "\x02"]), max_size=6)
paths = st.lists(st.one_of(names, st.just(ELEMENT)), max_size=4).map(tuple)
places = st.tuples(names, names, names, paths)


def bytes_of(place) -> bytes:
    dataset, tenant_id, item_id, path = place
    return associated_data(record_prefix(dataset=dataset, tenant_id=tenant_id, item_id=item_id), path)


@given(places, places)
def test_two_places_never_give_the_same_bytes(one, other):
    assert (one == other) == (bytes_of(one) == bytes_of(other))


@given(places)
def test_the_place_can_be_read_back_from_the_bytes(place):
    assert place == read_back(bytes_of(place))


def read_back(raw: bytes):
    """The inverse, written from the format alone: that it exists is what makes the encoding injective."""
    at = 1

    def text() -> str:
        nonlocal at
        length = int.from_bytes(raw[at : at + 4], "big")
        at += 4 + length
        return raw[at - length : at].decode()

    record = text(), text(), text()
    path: list[object] = []
    while at < len(raw):
        at += 1
        path.append(text() if raw[at - 1 : at] == b"k" else ELEMENT)
    return (*record, tuple(path))
