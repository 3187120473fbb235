"""The auditor's verdicts, state by state as docs/policy.md lists them."""

from __future__ import annotations

import pytest

from shared.envelope.layout import OVERHEAD_BYTES
from shared.model import ChangeKind, Finding, ItemChange, KeyState, KeyStatus, Verdict, VerdictKind
from shared.policy.load import parse_policy
from shared.policy.verify import key_ids, verify
from shared.source_position import SourcePosition, integer_position, kinesis_position

SOURCE_TEXT = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
order = "at"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"kind" = { plain = "string" }
"amount" = { plain = "number" }
"active" = { plain = "boolean" }
"labels" = { plain = "string_set" }
"**.note" = { plain = "string" }
"""
POLICY = parse_policy(SOURCE_TEXT, "policy.toml")
OPEN_POLICY = parse_policy(SOURCE_TEXT.replace('"ssn" = { seal = "pii" }', '"ssn" = { plain = "string" }'), "p")
TEXT = {"S": "canary"}
CARD = {"S": "4111111111111111"}
PLACE = kinesis_position(b"key", "5", 0)


def key(key_id, data_class, state=KeyState.ACTIVE):
    return KeyStatus(key_id, data_class, state)


KEYS = {
    1: key(1, "pii"),
    2: key(2, "restricted"),
    3: key(3, "pii", KeyState.DECRYPT_ONLY),
    4: key(4, "pii", KeyState.RETIRED),
    5: key(5, "pii", KeyState.DESTROYED),
}


def sealed(key_id):
    return {"B": b"\x01" + key_id.to_bytes(4, "big") + bytes(range(200, 200 + OVERHEAD_BYTES))}


def item(*, source=PLACE, policy=POLICY, **attributes):
    return {
        "tenant_id": {"S": "acme"},
        "item_id": {"S": "one"},
        "_src": {"B": source.to_bytes()},
        "_policy": {"B": policy.digest},
        **attributes,
    }


def judge(new, old=None, *, item_id="one", kind=ChangeKind.MODIFY, past=()):
    change = ItemChange("1", kind, "acme", item_id, old, new, 0.0)
    return verify(change, POLICY, KEYS, {policy.digest: policy for policy in past})


def found(new, old=None, **options):
    """The worst kind, and kind, place and reason of each finding."""
    verdict = judge(new, old, **options)
    return str(verdict.kind), [(str(one.kind), one.where, one.why) for one in verdict.findings]


def without(full, name):
    return {key: value for key, value in full.items() if key != name}


def test_an_item_as_the_policy_wants_it_is_verified():
    clean = item(
        ssn=sealed(1),
        contacts={"L": [{"M": {"email": sealed(1), "odd": sealed(2)}}, sealed(2)]},
        kind=TEXT,
        amount={"N": "12.5"},
        active={"BOOL": True},
        labels={"SS": ["a", "b"]},
        at={"S": "2024-11-21T10:00:00Z"},
        odd=sealed(2),
        deep={"M": {"note": {"NULL": True}}},
    )
    assert Verdict(VerdictKind.VERIFIED, (), sealed_count=5) == judge(clean)


def test_a_removed_item_is_removed():
    assert Verdict(VerdictKind.REMOVED) == judge(None, item(), kind=ChangeKind.REMOVE)


def test_a_change_without_its_new_image_cannot_be_judged():
    assert found(None) == ("malformed", [("malformed", "", "the change came without the new image")])


@pytest.mark.parametrize(
    ("attributes", "kind", "where", "why"),
    [
        ({"ssn": TEXT}, "plaintext", "ssn", "declared sealed and found in clear"),
        ({"ssn": {"M": {}}}, "plaintext", "ssn", "declared sealed and found in clear"),
        ({"odd": TEXT}, "plaintext", "?", "undeclared and found in clear"),
        ({"odd": {"NULL": True}}, "plaintext", "?", "undeclared and found in clear"),
        ({"odd": {"M": {}}}, "plaintext", "?", "undeclared and found in clear"),
        ({"odd": {"L": [{"M": {"x": sealed(2)}}]}}, "plaintext", "?", "undeclared and found in clear"),
        ({"contacts": {"L": []}}, "plaintext", "contacts", "undeclared and found in clear"),
        ({"odd": {"M": {"note": TEXT, "x": TEXT}}}, "plaintext", "?.?", "undeclared and found in clear"),
        ({"amount": TEXT}, "plaintext", "amount", "in clear with another type than the declared one"),
        ({"kind": {"SS": ["a"]}}, "plaintext", "kind", "in clear with another type than the declared one"),
        ({"kind": CARD}, "undeclared", "kind", "holds a payment card number in clear"),
        ({"amount": {"N": "4111111111111111"}}, "undeclared", "amount", "holds a payment card number in clear"),
        ({"labels": {"SS": ["x", "a@example.org"]}}, "undeclared", "labels", "holds an e-mail address in clear"),
        ({"ssn": {"B": b"secret"}}, "malformed", "ssn", "binary that is no sealed value"),
        ({"kind": {"B": b""}}, "malformed", "kind", "binary that is no sealed value"),
        ({"odd": {"B": b"4111111111111111"}}, "plaintext", "?", "holds a payment card number in clear"),
        ({"odd": {"BS": [b"x"]}}, "malformed", "?", "a binary set is never sealed"),
        ({"odd": {"BS": [b"219-09-9999"]}}, "plaintext", "?", "holds a US social security number in clear"),
        ({"odd": {"BS": [sealed(2)["B"]]}}, "malformed", "?", "a binary set is never sealed"),
        (
            {"ssn": {"B": sealed(1)["B"] + b" 4111111111111111 "}},
            "plaintext",
            "ssn",
            "holds a payment card number in clear",
        ),
        ({"ssn": sealed(9)}, "malformed", "ssn", "sealed under a data key that the tenant does not have"),
        ({"ssn": sealed(4)}, "malformed", "ssn", "sealed under a retired data key"),
        ({"ssn": sealed(5)}, "malformed", "ssn", "sealed under a destroyed data key"),
        ({"ssn": sealed(3)}, "stale", "ssn", "sealed under a data key that is no longer active"),
        ({"ssn": sealed(2)}, "malformed", "ssn", "sealed under another data class than the policy's"),
        ({"odd": sealed(1)}, "malformed", "?", "sealed under another data class than the policy's"),
        ({"_odd": TEXT}, "plaintext", "?", "a reserved name that sealstream does not write"),
        ({"_odd": sealed(2)}, "malformed", "?", "a reserved name that sealstream does not write"),
    ],
)
def test_each_fault_of_an_attribute_is_found(attributes, kind, where, why):
    assert found(item(**attributes)) == (kind, [(kind, where, why)])


def test_a_finding_says_the_class_that_the_policy_gives():
    verdict = judge(item(ssn=TEXT, odd=TEXT))
    assert [finding.data_class for finding in verdict.findings] == ["pii", "restricted"]


def test_what_the_policy_was_loosened_on_stays_sealed_under_the_class_it_had():
    assert judge(item(kind=sealed(1))).kind is VerdictKind.VERIFIED


def test_findings_come_in_item_order_and_the_worst_gives_the_verdict():
    kind, findings = found(item(amount=sealed(3), kind=CARD, ssn=TEXT, odd=sealed(9)))
    assert kind == "plaintext"
    assert [finding[0] for finding in findings] == ["stale", "undeclared", "plaintext", "malformed"]


def test_the_keys_of_an_item_are_searched_for_sensitive_data():
    assert found(item(), item_id="customer-4111111111111111") == (
        "undeclared",
        [("undeclared", "item_id", "holds a payment card number in clear")],
    )


def test_an_item_that_someone_else_wrote_lacks_position_and_policy():
    bare = {"tenant_id": {"S": "acme"}, "item_id": {"S": "one"}, "card_number": CARD}
    assert found(bare) == (
        "plaintext",
        [
            ("malformed", "_src", "no source position: written by someone else"),
            ("malformed", "_policy", "no policy digest: written by someone else"),
            ("plaintext", "?", "undeclared and found in clear"),
        ],
    )


@pytest.mark.parametrize("position", [b"", b"x", b"z" * 36, PLACE.to_bytes() + b"x"])
def test_a_source_position_of_another_form_is_malformed(position):
    assert found({**item(), "_src": {"B": position}}) == (
        "malformed",
        [("malformed", "_src", "the source position has no form that sealstream writes")],
    )


def test_a_source_position_that_goes_back_is_malformed():
    older = kinesis_position(b"key", "4", 9)
    assert found(item(source=older), item()) == ("malformed", [("malformed", "_src", "the source position went back")])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PLACE, PLACE),  # re-encrypted in its place
        (PLACE, kinesis_position(b"key", "5", 1)),
        (PLACE, kinesis_position(b"other key", "1", 0)),
        (integer_position(-2, PLACE), integer_position(-1, PLACE)),
        (SourcePosition(b"unknown!", b""), PLACE),
    ],
)
def test_a_source_position_may_stay_advance_or_change_its_lane(old, new):
    assert judge(item(source=new), item(source=old)).kind is VerdictKind.VERIFIED


def test_a_policy_digest_that_was_never_published_is_malformed():
    assert found(item(policy=OPEN_POLICY)) == (
        "malformed",
        [("malformed", "_policy", "the policy digest is of no policy that was published")],
    )


@pytest.mark.parametrize("name", ["_src", "_policy", "_deleted_at", "_expires_at"])
def test_a_system_attribute_hides_nothing_of_another_type(name):
    kind, findings = found({**item(), name: CARD})
    assert kind == "plaintext"
    assert ("plaintext", name, "in clear with another type than sealstream writes") in findings


@pytest.mark.parametrize(
    ("name", "value"), [("_src", {"B": b"4111111111111111"}), ("_deleted_at", {"N": "4111111111111111"})]
)
def test_a_system_attribute_hides_nothing_of_its_own_type(name, value):
    assert ("plaintext", name, "holds a payment card number in clear") in found({**item(), name: value})[1]


def test_an_item_under_an_older_policy_that_the_present_one_judges_too_open_is_stale():
    older = item(policy=OPEN_POLICY, ssn=TEXT)
    assert found(older, past=[OPEN_POLICY, POLICY]) == (
        "stale",
        [
            (
                "stale",
                "ssn",
                "written under an older policy; by the present one declared sealed and found in clear",
            )
        ],
    )


def test_a_stale_key_in_an_item_under_an_older_policy_stays_stale():
    older = item(policy=OPEN_POLICY, ssn=TEXT, contacts={"L": [{"M": {"email": sealed(3)}}]})
    kind, findings = found(older, past=[OPEN_POLICY])
    assert kind == "stale"
    assert findings[1] == ("stale", "contacts[].email", "sealed under a data key that is no longer active")


def test_an_item_under_an_older_policy_that_the_present_one_finds_clean_is_verified():
    assert judge(item(policy=OPEN_POLICY, ssn=sealed(1)), past=[OPEN_POLICY]).kind is VerdictKind.VERIFIED


def test_an_item_that_breaks_its_own_older_policy_is_judged_by_the_present_one():
    older = item(policy=OPEN_POLICY, ssn=TEXT, odd=TEXT)
    kind, findings = found(older, past=[OPEN_POLICY])
    assert kind == "plaintext"
    assert [finding[0] for finding in findings] == ["plaintext", "plaintext"]


def test_an_older_policy_excuses_no_fault_of_the_system_attributes():
    older = without(item(policy=OPEN_POLICY, ssn=TEXT), "_src")
    assert found(older, past=[OPEN_POLICY])[0] == "malformed"


TOMBSTONE = item(_deleted_at={"N": "1732183200"}, _expires_at={"N": "1734775200"})


def test_a_tombstone_is_verified():
    assert Verdict(VerdictKind.VERIFIED) == judge(TOMBSTONE, item(ssn=sealed(1)))


@pytest.mark.parametrize(
    ("changed", "where", "why"),
    [
        (without(TOMBSTONE, "_expires_at"), "_expires_at", "a tombstone without expiry"),
        (without(TOMBSTONE, "_deleted_at"), "_expires_at", "an item that is no tombstone expires"),
        ({**TOMBSTONE, "ssn": sealed(1)}, "_deleted_at", "a tombstone that still holds attributes"),
    ],
)
def test_a_tombstone_of_another_shape_is_malformed(changed, where, why):
    assert found(changed) == ("malformed", [("malformed", where, why)])


def test_the_key_ids_of_an_item_are_those_of_its_sealed_values_at_any_depth():
    assert frozenset({1, 2}) == key_ids(
        item(ssn=sealed(1), odd={"M": {"x": {"L": [sealed(2)]}}}, kind={"B": b"not sealed"})
    )


def test_no_value_is_in_a_verdict():
    assert "canary" not in repr(judge(item(ssn=TEXT, odd=TEXT, kind=CARD)))
    assert not any(isinstance(one, Finding) and "4111" in repr(one) for one in judge(item(kind=CARD)).findings)
