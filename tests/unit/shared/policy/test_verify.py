"""The auditor's verdicts, state by state as docs/policy.md lists them."""

from __future__ import annotations

import time
from unittest.mock import Mock

import phonenumbers
import pytest

from shared.envelope.layout import OVERHEAD_BYTES
from shared.model import (
    TOMBSTONE_SECONDS,
    ChangeKind,
    Finding,
    ItemChange,
    KeyState,
    KeyStatus,
    Verdict,
    VerdictKind,
)
from shared.policy.detect import phone
from shared.policy.detect.scanner import Scanner
from shared.policy.load import parse_policy
from shared.policy.verify import PublishedPolicy, key_ids, verify
from shared.source_position import (
    FOUND,
    SourcePosition,
    counter_position,
    file_position,
    integer_position,
    kinesis_position,
    time_position,
)

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
NEXT_PLACE = kinesis_position(b"key", "6", 0)
HOUR = 3_600
PUBLISHED_AT = 1_700_000_000.0
"""When the present policy was; an older one was a day before."""
OLDER_AT = PUBLISHED_AT - 24 * HOUR


def key(key_id, data_class, state=KeyState.ACTIVE):
    return KeyStatus(key_id, data_class, state)


KEYS = {
    1: key(1, "pii"),
    2: key(2, "restricted"),
    3: key(3, "pii", KeyState.DECRYPT_ONLY),
    4: key(4, "pii", KeyState.RETIRED),
    5: key(5, "pii", KeyState.DESTROYED),
    6: KeyStatus(6, "", None),
    7: KeyStatus(7, "pii", KeyState.RETIRED, ended_at=PUBLISHED_AT),
}


def sealed(key_id):
    return {"B": b"\x01" + key_id.to_bytes(4, "big") + bytes(range(200, 200 + OVERHEAD_BYTES))}


FALSE_HEADER = b"\x01\x00\x00\x00\x01"
HIDDEN = "text behind the header of a sealed value"


def item(*, source=PLACE, policy=POLICY, **attributes):
    return {
        "tenant_id": {"S": "acme"},
        "item_id": {"S": "one"},
        "_src": {"B": source.to_bytes()},
        "_policy": {"B": policy.digest},
        **attributes,
    }


def judge(new, old=None, *, item_id="one", kind=ChangeKind.MODIFY, published=(), changed_at=PUBLISHED_AT):
    """Published are pairs of a policy and when."""
    change = ItemChange("1", kind, "acme", item_id, old, new, changed_at)
    return verify(change, POLICY, KEYS, {policy.digest: PublishedPolicy(policy, at) for policy, at in published})


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
        ({"ssn": sealed(6)}, "malformed", "ssn", "its data key's row is not readable"),
        (
            {"ssn": {"B": FALSE_HEADER + b"diagnosis in clear, longer than a nonce and a tag"}},
            "plaintext",
            "ssn",
            HIDDEN,
        ),
        ({"ssn": {"B": FALSE_HEADER + "a diagnosis in UTF-16".encode("utf-16-le") * 2}}, "plaintext", "ssn", HIDDEN),
        ({"ssn": sealed(3)}, "stale", "ssn", "sealed under a data key that is no longer active"),
        ({"ssn": sealed(2)}, "malformed", "ssn", "sealed under another data class than the policy's"),
        ({"odd": sealed(1)}, "malformed", "?", "sealed under another data class than the policy's"),
        ({"_odd": TEXT}, "plaintext", "?", "a reserved name that sealstream does not write"),
        ({"_odd": sealed(2)}, "malformed", "?", "a reserved name that sealstream does not write"),
        ({"card 4111-1111-1111-1111": sealed(2)}, "undeclared", "?", "a name looks sensitive"),
        (
            {"contacts": {"L": [{"M": {"email": sealed(1), "a@example.org": sealed(2)}}]}},
            "undeclared",
            "contacts[].?",
            "a name looks sensitive",
        ),
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


