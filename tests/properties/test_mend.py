"""What a stored item needs, over policies and items of every kind: the auditor agrees, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import assume, event, given
from hypothesis import strategies as st

from shared.envelope.layout import key_id_of
from shared.errors import PolicyError
from shared.model import (
    ELEMENT,
    SYSTEM_ATTRIBUTES,
    Attributes,
    ChangeKind,
    ItemChange,
    KeyState,
    KeyStatus,
    Verdict,
    VerdictKind,
)
from shared.policy.compiled import PLAIN_TYPES
from shared.policy.load import parse_policy
from shared.policy.mend import MendPlan, named_keys, plan_mend
from shared.policy.stored_binary import passes_for_sealed
from shared.policy.verify import PublishedPolicy, verify
from shared.reencrypt.parts import item_parts
from shared.source_position import FOUND, kinesis_position

NAMES = st.sampled_from(["a", "b", "a.b", "c"])
ACTIVE = {"pii": 1, "pci": 2, "restricted": 3}
KEYS = {
    **{key_id: KeyStatus(key_id, name, KeyState.ACTIVE) for name, key_id in ACTIVE.items()},
    4: KeyStatus(4, "pii", KeyState.DECRYPT_ONLY),
    5: KeyStatus(5, "restricted", KeyState.DECRYPT_ONLY),
    6: KeyStatus(6, "pci", KeyState.RETIRED),
    7: KeyStatus(7, "pii", KeyState.DESTROYED),
    8: KeyStatus(8, "", None),
}
UNKNOWN = 9
RANDOM = bytes(range(180, 230))


def envelope(key_id: int, number: int = 0) -> bytes:
    return b"\x01" + key_id.to_bytes(4, "big") + number.to_bytes(4, "big") + RANDOM


ENVELOPES = st.sampled_from([*KEYS, UNKNOWN]).map(envelope)
HIDDEN_TEXT = b"\x01\x00\x00\x00\x01" + b"text where random bytes belong".ljust(60)
HIDDEN_CARD = envelope(1) + b" 4111111111111111 "
LEAVES = st.one_of(
    st.sampled_from(
        [
            {"S": "text"},
            {"N": "1"},
            {"BOOL": True},
            {"NULL": True},
            {"B": b"bytes"},
            {"B": HIDDEN_TEXT},
            {"B": HIDDEN_CARD},
            {"SS": ["x", "y"]},
            {"BS": [b"x"]},
            {"BS": [b"x", envelope(1)]},
            {"M": {}},
            {"L": []},
        ]
    ),
    ENVELOPES.map(lambda raw: {"B": raw}),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=3).map(lambda content: {"M": content}),
        st.lists(inner, max_size=3).map(lambda content: {"L": content}),
    ),
    max_leaves=8,
)
COMPONENTS = st.tuples(NAMES, st.lists(st.one_of(NAMES, st.just(ELEMENT)), max_size=3)).map(
    lambda parts: (parts[0], *parts[1])
)
TREATMENTS = st.one_of(
    st.sampled_from(sorted(ACTIVE)).map(lambda name: f'seal = "{name}"'),
    st.sampled_from(sorted(PLAIN_TYPES)).map(lambda name: f'plain = "{name}"'),
)
RULES = st.dictionaries(st.tuples(st.booleans(), COMPONENTS), TREATMENTS, max_size=5)


def written(rules, undeclared) -> str:
    lines = [
        'version = 1\ndataset = "d"\n[item]\ntenant = "tenant"\nid = "id"\n[defaults]',
        f'undeclared = "{undeclared}"\n[classes.pii]\n[classes.pci]\n[attributes]',
    ]
    for (anywhere, components), treatment in rules.items():
        path = "**" if anywhere else ""
        for part in components:
            path += "[]" if part is ELEMENT else ("." if path else "") + f'"{part}"'
        lines.append(f"'{path}' = {{ {treatment} }}")
    return "\n".join(lines)


@st.composite
def policies(draw):
    try:
        return parse_policy(written(draw(RULES), draw(st.sampled_from(["seal", "seal", "reject"]))), "policy.toml")
    except PolicyError:
        assume(False)
        raise


OLDER = parse_policy(written({}, "seal"), "policy.toml")
SOURCES = st.sampled_from(
    [None, {"B": kinesis_position(b"k", "1", 0).to_bytes()}, {"B": FOUND.to_bytes()}, {"B": b"?"}, {"S": "text"}]
)


@st.composite
def items(draw, policy):
    item: dict[str, Any] = {"tenant_id": {"S": "acme"}, "item_id": {"S": "one"}}
    item |= draw(st.dictionaries(st.one_of(NAMES, st.just("_x")), VALUES, max_size=4))
    sound = st.sampled_from([{"B": policy.digest}, {"B": OLDER.digest}])
    for name, values in {
        "_src": SOURCES,
        "_policy": st.one_of(st.none(), sound, st.just({"B": b"?"})),
        "_arrived": st.sampled_from([None, None, {"N": "1700000000123"}, {"N": "17"}]),
        "_open_since": st.sampled_from([None, None, {"N": "5"}, {"S": "text"}]),
        "_expires_at": st.sampled_from([None, None, None, {"N": "5"}]),
    }.items():
        value = draw(values)
        if value is not None:
            item[name] = value
    return item


@st.composite
def cases(draw):
    policy = draw(policies())
    return policy, draw(items(policy)), draw(st.booleans())


WRITTEN_BY_OTHERS = {
    "a reserved name that sealstream does not write",
    "no source position: written by someone else",
    "no policy digest: written by someone else",
}
"""What stays malformed although everything in the item is sealed."""


class World:
    """Seals by remembering."""

    def __init__(self) -> None:
        self.contents: dict[bytes, Any] = {}

    def seal(self, data_class, value) -> bytes:
        assert not any(passes_for_sealed(raw) and key_id_of(raw) in KEYS for raw in binaries(value)), "nested"
        raw = envelope(ACTIVE[data_class], len(self.contents) + 1)
        self.contents[raw] = value
        return raw

    def open(self, _path, raw):
        assert KEYS[key_id_of(raw)].state not in {KeyState.DESTROYED, None}
        return self.contents.get(raw, {"S": "was sealed"})

    def mended(self, policy, item, plan: MendPlan, open_since=None) -> Attributes:
        sealed = [self.seal(mend.data_class, mend.opened(self.open)) for mend in plan.mends]
        for part in item_parts(policy, item, plan, sealed, open_since):
            item = part.applied_to(item)
        return item

    def plaintext(self, value):
        """All that can be read of a tree, opened once."""
        ((tag, content),) = value.items()
        if tag == "M":
            return {"M": {key: self.plaintext(inner) for key, inner in content.items()}}
        if tag == "L":
            return {"L": [self.plaintext(inner) for inner in content]}
        is_open = tag == "B" and passes_for_sealed(content) and getattr(KEYS.get(key_id_of(content)), "data_class", "")
        return self.contents.get(content, {"S": "was sealed"}) if is_open else value


def binaries(value) -> Iterator[bytes]:
    ((tag, content),) = value.items()
    if tag in {"M", "L"}:
        for inner in content.values() if tag == "M" else content:
            yield from binaries(inner)
    elif tag in {"B", "BS"}:
        yield from [content] if tag == "B" else content


def plaintext(world, item):
    return {name: world.plaintext(value) for name, value in item.items() if name not in SYSTEM_ATTRIBUTES}


def judged(policy, item, mended) -> Verdict:
    change = ItemChange("1", ChangeKind.MODIFY, "acme", "one", item, mended, 1_000.0)
    return verify(change, policy, KEYS, {OLDER.digest: PublishedPolicy(OLDER, 0.0)})


@given(case=cases())
def test_a_mended_item_needs_nothing_more(case):
    policy, item, adopting = case
    world = World()
    plan = plan_mend(policy, item, KEYS, adopting=adopting)
    mended = world.mended(policy, item, plan)
    again = plan_mend(policy, mended, KEYS, adopting=adopting)
    event(f"mends {len(plan.mends)}, adopts {plan.adopts}, troubles {bool(plan.troubles)}")
    assert again.is_empty
    assert [one.path for one in plan.troubles] == [one.path for one in again.troubles]
    assert plan.is_empty == (item == mended)


@given(case=cases())
def test_what_is_mended_holds_what_it_held(case):
    policy, item, adopting = case
    world = World()
    mended = world.mended(policy, item, plan_mend(policy, item, KEYS, adopting=adopting))
    assert plaintext(world, item) == plaintext(world, mended)


@given(case=cases(), open_since=st.sampled_from([None, 900.5]))
def test_the_auditor_finds_nothing_stale_or_in_clear_where_there_was_no_trouble(case, open_since):
    policy, item, adopting = case
    plan = plan_mend(policy, item, KEYS, adopting=adopting)
    mended = World().mended(policy, item, plan, open_since)
    verdict = judged(policy, item, mended)
    if not plan.troubles:
        assert not [one for one in verdict.findings if one.kind in {VerdictKind.PLAINTEXT, VerdictKind.STALE}]
        malformed = {one.why for one in verdict.findings if one.kind is VerdictKind.MALFORMED}
        assert malformed <= WRITTEN_BY_OTHERS


@given(case=cases())
def test_what_the_auditor_finds_is_planned_or_a_trouble(case):
    policy, item, _ = case
    findings = judged(policy, item, item).findings
    plan = plan_mend(policy, item, KEYS)
    wrong = {VerdictKind.PLAINTEXT, VerdictKind.STALE}
    if any(one.kind in wrong for one in findings):
        assert plan.mends or plan.troubles
    if any(one.kind is VerdictKind.PLAINTEXT for one in findings):
        stood_in_clear = {one.stood_in_clear for one in plan.mends} | {one.stood_in_clear for one in plan.troubles}
        assert True in stood_in_clear
    if not plan.is_empty:
        assert any(one.kind in wrong | {VerdictKind.MALFORMED} for one in findings)


@given(case=cases())
def test_only_keys_whose_states_were_asked_for_decide(case):
    policy, item, adopting = case
    named = {key_id: KEYS[key_id] for key_id in named_keys(item) if key_id in KEYS}
    assert plan_mend(policy, item, KEYS, adopting=adopting) == plan_mend(policy, item, named, adopting=adopting)
