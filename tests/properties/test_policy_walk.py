"""The policy's walk against a reference that knows no tree: it lists every place of a record and tries every rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import assume, event, given
from hypothesis import strategies as st

from shared.errors import PolicyError, Reason, RecordRejected
from shared.model import ELEMENT, ChangeKind, ItemChange, KeyState, KeyStatus, VerdictKind
from shared.policy.compiled import PLAIN_TYPES
from shared.policy.load import parse_policy
from shared.policy.plan import plan
from shared.policy.verify import verify
from shared.source_position import kinesis_position

NAMES = st.sampled_from(["a", "b", "a.b", "c"])
CLASSES = {"pii": 1, "pci": 2, "restricted": 3}
KEYS = {key_id: KeyStatus(key_id, name, KeyState.ACTIVE) for name, key_id in CLASSES.items()}

LEAVES = st.sampled_from(
    [
        {"S": ""},
        {"S": "text"},
        {"N": "1"},
        {"BOOL": True},
        {"NULL": True},
        {"B": b"bytes"},
        {"SS": ["x"]},
        {"NS": ["1"]},
        {"BS": [b"x"]},
        {"M": {}},
        {"L": []},
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=3).map(lambda content: {"M": content}),
        st.lists(inner, max_size=3).map(lambda content: {"L": content}),
    ),
    max_leaves=8,
)
RECORDS = st.dictionaries(NAMES, VALUES, max_size=3)

COMPONENTS = st.tuples(NAMES, st.lists(st.one_of(NAMES, st.just(ELEMENT)), max_size=3)).map(
    lambda parts: (parts[0], *parts[1])
)
TREATMENTS = st.one_of(
    st.sampled_from(sorted(CLASSES)).map(lambda name: ("seal", name)),
    st.sampled_from(sorted(PLAIN_TYPES)).map(lambda name: ("plain", name)),
)
RULES = st.dictionaries(st.tuples(st.booleans(), COMPONENTS), TREATMENTS, max_size=5)
UNDECLARED = st.sampled_from(["seal", "seal", "reject"])


def written(rules, undeclared) -> str:
    lines = [
        'version = 1\ndataset = "d"\n[item]\ntenant = "tenant"\nid = "id"\n[defaults]',
        f'undeclared = "{undeclared}"\n[classes.pii]\n[classes.pci]\n[attributes]',
    ]
    for (anywhere, components), (verb, what) in rules.items():
        path = "**" if anywhere else ""
        for part in components:
            path += "[]" if part is ELEMENT else ("." if path else "") + f'"{part}"'
        lines.append(f"'{path}' = {{ {verb} = \"{what}\" }}")
    return "\n".join(lines)


class Reference:
    """Says for every place of a record, given with list indexes, what becomes of it."""

    def __init__(self, rules, undeclared, record) -> None:
        self.rules = rules
        self.undeclared = undeclared
        self.places = dict(places((), {"M": record}))
        self.sealed: dict[tuple[Any, ...], str] = {}
        self.kept: dict[tuple[Any, ...], Any] = {}
        for name in record:
            self.decide((name,))

    def decide(self, where) -> None:
        value = self.places[where]
        verb, what = self.treatment(where) or ("", "")
        inside = [other for other in self.places if len(other) > len(where) and other[: len(where)] == where]
        (tag,) = value
        if verb == "seal":
            self.sealed[where] = what
        elif verb == "plain" and tag in {PLAIN_TYPES[what], "NULL"}:
            self.kept[where] = value
        elif any(map(self.treatment, inside)):
            for other in inside:
                if len(other) == len(where) + 1:
                    self.decide(other)
        else:
            if self.undeclared == "reject" and not all(map(self.is_declared_emptiness, self.leaves(where, inside))):
                raise RecordRejected(Reason.UNDECLARED_ATTRIBUTE)
            self.sealed[where] = "restricted"

    def leaves(self, where, inside):
        return [
            other
            for other in (where, *inside)
            if self.places[other] in ({"M": {}}, {"L": []}) or not self.places[other].keys() & {"M", "L"}
        ]

    def treatment(self, where):
        path = generic(where)
        about = [
            (not anywhere, len(components), treatment)
            for (anywhere, components), treatment in self.rules.items()
            if (path[-len(components) :] if anywhere else path) == components
        ]
        return max(about)[-1] if about else None

    def is_declared_emptiness(self, where) -> bool:
        path = generic(where)
        beginnings = [
            (anywhere, components[:length])
            for anywhere, components in self.rules
            for length in range(1, len(components))
        ]
        on_the_way = any((path[-len(start) :] if anywhere else path) == start for anywhere, start in beginnings)
        return on_the_way and self.places[where] in ({"M": {}}, {"L": []}, {"NULL": True})


def generic(where):
    return tuple(ELEMENT if isinstance(part, int) else part for part in where)


def places(where, value) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield where, value
    for key, inner in value.get("M", {}).items():
        yield from places((*where, key), inner)
    for index, inner in enumerate(value.get("L", [])):
        yield from places((*where, index), inner)


def loaded(rules, undeclared):
    try:
        return parse_policy(written(rules, undeclared), "policy.toml")
    except PolicyError:
        assume(False)
        raise


def planned_or_rejected(policy, record):
    try:
        return plan(policy, record)
    except RecordRejected:
        return None


@given(rules=RULES, undeclared=UNDECLARED, record=RECORDS)
def test_the_plan_is_what_the_reference_says(rules, undeclared, record):
    policy = loaded(rules, undeclared)
    planned = planned_or_rejected(policy, record)
    try:
        expected = Reference(rules, undeclared, record)
    except RecordRejected:
        event("rejected")
        assert planned is None
        return
    assert planned is not None
    tokens = [f"slot {index}".encode() for index in range(len(planned.slots))]
    stored = dict(places((), {"M": planned.fill(tokens)}))
    slot_of = {where: planned.slots[tokens.index(value["B"])] for where, value in stored.items() if "B" in value}
    assert expected.sealed == {where: slot.data_class for where, slot in slot_of.items()}
    assert {where: expected.places[where] for where in slot_of} == {w: slot.value for w, slot in slot_of.items()}
    assert {where: generic(where) for where in slot_of} == {where: slot.path for where, slot in slot_of.items()}
    in_clear = {where: value for where, value in stored.items() if not value.keys() & {"B", "M", "L"}}
    assert expected.kept == in_clear


def change_to(policy, attributes):
    system = {"_src": {"B": kinesis_position(b"k", "1", 0).to_bytes()}, "_policy": {"B": policy.digest}}
    return ItemChange("1", ChangeKind.INSERT, "acme", "one", None, {**system, **attributes}, 0.0)


def seal(slot) -> bytes:
    return b"\x01" + CLASSES[slot.data_class].to_bytes(4, "big") + bytes(range(180, 230))


@given(rules=RULES, undeclared=UNDECLARED, record=RECORDS)
def test_what_was_planned_and_sealed_is_verified(rules, undeclared, record):
    policy = loaded(rules, undeclared)
    planned = planned_or_rejected(policy, record)
    assume(planned is not None)
    verdict = verify(change_to(policy, planned.fill([seal(slot) for slot in planned.slots])), policy, KEYS, {})
    assert verdict.kind is VerdictKind.VERIFIED
    assert len(planned.slots) == verdict.sealed_count


@given(rules=RULES, undeclared=UNDECLARED, record=RECORDS, choice=st.integers(0, 100))
def test_any_one_sealed_value_put_back_in_clear_is_found(rules, undeclared, record, choice):
    policy = loaded(rules, undeclared)
    planned = planned_or_rejected(policy, record)
    assume(planned is not None and planned.slots)
    opened = choice % len(planned.slots)
    sealed = [seal(slot) for slot in planned.slots]
    sealed[opened] = b"the one in clear"
    item = put_back({"M": planned.fill(sealed)}, planned.slots[opened].value)["M"]
    assert verify(change_to(policy, item), policy, KEYS, {}).kind in {VerdictKind.PLAINTEXT, VerdictKind.MALFORMED}


def put_back(stored, value):
    ((tag, content),) = stored.items()
    if stored == {"B": b"the one in clear"}:
        return value
    if tag == "M":
        return {"M": {key: put_back(inner, value) for key, inner in content.items()}}
    if tag == "L":
        return {"L": [put_back(inner, value) for inner in content]}
    return stored