@pytest.mark.parametrize("item_id", ["customer-4111111111111111", "4111 1111 1111 1111 737"])
def test_the_keys_of_an_item_are_searched_for_sensitive_data(item_id):
    assert found(item(), item_id=item_id) == (
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


LANE = PLACE.lane
FILE = file_position(5, "00", bytes(8), 1)


@pytest.mark.parametrize(
    "position",
    [
        b"",
        b"x",
        b"z" * 36,
        PLACE.to_bytes() + b"x",
        b"k" + b"diagnosis in clear, of 35 bytes ...",
        LANE + b"twenty-eight bytes of prose.",
        LANE + b"\4" + bytes(27),
        LANE + bytes(24) + b"\1\0\0\0",
        b"oi" + bytes(6) + bytes(16) + b"thirty-six bytes of prose, in clear.",
        b"ot" + bytes(6) + bytes(16) + LANE + b"twenty-eight bytes of prose.",
        b"oi" + bytes(6) + bytes(16) + counter_position(1).to_bytes() + bytes(20),
        b"s" + bytes(7) + b"forty bytes of prose, all of it in clear",
    ],
)
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
        (PLACE, kinesis_position(b"key", "5", 1)),
        (integer_position(-2, PLACE, ordered_by="at"), integer_position(-1, PLACE, ordered_by="at")),
        (PLACE, integer_position(1, PLACE, ordered_by="at")),
        (PLACE, integer_position(1, kinesis_position(b"key", "6", 0), ordered_by="at")),
        (integer_position(9, PLACE, ordered_by="at"), kinesis_position(b"key", "6", 0)),
        (integer_position(1, PLACE, ordered_by="n"), time_position(0, PLACE, ordered_by="at")),
        (PLACE, counter_position(1)),
        (counter_position(1), PLACE),
        (FILE, counter_position(1)),
        (counter_position(1), FILE),
        (FILE, file_position(5, "00", bytes(8), 2)),
        (FILE, integer_position(1, FILE, ordered_by="at")),
        (integer_position(9, FILE, ordered_by="at"), file_position(5, "01", bytes(8), 1)),
        (integer_position(1, PLACE, ordered_by="at"), integer_position(2, FILE, ordered_by="at")),
        (integer_position(1, counter_position(2), ordered_by="at"), counter_position(3)),
        (SourcePosition(b"unknown!", b""), PLACE),
        (FOUND, PLACE),
        (FOUND, counter_position(1)),
        (FOUND, time_position(0, PLACE, ordered_by="at")),
    ],
)
def test_a_source_position_may_advance_or_change_its_kind_of_lane(old, new):
    assert judge(item(source=new, kind=TEXT), item(source=old)).kind is VerdictKind.VERIFIED


def test_a_record_of_another_partition_key_never_takes_an_items_place():
    other = kinesis_position(b"other key", "9", 0)
    expected = ("malformed", [("malformed", "_src", "the source lane changed")])

    assert expected == found(item(source=other), item())
    assert expected == found(item(source=integer_position(1, other, ordered_by="at")), item())
    assert expected == found(item(source=other), item(source=time_position(0, PLACE, ordered_by="at")))


@pytest.mark.parametrize(("old", "new"), [(PLACE, FILE), (FILE, PLACE)])
def test_nothing_compares_a_file_with_the_stream_where_no_attribute_orders_both(old, new):
    expected = ("malformed", [("malformed", "_src", "the source lane changed")])

    assert expected == found(item(source=new), item(source=old))
    assert expected == found(item(source=new), item(source=integer_position(1, old, ordered_by="at")))
    assert expected == found(item(source=integer_position(1, new, ordered_by="at")), item(source=old))


def test_an_integer_never_takes_the_place_of_a_time_of_the_same_order_nor_the_reverse():
    later = kinesis_position(b"key", "6", 0)
    time, integer = time_position(1, PLACE, ordered_by="at"), integer_position(9, later, ordered_by="at")
    expected = ("malformed", [("malformed", "_src", "the source lane changed")])

    assert expected == found(item(source=integer), item(source=time))
    assert expected == found(item(source=time), item(source=integer))
    assert expected == found(item(source=integer.of_another_shard()), item(source=time))


