"""What a change was that left an item sound, told from its two images."""

from __future__ import annotations

import pytest

from shared.envelope.layout import OVERHEAD_BYTES
from shared.model import ChangeKind, ItemChange, KeyState, KeyStatus, Verdict, VerdictKind
from shared.policy.load import parse_policy
from shared.policy.verify import PublishedPolicy, verify
from shared.policy.verify_change import Mending, mending, open_seconds
from shared.source_position import FOUND, kinesis_position

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
"""
POLICY = parse_policy(SOURCE_TEXT, "policy.toml")
OPEN_POLICY = parse_policy(SOURCE_TEXT.replace('"ssn" = { seal = "pii" }', '"ssn" = { plain = "string" }'), "p")
PUBLISHED = {
    OPEN_POLICY.digest: PublishedPolicy(OPEN_POLICY, 1_600_000_000.0),
    POLICY.digest: PublishedPolicy(POLICY, 1_650_000_000.0),
}
PLACE = kinesis_position(b"key", "5", 0)
NEXT_PLACE = kinesis_position(b"key", "6", 0)
TEXT = {"S": "canary"}
CHANGED_AT = 1_700_000_060.0
SINCE = {"N": "1700000000"}
KEYS = {
    key_id: KeyStatus(key_id, data_class, KeyState.ACTIVE)
    for key_id, data_class in ((1, "pii"), (2, "pii"), (3, "restricted"), (4, "restricted"))
} | {5: KeyStatus(5, "restricted", KeyState.DECRYPT_ONLY)}


def sealed(key_id, nonce=200):
    return {"B": b"\x01" + key_id.to_bytes(4, "big") + bytes(range(nonce, nonce + OVERHEAD_BYTES))}


def item(*, source=PLACE, policy=POLICY, **attributes):
    return {
        "tenant_id": {"S": "acme"},
        "item_id": {"S": "one"},
        "_src": {"B": source.to_bytes()},
        "_policy": {"B": policy.digest},
        **attributes,
    }


RAW = {"tenant_id": {"S": "acme"}, "item_id": {"S": "one"}, "ssn": TEXT, "kind": TEXT}
TAKEN_OVER = item(source=FOUND, ssn=sealed(1), kind=TEXT)
SEALED = item(ssn=sealed(1), kind=TEXT)


def change(old, new, kind=ChangeKind.MODIFY, changed_at=CHANGED_AT):
    return ItemChange("1", kind, "acme", "one", old, new, changed_at)


def told(old, new, expected=VerdictKind.VERIFIED):
    one = change(old, new)
    verdict = verify(one, POLICY, KEYS, PUBLISHED)
    assert expected is verdict.kind
    return mending(one, verdict, POLICY, PUBLISHED)


def test_an_exposed_item_that_was_sealed_in_its_place_is_remediated():
    assert Mending.REMEDIATED is told({**SEALED, "ssn": TEXT}, {**SEALED, "_open_since": SINCE})
    assert Mending.REMEDIATED is told({**SEALED, "ssn": TEXT}, SEALED)


def test_an_item_of_somebody_else_that_was_found_exposed_is_remediated():
    assert Mending.REMEDIATED is told(RAW, {**TAKEN_OVER, "_open_since": SINCE})
    assert Mending.REMEDIATED is told(RAW, {**TAKEN_OVER, "_open_since": {"N": "0"}})


def test_a_time_of_exposure_that_was_there_before_says_nothing_of_this_change():
    before = {**SEALED, "_open_since": SINCE}
    assert Mending.REENCRYPTED is told(before, {**before, "ssn": sealed(2)})
    assert told(before, {**before, "_open_since": {"N": "1700000050"}}) is None
    assert Mending.REENCRYPTED is told(before, {**SEALED, "ssn": sealed(2)})


@pytest.mark.parametrize(
    "exposed",
    [
        {"odd": TEXT},
        {"odd": {"B": b"a picture"}},
        {"odd": {"BS": [b"a picture"]}},
        {"odd": {"B": b"\x01\x00\x00\x00\x01" + b"a diagnosis in clear, longer than a nonce and a tag"}},
    ],
)
def test_whatever_stood_in_clear_was_an_exposure(exposed):
    assert Mending.REMEDIATED is told({**SEALED, **exposed}, {**SEALED, "odd": sealed(3)})


def test_what_a_known_older_policy_left_in_clear_was_none():
    assert Mending.REENCRYPTED is told(item(policy=OPEN_POLICY, ssn=TEXT, kind=TEXT), SEALED)


@pytest.mark.parametrize(
    ("found_at", "expected"),
    [
        (None, Mending.REENCRYPTED),
        (1_600_000_100, Mending.REENCRYPTED),
        (1_650_003_599, Mending.REENCRYPTED),
        (1_650_003_600, Mending.REMEDIATED),
    ],
)
def test_what_an_older_policy_allowed_is_no_exposure_for_a_finding_of_its_time_or_about_something_else(
    found_at, expected
):
    since = {"_open_since": {"N": str(found_at)}} if found_at else {}
    assert expected is told(item(policy=OPEN_POLICY, ssn=TEXT, kind=TEXT), {**SEALED, **since})


def test_a_policy_that_was_withdrawn_excuses_nothing_that_was_found():
    withdrawn = {**PUBLISHED, OPEN_POLICY.digest: PublishedPolicy(OPEN_POLICY, 1_660_000_000.0)}
    one = change(item(policy=OPEN_POLICY, ssn=TEXT, kind=TEXT), {**SEALED, "_open_since": {"N": "1660000001"}})
    assert Mending.REMEDIATED is mending(one, Verdict(VerdictKind.VERIFIED), POLICY, withdrawn)


def test_what_another_policy_sealed_beside_something_malformed_is_a_mending():
    """Published before the present one, or after it by a newer function."""
    old = item(policy=OPEN_POLICY, ssn=TEXT, kind=TEXT) | {"odd": sealed(99)}
    new = {**SEALED, "odd": sealed(99)}
    for present in (POLICY, OPEN_POLICY):
        one = change(old, new)
        verdict = verify(one, present, KEYS, PUBLISHED)
        assert (VerdictKind.MALFORMED, False) == (verdict.kind, verdict.broken_anew)
        assert Mending.REENCRYPTED is mending(one, verdict, present, PUBLISHED)


def test_an_older_policy_that_the_item_did_not_keep_to_or_that_nobody_knows_excuses_nothing():
    broken = item(policy=OPEN_POLICY, ssn=TEXT, kind=TEXT, odd=TEXT)
    assert Mending.REMEDIATED is told(broken, {**SEALED, "odd": sealed(3)})
    of_nobody = {**SEALED, "ssn": TEXT, "_policy": {"B": b"12345678"}}
    assert Mending.REMEDIATED is told(of_nobody, SEALED)
    of_no_form = {**SEALED, "ssn": TEXT, "_policy": {"S": "x"}}
    assert Mending.REMEDIATED is told(of_no_form, SEALED)


def test_raw_data_that_is_taken_over_is_adopted():
    assert Mending.ADOPTED is told(RAW, TAKEN_OVER)
    assert Mending.ADOPTED is told({**RAW, "ssn": sealed(1)}, TAKEN_OVER)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"ssn": sealed(1)}, {"ssn": sealed(2)}),
        (
            {"contacts": {"L": [{"M": {"email": sealed(1)}}, {"M": {"email": sealed(1)}}]}},
            {"contacts": {"L": [{"M": {"email": sealed(1)}}, {"M": {"email": sealed(2)}}]}},
        ),
        ({"odd": sealed(3)}, {"odd": sealed(4)}),
    ],
)
def test_a_value_under_another_key_is_reencrypted(old, new):
    assert Mending.REENCRYPTED is told(item(**old), item(**new))


def test_a_map_of_sealed_members_that_the_policy_now_wants_sealed_whole_is_reencrypted():
    by_member = parse_policy(SOURCE_TEXT + '"box.x" = { seal = "pii" }\n"box.y" = { plain = "string" }\n', "p")
    old = item(policy=by_member, box={"M": {"x": sealed(1), "y": TEXT}})
    published = PUBLISHED | {by_member.digest: PublishedPolicy(by_member, 1_640_000_000.0)}
    assert Mending.REENCRYPTED is mending(
        change(old, item(box=sealed(3))), Verdict(VerdictKind.VERIFIED), POLICY, published
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SEALED, {**SEALED, "_src": {"B": NEXT_PLACE.to_bytes()}, "ssn": sealed(2)}),
        ({**SEALED, "ssn": TEXT}, {**SEALED, "_src": {"B": NEXT_PLACE.to_bytes()}}),
        (RAW, SEALED),
        (TAKEN_OVER, SEALED),
        (SEALED, {**SEALED, "ssn": sealed(1, nonce=190)}),
        (item(policy=OPEN_POLICY, ssn=sealed(1), kind=TEXT), SEALED),
        ({**SEALED, "_open_since": SINCE}, SEALED),
    ],
)
def test_a_write_is_no_mending(old, new):
    assert told(old, new) is None


def test_what_looks_sensitive_in_plain_hides_no_mending():
    address = {"kind": {"S": "bob@example.com"}}
    undeclared = VerdictKind.UNDECLARED
    assert Mending.REMEDIATED is told({**SEALED, **address, "ssn": TEXT}, {**SEALED, **address}, undeclared)
    assert Mending.REENCRYPTED is told({**SEALED, **address}, {**SEALED, **address, "ssn": sealed(2)}, undeclared)
    assert Mending.ADOPTED is told({**RAW, **address}, {**TAKEN_OVER, **address}, undeclared)


@pytest.mark.parametrize(
    "faulty",
    [
        {"odd": sealed(99)},
        {"contacts": {"L": [{"M": {"email": sealed(99)}}]}},
        {"_x": sealed(3)},
        {"_src": {"B": b"no position"}},
        {"_expires_at": {"N": "1"}},
        {"_open_since": {"N": "0001700000000"}},
    ],
)
def test_what_was_malformed_before_and_cannot_be_mended_hides_no_mending(faulty):
    old, new = {**SEALED, **faulty}, {**SEALED, **faulty, "ssn": sealed(2)}
    assert Mending.REENCRYPTED is told(old, new, VerdictKind.MALFORMED)
    assert Mending.REMEDIATED is told({**old, "ssn": TEXT}, new, VerdictKind.MALFORMED)


def test_what_is_sealed_under_a_reserved_name_was_remediated():
    assert Mending.REMEDIATED is told({**SEALED, "_x": TEXT}, {**SEALED, "_x": sealed(3)}, VerdictKind.MALFORMED)


def test_sealed_values_of_an_item_without_a_source_position_are_reencrypted():
    old = {**RAW, "ssn": sealed(1)}
    new = {**old, "ssn": sealed(2), "_policy": {"B": POLICY.digest}}
    assert Mending.REENCRYPTED is told(old, new, VerdictKind.MALFORMED)
    assert told({**old, "ssn": TEXT}, new, VerdictKind.MALFORMED) is None, "who takes it over says that he found it"


@pytest.mark.parametrize(
    ("verdict", "old", "new"),
    [
        (VerdictKind.PLAINTEXT, {**SEALED, "odd": TEXT}, {**SEALED, "odd": TEXT, "ssn": sealed(2)}),
        (VerdictKind.STALE, {**SEALED, "odd": sealed(5)}, {**SEALED, "odd": sealed(5), "ssn": sealed(2)}),
        (VerdictKind.MALFORMED, {**SEALED, "odd": {"B": b"raw"}}, {**SEALED, "odd": {"B": b"raw"}, "ssn": sealed(2)}),
    ],
)
def test_while_something_is_left_to_mend_nothing_is_told_as_mended(verdict, old, new):
    assert told(old, new, verdict) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SEALED, {**SEALED, "ssn": sealed(99)}),
        ({**SEALED, "ssn": TEXT}, {**SEALED, "ssn": sealed(99)}),
        (SEALED, {**SEALED, "ssn": sealed(2), "_x": sealed(3)}),
        (SEALED, {**SEALED, "ssn": sealed(2), "_policy": {"B": b"12345678"}}),
        (SEALED, {**SEALED, "kind": sealed(1)}),
        (
            {**SEALED, "_src": {"B": b"no position"}},
            {**SEALED, "_src": {"B": b"no position"}, "ssn": sealed(2), "kind": {"S": "another"}},
        ),
    ],
)
def test_what_breaks_something_is_no_mending(old, new):
    assert told(old, new, VerdictKind.MALFORMED) is None


@pytest.mark.parametrize(
    ("kind", "old", "new"), [(ChangeKind.INSERT, None, TAKEN_OVER), (ChangeKind.REMOVE, SEALED, None)]
)
def test_an_item_that_comes_or_goes_is_not_mended(kind, old, new):
    assert mending(change(old, new, kind), Verdict(VerdictKind.VERIFIED), POLICY, PUBLISHED) is None


@pytest.mark.parametrize(
    ("since", "changed_at", "expected"),
    [
        (SINCE, CHANGED_AT, 60),
        (SINCE, 1_700_000_000.9, 0),
        (SINCE, 1_600_000_000.0, 0),
        (SINCE, 0.0, None),
        ({"N": "0"}, CHANGED_AT, None),
        ({"N": "1E+9"}, CHANGED_AT, None),
        ({"S": "canary"}, CHANGED_AT, None),
    ],
)
def test_how_long_it_lay_open_is_told_in_whole_seconds_where_both_times_are_known(since, changed_at, expected):
    assert expected == open_seconds(change(RAW, {**TAKEN_OVER, "_open_since": since}, changed_at=changed_at))


def test_without_a_time_of_exposure_nobody_knows_how_long():
    assert open_seconds(change(RAW, TAKEN_OVER)) is None
    assert open_seconds(change(RAW, None)) is None
