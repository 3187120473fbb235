"""Whatever item somebody writes: it is mended as far as it can be, judged, and then let be."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.envelope.layout import OVERHEAD_BYTES
from shared.model import KeyState
from shared.policy.load import parse_policy
from shared.source_position import FOUND, counter_position, kinesis_position
from tests.fakes.finding_chain import TENANT, FindingChain

SOURCE_TEXT = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"kind" = { plain = "string" }
"box.note" = { plain = "string" }
"""
POLICY = parse_policy(SOURCE_TEXT, "policy.toml")
OLDER = parse_policy(SOURCE_TEXT.replace('"ssn" = { seal = "pii" }', '"ssn" = { plain = "string" }'), "older.toml")
STATES = [*KeyState, None]
ROUNDS = 3
"""What was written, what was mended of it; then nothing more."""

leaves: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([{"S": "a canary"}, {"N": "1"}, {"NULL": True}, {"SS": ["x"]}, {"S": "4111111111111111"}]),
    st.sampled_from([{"B": b"raw"}, {"BS": [b"raw"]}, {"M": {}}, {"L": []}]),
    st.builds(lambda state: {"sealed": state}, st.sampled_from([*STATES, "unknown", "as the encryptor seals"])),
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda members: {"L": members})
        | st.dictionaries(st.sampled_from(["email", "note", "x"]), inner, max_size=3).map(
            lambda members: {"M": members}
        )
    ),
    max_leaves=6,
)
sources = st.sampled_from([b"no position", kinesis_position(b"key", "1", 0).to_bytes(), counter_position(1).to_bytes()])
items = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("ssn", "contacts", "kind", "box", "odd", "_odd"), values),
        "_src": (sources | st.just(FOUND.to_bytes())).map(lambda raw: {"B": raw}) | leaves,
        "_policy": st.sampled_from([POLICY.digest, OLDER.digest, b"12345678"]).map(lambda raw: {"B": raw}) | leaves,
        "_open_since": st.sampled_from([{"N": "1700000000"}, {"N": "-1"}, {"S": "x"}]),
        "_deleted_at": st.sampled_from([{"N": "1700000000"}, {"S": "x"}]),
    },
)


def with_bytes(chain: FindingChain, value: Any, path: tuple[Any, ...] = ()) -> Any:
    """The value with bytes in the place of each `sealed`."""
    ((tag, content),) = value.items()
    if tag == "M":
        return {"M": {name: with_bytes(chain, member, (*path, name)) for name, member in content.items()}}
    if tag == "L":
        return {"L": [with_bytes(chain, member, path) for member in content]}
    if tag != "sealed":
        return value
    if content == "as the encryptor seals":
        return chain.sealed("one", {"ssn": {"S": "a canary"}})["ssn"]
    key_id = 1 + STATES.index(content) if content != "unknown" else 99
    return {"B": b"\x01" + key_id.to_bytes(4, "big") + bytes(range(150, 150 + OVERHEAD_BYTES))}


def a_chain() -> FindingChain:
    chain = FindingChain(POLICY)
    chain.publish(OLDER)
    chain.sealed("one", {"ssn": {"S": "a canary"}, "odd": {"S": "x"}})
    for row in chain.store.all_rows():
        for key_id, state in enumerate(STATES, start=1):
            if row.data_class == "pii":
                chain.put_key(row, key_id, state)
    return chain


@given(before=items | st.none(), item=items)
def test_the_chain_ends_for_every_item(before, item):
    chain = a_chain()
    try:
        for one in (before, item):
            if one is not None:
                chain.write("one", {name: with_bytes(chain, value) for name, value in one.items()})
                events = chain.run(rounds=ROUNDS)
        last = events[-1]["event"]
        assert last not in {"item.plaintext_found", "item.stale"} or chain.fates[-1] == "left"
        settled = chain.items[TENANT, "one"]
        chain.write("one", settled | {"kind": {"S": "judged once more"}})
        chain.run(rounds=ROUNDS)
        assert chain.items[TENANT, "one"].get("ssn") == settled.get("ssn"), "what was mended is let be"
    finally:
        chain.pool.shutdown()