def test_under_another_order_an_older_arrival_never_takes_an_items_place():
    older = kinesis_position(b"key", "4", 9)
    expected = ("malformed", [("malformed", "_src", "the source position went back")])

    assert expected == found(item(source=file_position(4, "00", bytes(8), 9)), item(source=FILE))
    assert expected == found(
        item(source=integer_position(9, file_position(4, "00", bytes(8), 9), ordered_by="at")), item(source=FILE)
    )
    assert expected == found(item(source=integer_position(9, older, ordered_by="at")), item())
    assert expected == found(item(source=older), item(source=time_position(0, PLACE, ordered_by="at")))


@pytest.mark.parametrize("sound", [PLACE, counter_position(1), time_position(0, PLACE, ordered_by="at")])
def test_nobody_finds_an_item_that_has_a_source_position(sound):
    expected = ("malformed", [("malformed", "_src", "the source position was lost")])
    assert expected == found(item(source=FOUND), item(source=sound))


def test_an_item_that_someone_else_wrote_may_be_found_and_sealed():
    raw = {"tenant_id": {"S": "acme"}, "item_id": {"S": "one"}, "ssn": TEXT, "kind": TEXT}
    taken_over = item(source=FOUND, ssn=sealed(1), kind=TEXT, _open_since={"N": "1700000000"})
    assert judge(taken_over, raw).kind is VerdictKind.VERIFIED
    assert judge(taken_over, {**raw, "_policy": {"B": POLICY.digest}}).kind is VerdictKind.VERIFIED
    assert judge(taken_over, taken_over).kind is VerdictKind.VERIFIED
    assert judge(taken_over, {**raw, "_src": {"B": b"unknown!"}}).kind is VerdictKind.VERIFIED
    expected = ("malformed", [("malformed", "_src", "content changed while the item was taken over")])
    assert expected == found({**taken_over, "kind": {"S": "another"}}, raw)


CONTACTS = {"L": [{"M": {"email": sealed(1), "note": {"S": "one"}}}]}


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": {"S": "another"}},
        {"amount": {"N": "1"}},
        {"labels": {"SS": ["a", "b"]}},
        {"ssn": None},
        {"odd": sealed(2)},
        {"contacts": {"L": []}},
        {"contacts": {"L": [{"M": {"email": sealed(1), "note": {"S": "two"}}}]}},
        {"contacts": {"L": [{"M": {"email": sealed(1)}}]}},
        {"contacts": {"M": {"note": {"S": "one"}}}},
        {"_deleted_at": {"N": "1"}},
        {"ssn": {"M": {"x": sealed(1)}}},
        {"kind": sealed(1)},
        {"contacts": sealed(1)},
        {"contacts": {"L": [{"M": {"email": sealed(1), "note": sealed(1)}}]}},
    ],
)
def test_content_that_changes_under_the_same_source_position_is_malformed(changed):
    old = item(ssn=sealed(1), kind={"S": "x"}, contacts=CONTACTS, labels={"SS": ["a"]})
    new = {name: value for name, value in {**old, **changed}.items() if value is not None}
    reason = ("malformed", "_src", "content changed under the same source position")
    assert reason in found(new, old)[1]


def test_to_encrypt_anew_or_to_seal_what_was_in_clear_is_no_change_of_content():
    old = item(ssn=TEXT, kind=TEXT, contacts={"L": [{"M": {"email": TEXT, "odd": {"M": {"x": TEXT}}}}]})
    new = item(ssn=sealed(1), kind=TEXT, contacts={"L": [{"M": {"email": sealed(1), "odd": sealed(2)}}]})
    assert judge(new, old).kind is VerdictKind.VERIFIED
    resealed = {"B": sealed(1)["B"][:5] + bytes(range(150, 195))}
    assert judge({**new, "ssn": resealed}, without(new, "_policy") | {"_policy": {"B": b"12345678"}}).kind is (
        VerdictKind.VERIFIED
    )


def test_to_seal_a_map_whole_or_to_say_how_long_it_lay_open_is_no_change_of_content():
    old = item(odd={"M": {"x": sealed(2), "y": TEXT}}, _open_since={"N": "1700000000"})
    for since in ({}, {"_open_since": {"N": "1700000009"}}):
        assert judge(item(odd=sealed(2), **since), old).kind is VerdictKind.VERIFIED


