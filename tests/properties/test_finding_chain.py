"""Whatever item somebody writes: it is mended as far as it can be, judged, and then let be."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from consumers.auditor.events import MENDING_EVENTS
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
OLDER = parse_policy(
    SOURCE_TEXT.replace('"ssn" = { seal = "pii" }', '"ssn" = { plain = "string" }\n"odd.note" = { plain = "string" }'),
    "older.toml",
)
STATES = [*KeyState, None]
LATE = {"sealed": "under a key that is retired since"}
"""It opens where it was sealed, at `ssn`."""
KEYS = [(TENANT, "one"), (TENANT, "bob@example.com"), ("no tenant!", "one")]
LEFT_TO_MEND = {"binary that is no sealed value", "a binary set is never sealed"}
ROUNDS = 3
"""What was written, what was mended of it; then nothing more."""

leaves: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([{"S": "a canary"}, {"N": "1"}, {"NULL": True}, {"SS": ["x"]}, {"S": "4111111111111111"}]),
    st.sampled_from([{"B": b"raw"}, {"BS": [b"raw"]}, {"M": {}}, {"L": []}]),
    st.builds(lambda state: {"sealed": state}, st.sampled_from([*STATES, "unknown", "as the encryptor seals"])),
    st.just(LATE),
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
        "_arrived": st.sampled_from([{"N": "1700000000123"}, {"N": "17"}, {"S": "x"}]),
        "_open_since": st.sampled_from([{"N": "1700000000"}, {"N": "-1"}, {"S": "x"}]),
        "_deleted_at": st.sampled_from([{"N": "1700000000"}, {"S": "x"}]),
    },
)


class Writer:
    """Somebody who writes one item of a chain as he likes."""

    def __init__(self, tenant_id: str, item_id: str) -> None:
        self.chain = FindingChain(POLICY)
        self.chain.clock.advance(-10)
        self.chain.publish(OLDER)
        self.chain.clock.advance(10)
        self.key = tenant_id, item_id
        record = {"ssn": {"S": "a canary"}, "odd": {"S": "x"}}
        self.late = self.chain.sealed(item_id, record)["ssn"]
        self.late_key = self.chain.replace_key("pii")
        self.chain.store.set_state(TENANT, self.late_key, KeyState.RETIRED)
        self.sealed = self.chain.sealed(item_id, record)["ssn"]
        like = self.chain.store.rows(TENANT, [self.late_key])[self.late_key]
        for key_id, state in enumerate(STATES, start=1):
            self.chain.put_key(like, key_id, state)

    def write(self, item: Any) -> list[dict[str, Any]]:
        """Have an item written, and everybody react; gives the events."""
        tenant_id, item_id = self.key
        self.chain.write(item_id, {name: self.with_bytes(value) for name, value in item.items()}, tenant_id=tenant_id)
        return self.chain.run(rounds=ROUNDS)

    @property
    def item(self) -> dict[str, Any]:
        """As it stands."""
        return self.chain.items[self.key]

    def with_bytes(self, value: Any) -> Any:
        """The value with bytes in the place of each `sealed`."""
        ((tag, content),) = value.items()
        if tag == "M":
            return {"M": {name: self.with_bytes(member) for name, member in content.items()}}
        if tag == "L":
            return {"L": [self.with_bytes(member) for member in content]}
        if tag != "sealed":
            return value
        if value == LATE:
            return self.late
        if content == "as the encryptor seals":
            return self.sealed
        key_id = 1 + STATES.index(content) if content != "unknown" else 99
        return {"B": b"\x01" + key_id.to_bytes(4, "big") + bytes(range(150, 150 + OVERHEAD_BYTES))}


def assert_the_mending_is_told(event: dict[str, Any]) -> None:
    """Unless something is left that is to be mended."""
    found = event["findings"]
    if not {one["kind"] for one in found} & {"plaintext", "stale"} and not {one["why"] for one in found} & LEFT_TO_MEND:
        assert event["event"] in MENDING_EVENTS.values()


@given(key=st.sampled_from(KEYS), before=items | st.none(), item=items)
def test_the_chain_ends_for_every_item(key, before, item):
    writer = Writer(*key)
    chain = writer.chain
    written = [one for one in (before, item) if one is not None]
    try:
        for one in written:
            as_written = {name: writer.with_bytes(value) for name, value in one.items()}
            events = writer.write(one)
            assert len(events) == len({event["event_id"] for event in events})
            if as_written.items() <= writer.item.items():
                continue
            assert_the_mending_is_told(events[-1])
        assert events[-1]["event"] not in {"item.plaintext_found", "item.stale"} or chain.fates[-1] in {"left", "retry"}
        assert {TENANT} == {row.tenant_id for row in chain.store.all_rows()}, "no tenant is invented"
        if chain.reopened:
            assert {(TENANT, writer.late_key)} == set(chain.reopened)
            assert LATE in [one.get("ssn") for one in written], "nothing is reopened for what does not open"
        settled = writer.item
        writer.write(settled | {"kind": {"S": "judged once more"}})
        assert writer.item.get("ssn") == settled.get("ssn"), "what was mended is let be"
    finally:
        chain.pool.shutdown()


plain_records = st.fixed_dictionaries(
    {},
    optional={
        "ssn": st.just({"S": "a canary"}),
        "odd": st.dictionaries(st.sampled_from(["email", "note", "x"]), st.just({"S": "a canary"})).map(
            lambda members: {"M": members}
        ),
        "contacts": st.lists(st.just({"M": {"email": {"S": "x"}}}), max_size=2).map(lambda members: {"L": members}),
        "kind": st.just({"S": "x"}),
    },
)


def damage(value: Any, which: Any) -> Any:
    """The value with some of its sealed values changed, which nobody sees who has no key."""
    ((tag, content),) = value.items()
    if tag == "M":
        return {"M": {name: damage(member, which) for name, member in content.items()}}
    if tag == "L":
        return {"L": [damage(member, which) for member in content]}
    return {"B": content[:-1] + bytes([content[-1] ^ 1])} if tag == "B" and which() else value


@given(record=plain_records, renewed=st.booleans(), data=st.data(), hours=st.lists(st.integers(0, 3), max_size=2))
def test_what_only_a_tightened_policy_made_unsound_is_never_told_as_an_exposure(record, renewed, data, hours):
    writer = Writer(TENANT, "one")
    chain = writer.chain
    try:
        item = chain.sealed("one", record, policy=OLDER)
        if renewed and chain.store.active_key_id(TENANT, "restricted"):
            chain.replace_key("restricted")
        own = {name: damage(item[name], lambda: data.draw(st.booleans())) for name in record}
        events = writer.write(item | own)
        for number, later in enumerate(hours, start=2):
            chain.clock.advance(later * 3_600)
            events += writer.write(writer.item | {"_src": {"B": kinesis_position(b"key", str(number), 0).to_bytes()}})
        assert not {"item.plaintext_found", "item.remediated", "item.malformed"} & {one["event"] for one in events}
    finally:
        chain.pool.shutdown()
