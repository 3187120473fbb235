"""The reader in Node agrees with the project on everything, strange values and spoiled bytes included."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.envelope.typed_value import decode, encode
from tests.properties.test_envelope import binaries, paths, texts, values
from tests.vectors.generate import as_json, entry
from tests.vectors.node_reader import Entry, answers

hostile = st.sampled_from(["__proto__", "constructor", "10", "9", "\ufeff", "\ufeffa", "\u2028", "\x00"]).map(
    lambda name: {"M": {name: {"S": name}}}
)
records = st.tuples(texts, texts, texts)
spoiled = st.tuples(st.one_of(binaries, values.map(encode)), st.integers(0, 200), st.integers(0, 255)).map(
    lambda made: made[0][: made[1]] + bytes([made[2]]) + made[0][made[1] + 1 :]
)


def expected(plaintext: bytes) -> Entry:
    try:
        return {"value": as_json(decode(plaintext))}
    except ValueError:
        return {"refused": "not_sealed"}


@settings(max_examples=15)
@given(st.lists(st.tuples(st.one_of(values, hostile), records, paths), min_size=1, max_size=30))
def test_every_typed_value_opens_in_node_where_it_was_sealed(cases):
    entries = [entry("", encode(value), record=record, path=path) for value, record, path in cases]

    assert [{"value": as_json(value)} for value, _, _ in cases] == answers(entries)


@settings(max_examples=15)
@given(st.lists(spoiled, min_size=1, max_size=50))
def test_node_takes_and_refuses_the_same_plaintexts_as_the_project(plaintexts):
    entries = [entry("", plaintext) for plaintext in plaintexts]

    assert [expected(plaintext) for plaintext in plaintexts] == answers(entries)