@pytest.mark.parametrize("since", ["-1", "1.5", "1E+9", "7258118400", "1" * 13, "canary"])
def test_a_time_of_exposure_is_whole_seconds_of_our_time(since):
    reason = ("malformed", "_open_since", "a time of exposure of another form than sealstream writes")
    assert ("malformed", [reason]) == found(item(_open_since={"N": since}))


@pytest.mark.parametrize("arrived", ["1000000000000", "1700000000123", "7258118399999"])
def test_an_item_may_say_when_its_record_arrived(arrived):
    assert ("verified", []) == found(item(_arrived={"N": arrived}))


@pytest.mark.parametrize("arrived", ["-1700000000123", "1700000000", "1700000000123.5", "7258118400000", "canary"])
def test_a_time_of_arrival_is_whole_milliseconds_of_our_time(arrived):
    reason = ("malformed", "_arrived", "a time of arrival of another form than sealstream writes")
    assert ("malformed", [reason]) == found(item(_arrived={"N": arrived}))


def test_another_arrival_under_the_same_source_position_is_another_content():
    old, new = (item(_arrived={"N": arrived}) for arrived in ("1700000000123", "1700000000124"))
    reason = ("malformed", "_src", "content changed under the same source position")
    for before, after in ((old, new), (old, item()), (item(), new)):
        assert VerdictKind.MALFORMED is judge(after, before).kind
        assert [Finding(VerdictKind(reason[0]), *reason[1:])] == list(judge(after, before).findings)


def test_a_policy_digest_that_was_never_published_is_malformed():
    assert found(item(policy=OPEN_POLICY)) == (
        "malformed",
        [("malformed", "_policy", "the policy digest is of no policy that was published")],
    )


@pytest.mark.parametrize("name", ["_src", "_policy", "_arrived", "_deleted_at", "_expires_at", "_open_since"])
def test_a_system_attribute_hides_nothing_of_another_type(name):
    kind, findings = found({**item(), name: CARD})
    assert kind == "plaintext"
    assert ("plaintext", name, "in clear with another type than sealstream writes") in findings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_src", {"B": b"4111111111111111"}),
        ("_src", {"B": kinesis_position(b"key", "4111111111111111", 0).to_bytes()}),
        ("_src", {"B": time_position(0, kinesis_position(b"key", "4111111111111111", 0), ordered_by="at").to_bytes()}),
        ("_deleted_at", {"N": "4111111111111111"}),
        ("_arrived", {"N": "4111111111111111"}),
    ],
)
def test_a_system_attribute_hides_nothing_of_its_own_type(name, value):
    assert ("plaintext", name, "holds a payment card number in clear") in found({**item(), name: value})[1]


BOTH = [(OPEN_POLICY, OLDER_AT), (POLICY, PUBLISHED_AT)]
EXPOSED = ("plaintext", "ssn", "declared sealed and found in clear")
EXCUSED = ("stale", "ssn", f"written under an older policy; by the present one {EXPOSED[2]}")


@pytest.mark.parametrize("changed_at", [OLDER_AT - HOUR, OLDER_AT, PUBLISHED_AT, PUBLISHED_AT + HOUR - 1])
def test_an_item_of_an_older_policys_time_that_the_present_one_judges_too_open_is_stale(changed_at):
    older = item(policy=OPEN_POLICY, ssn=TEXT)
    assert ("stale", [EXCUSED]) == found(older, published=BOTH, changed_at=changed_at)


@pytest.mark.parametrize(
    ("changed_at", "expected"),
    [(PUBLISHED_AT - 1, "stale"), (PUBLISHED_AT, "malformed"), (PUBLISHED_AT + 1, "malformed"), (0.0, "malformed")],
)
def test_a_change_that_is_judged_late_is_judged_by_the_key_states_of_its_own_time(changed_at, expected):
    assert expected == found(item(ssn=sealed(7)), changed_at=changed_at)[0]


@pytest.mark.parametrize("changed_at", [0.0, OLDER_AT - HOUR - 1, PUBLISHED_AT + HOUR, PUBLISHED_AT * 2])
def test_an_older_policy_excuses_nothing_that_is_written_out_of_its_time(changed_at):
    downgraded = item(policy=OPEN_POLICY, ssn=TEXT)
    assert ("plaintext", [EXPOSED]) == found(downgraded, published=BOTH, changed_at=changed_at)


def test_the_time_of_a_policy_ends_with_the_next_one_even_if_that_is_not_the_present_one():
    between = parse_policy(SOURCE_TEXT.replace('"amount"', '"amounts"'), "p")
    all_three = [*BOTH, (between, OLDER_AT + HOUR)]
    older = item(policy=OPEN_POLICY, ssn=TEXT)
    assert found(older, published=all_three, changed_at=OLDER_AT + 2 * HOUR - 1)[0] == "stale"
    assert found(older, published=all_three, changed_at=OLDER_AT + 2 * HOUR)[0] == "plaintext"


def test_before_the_present_policy_is_published_the_one_before_it_is_in_its_time():
    assert found(item(policy=OPEN_POLICY, ssn=TEXT), published=BOTH[:1])[0] == "stale"


def test_a_policy_that_was_withdrawn_for_an_older_one_excuses_nothing_new():
    withdrawn = [(OPEN_POLICY, PUBLISHED_AT + HOUR), (POLICY, PUBLISHED_AT)]
    later = PUBLISHED_AT + HOUR
    assert found(item(policy=OPEN_POLICY, ssn=TEXT), published=withdrawn, changed_at=later)[0] == "plaintext"


LATER = PUBLISHED_AT + 2 * HOUR


def test_what_an_older_policy_left_in_clear_stays_stale_while_it_stays_as_it_is():
    old = item(policy=OPEN_POLICY, ssn=TEXT, contacts={"L": [{"M": {"email": sealed(3)}}]})
    new = {**old, "contacts": {"L": [{"M": {"email": sealed(1)}}]}}
    assert ("stale", [EXCUSED]) == found(new, old, published=BOTH, changed_at=LATER)
    worse = {**old, "ssn": {"S": "another canary"}, "_src": {"B": NEXT_PLACE.to_bytes()}}
    assert ("plaintext", EXPOSED) == (
        found(worse, old, published=BOTH, changed_at=LATER)[0],
        found(worse, old, published=BOTH, changed_at=LATER)[1][0],
    )


NESTED_SOURCE = SOURCE_TEXT + '"people[].name" = { plain = "string" }\n"people[].home" = { seal = "pii" }\n'
NESTED = parse_policy(NESTED_SOURCE.replace('home" = { seal = "pii" }', 'home" = { plain = "string" }'), "p")
NESTED_NOW = parse_policy(NESTED_SOURCE, "p")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([TEXT, TEXT], ["stale", "stale"]),
        ([TEXT, {"S": "another"}], ["stale", "plaintext"]),
        ([TEXT], ["stale", "plaintext"]),
        ([], ["plaintext", "plaintext"]),
    ],
)
def test_what_stands_already_is_told_place_by_place(before, expected):
    def people(homes):
        return {"L": [{"M": {"name": TEXT, "home": home}} for home in homes]}

    old = item(policy=NESTED, people=people(before))
    new = item(policy=NESTED, people=people([TEXT, TEXT]), source=NEXT_PLACE)
    published = {
        NESTED.digest: PublishedPolicy(NESTED, OLDER_AT),
        NESTED_NOW.digest: PublishedPolicy(NESTED_NOW, PUBLISHED_AT),
    }
    change = ItemChange("1", ChangeKind.MODIFY, "acme", "one", old, new, LATER)
    assert expected == [finding.kind for finding in verify(change, NESTED_NOW, KEYS, published).findings]


@pytest.mark.parametrize(("odd_before", "expected"), [(sealed(2), "stale"), (sealed(1), "plaintext")])
def test_a_container_in_clear_stands_only_as_a_whole(odd_before, expected):
    boxed = parse_policy(SOURCE_TEXT + '"box.x" = { plain = "string" }\n', "p")
    old = item(policy=boxed, box={"M": {"x": TEXT, "odd": odd_before}})
    new = item(policy=boxed, box={"M": {"x": TEXT, "odd": sealed(2)}})
    published = [(boxed, OLDER_AT), (POLICY, PUBLISHED_AT)]
    assert expected == found(new, old, published=published, changed_at=LATER)[0]


def test_a_stale_key_in_an_item_under_an_older_policy_stays_stale():
    older = item(policy=OPEN_POLICY, ssn=TEXT, contacts={"L": [{"M": {"email": sealed(3)}}]})
    kind, findings = found(older, published=BOTH)
    assert kind == "stale"
    assert findings[1] == ("stale", "contacts[].email", "sealed under a data key that is no longer active")


def test_an_item_under_an_older_policy_that_the_present_one_finds_clean_is_verified():
    assert judge(item(policy=OPEN_POLICY, ssn=sealed(1)), published=BOTH).kind is VerdictKind.VERIFIED


def test_an_item_that_breaks_its_own_older_policy_is_judged_by_the_present_one():
    older = item(policy=OPEN_POLICY, ssn=TEXT, odd=TEXT)
    kind, findings = found(older, published=BOTH)
    assert kind == "plaintext"
    assert [finding[0] for finding in findings] == ["plaintext", "plaintext"]


def test_what_looks_sensitive_breaks_no_older_policy_and_none_excuses_it():
    older = item(policy=OPEN_POLICY, ssn=TEXT, kind=CARD)
    kind, findings = found(older, published=BOTH)
    assert (kind, [finding[0] for finding in findings]) == ("undeclared", ["stale", "undeclared"])


def test_an_older_policy_excuses_no_fault_of_the_system_attributes():
    older = without(item(policy=OPEN_POLICY, ssn=TEXT), "_src")
    assert found(older, published=BOTH)[0] == "malformed"


DELETED_AT = 1_732_183_200
TOMBSTONE = item(_deleted_at={"N": str(DELETED_AT)}, _expires_at={"N": str(DELETED_AT + TOMBSTONE_SECONDS)})


def test_a_tombstone_is_verified():
    before = item(ssn=sealed(1), source=kinesis_position(b"key", "4", 0))
    assert Verdict(VerdictKind.VERIFIED) == judge(TOMBSTONE, before)


@pytest.mark.parametrize(
    ("deleted_at", "expires_at"),
    [
        ("1732183200.5", "1832183200"),
        ("1732183200", "1832183200.5"),
        ("-1", str(TOMBSTONE_SECONDS)),
        (str(DELETED_AT), str(DELETED_AT + TOMBSTONE_SECONDS - 1)),
        ("7258118400", "9999999999"),
        ("1" * 38, "2" * 38),
    ],
)
def test_a_tombstone_of_other_times_is_malformed(deleted_at, expires_at):
    changed = {**TOMBSTONE, "_deleted_at": {"N": deleted_at}, "_expires_at": {"N": expires_at}}
    reason = ("malformed", "_expires_at", "a tombstone of other times than sealstream writes")
    assert reason in found(changed)[1]


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


def test_a_name_that_the_policy_names_is_the_operators_and_no_finding():
    odd_policy = parse_policy(SOURCE_TEXT + '"078-05-1120" = { seal = "pii" }\n', "p")
    change = ItemChange(
        "1", ChangeKind.INSERT, "acme", "one", None, item(policy=odd_policy, **{"078-05-1120": sealed(1)}), 0.0
    )
    assert verify(change, odd_policy, KEYS, {}).kind is VerdictKind.VERIFIED


def test_a_name_that_repeats_is_found_each_time_and_read_once(monkeypatch):
    scanned = []
    scan = Scanner.text

    def noting(self, text, where=""):
        scanned.append(text)
        return scan(self, text, where)

    monkeypatch.setattr(Scanner, "text", noting)
    people = {"L": [{"M": {"email": sealed(1), "219-09-9999": sealed(2)}}] * 1_000}
    assert len(judge(item(contacts=people)).findings) == 1_000
    assert ["acme", "one", "219-09-9999"] == scanned


DETECTING = parse_policy(
    'detect = ["phone", "phone_de", "nl_bsn", "aws_key"]\n'
    + SOURCE_TEXT.replace('id = "id"', 'id = "bsn"')
    + '"person.bsn" = { plain = "string" }\n"tags[]" = { plain = "string" }\n',
    "p",
)


def inserted(*, item_id="one", **attributes):
    """The verdict of a new item with these, by the policy that chooses what is detected."""
    new = item(policy=DETECTING, **attributes)
    return verify(ItemChange("1", ChangeKind.INSERT, "acme", item_id, None, new, PUBLISHED_AT), DETECTING, KEYS, {})


@pytest.mark.parametrize(
    ("attributes", "kind", "where", "why"),
    [
        ({"kind": {"S": "call +49 170 1234567"}}, "undeclared", "kind", "holds a phone number in clear"),
        ({"person": {"M": {"bsn": {"S": "111222333"}}}}, "undeclared", "person.bsn", "holds a Dutch BSN in clear"),
        ({"+49 170 1234567": sealed(2)}, "undeclared", "?", "a name looks sensitive"),
        ({"odd": {"B": b"AKIAIOSFODNN7EXAMPLE"}}, "plaintext", "?", "holds an AWS access key in clear"),
        ({"odd": {"B": b"4111111111111111"}}, "plaintext", "?", "holds a payment card number in clear"),
        ({"item_id": "111222333"}, "undeclared", "item_id", "holds a Dutch BSN in clear"),
        ({"BSN": {"M": {"note": {"S": "111222333"}}}}, "undeclared", "?.note", "holds a Dutch BSN in clear"),
        ({"person": {"M": {"bsn": {"B": b"111222333"}}}}, "plaintext", "person.bsn", "holds a Dutch BSN in clear"),
        ({"citizenNumber": {"B": b"111222333"}}, "plaintext", "?", "holds a Dutch BSN in clear"),
        ({"by-BSN": {"M": {"note": TEXT, "111222333": sealed(2)}}}, "undeclared", "?.?", "a name looks sensitive"),
    ],
)
def test_what_the_policy_chose_is_looked_for(attributes, kind, where, why):
    verdict = inserted(**attributes)
    assert [(kind, where, why)] == [(one.kind, one.where, one.why) for one in verdict.findings]
    assert kind == verdict.kind


def test_the_names_around_a_value_do_not_count_for_its_neighbours():
    bare = {"S": "111222333"}
    person = {"M": {"bsn": TEXT, "note": bare}}
    verdict = inserted(person=person, BSN={"M": {"note": TEXT}}, other={"M": {"note": bare}}, note=bare)
    assert VerdictKind.VERIFIED == verdict.kind


@pytest.mark.parametrize(("decoys", "is_found"), [(10, True), (1_900, True), (2_000, False)])
def test_one_item_may_cost_so_much_and_what_was_not_looked_at_is_told(monkeypatch, decoys, is_found):
    """However many values the numbers are in: each is a short text, and all of them together are one item's."""
    parse = Mock(wraps=phonenumbers.parse)
    monkeypatch.setattr(phone, "parse", parse)
    many = {"L": [{"S": "0111 2345678"}] * decoys}

    whys = [one.why for one in inserted(tags=many, kind={"S": "030 123456"}).findings]

    assert whys == (["holds a German phone number in clear"] if is_found else [MORE])
    assert min(decoys + 1, 2_000) == parse.call_count


def test_a_long_name_is_not_read_again_with_each_value_below_it():
    long = {"x" * 100_000: {"M": {f"{number}": {"M": {"note": {"S": "1 2 3 4 5 6"}}} for number in range(3_000)}}}
    started = time.process_time()
    inserted(**long)
    assert time.process_time() - started < 3  # with the whole name it would take minutes


@pytest.mark.parametrize("attributes", [{"kind": CARD}, {"amount": {"N": "111222333"}}, {"kind": {"S": "111222333"}}])
def test_what_the_policy_did_not_choose_is_no_finding(attributes):
    assert VerdictKind.VERIFIED == inserted(**attributes).kind


MORE = "more may look sensitive: not all of it was looked at"
BROKEN = {"B": b"\x01\0\0\0\x63" + bytes(range(200, 200 + OVERHEAD_BYTES))}


@pytest.mark.parametrize(
    "exposed",
    [
        {"ssn": TEXT},
        {"odd": TEXT},
        {"odd": {"B": b"a picture"}},
        {"labels": {"BS": [b"a picture"]}},
        {"contacts": {"L": [{"M": {"email": {"B": b"raw"}}}]}},
        {"ssn": TEXT, "odd": BROKEN},
        {"_x": TEXT},
    ],
)
def test_what_stands_in_clear_and_never_should_have_is_an_exposure(exposed):
    for old, before in ((None, False), (item(ssn=sealed(1)), False), (item(**exposed), True)):
        verdict = judge(item(**exposed, source=NEXT_PLACE), old)
        assert (True, before) == (verdict.exposed, verdict.exposed_before)


@pytest.mark.parametrize(
    "sound",
    [
        {"ssn": sealed(1)},
        {"odd": BROKEN},
        {"ssn": sealed(3)},
        {"_x": sealed(2)},
        {"kind": CARD},
        {"_src": {"S": "in clear"}},
        {"_expires_at": {"N": "4111111111111111"}},
    ],
)
def test_what_is_broken_or_stale_or_cannot_be_sealed_is_no_exposure(sound):
    verdict = judge(item() | sound, item(ssn=TEXT))
    assert (False, False) == (verdict.exposed, verdict.exposed_before)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"M": {"a": TEXT}}, {"M": {"a": TEXT, "b": TEXT}}),
        (TEXT, {"S": "another canary"}),
        ({"L": [TEXT, {"N": "1"}]}, {"L": [{"N": "1"}, TEXT]}),
    ],
)
def test_what_was_in_clear_and_was_changed_has_been_exposed_before(before, now):
    assert judge(item(odd=now), item(odd=before)).exposed_before


def test_what_an_older_policy_allowed_is_no_exposure_until_it_is_changed():
    old = item(policy=OPEN_POLICY, ssn=TEXT)
    stood = judge(old | {"_expires_at": {"N": "1"}}, old, published=BOTH, changed_at=LATER)
    assert (False, False) == (stood.exposed, stood.exposed_before)
    changed = judge(old | {"ssn": {"S": "another canary"}}, old, published=BOTH, changed_at=LATER)
    assert (True, False) == (changed.exposed, changed.exposed_before)


@pytest.mark.parametrize("hidden", [HIDDEN.encode() * 2, bytes(range(150, 190)) + b" SSN 219-09-9999 "])
def test_a_reserved_name_shows_in_clear_what_only_looks_sealed(hidden):
    assert ("plaintext", [("plaintext", "?", "a reserved name that sealstream does not write")]) == (
        found(item() | {"_x": {"B": FALSE_HEADER + hidden}})
    )


def test_an_item_that_was_taken_over_is_judged_by_the_policy_that_took_it():
    """What the present one keeps plain the one before had sealed, or the one after it will."""
    found_in_clear = {name: value for name, value in item(ssn=TEXT).items() if name not in {"_src", "_policy"}}
    loosened = [(OPEN_POLICY, PUBLISHED_AT), (POLICY, OLDER_AT)]
    published = {policy.digest: PublishedPolicy(policy, at) for policy, at in loosened}
    for old, new in (
        (found_in_clear, item(ssn=sealed(1), source=FOUND)),
        (item(policy=OPEN_POLICY, ssn=TEXT), item(ssn=sealed(1))),
    ):
        change = ItemChange("1", ChangeKind.MODIFY, "acme", "one", old, new, LATER)
        assert VerdictKind.VERIFIED is verify(change, OPEN_POLICY, KEYS, published).kind
        assert VerdictKind.MALFORMED is verify(change, OPEN_POLICY, KEYS, {}).kind


def test_no_value_is_in_a_verdict():
    assert "canary" not in repr(judge(item(ssn=TEXT, odd=TEXT, kind=CARD)))
    assert not any(isinstance(one, Finding) and "4111" in repr(one) for one in judge(item(kind=CARD)).findings)
