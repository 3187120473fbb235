"""What `sealstream policy check` says of a policy and of a record, and that it shows no value."""

from __future__ import annotations

import json

import pytest

from ops.policy_check import Row, describe, policy_check, summary
from shared.policy.load import parse_policy

SOURCE = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
rotate_after_days = 90
[attributes]
"ssn" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"amount" = { plain = "number" }
"**.kind" = { plain = "string" }
"""
REJECTING = SOURCE.replace("[classes.pii]", '[defaults]\nundeclared = "reject"\n[classes.pii]')
KEYS = {"tenant_id": {"S": "acme"}, "id": {"S": "one"}}
KEY_ROWS = [
    Row("tenant_id", "plain, as the item's tenant_id", "[item]"),
    Row("id", "plain, as the item's item_id", "[item]"),
]


@pytest.fixture
def check(tmp_path, capsys):
    def run(source=SOURCE, record=None):
        policy_file, record_file = tmp_path / "policy.toml", tmp_path / "record.json"
        policy_file.write_text(source)
        if record is not None:
            record_file.write_text(record)
        status = policy_check(policy_file, None if record is None else record_file)
        printed = capsys.readouterr()
        return status, printed.out, printed.err.replace(str(tmp_path) + "/", "")

    return run


def rows(source=SOURCE, **attributes):
    described = describe(parse_policy(source, "policy.toml"), {**KEYS, **attributes})
    assert KEY_ROWS == described[:2]
    return described[2:]


def test_each_attribute_has_its_fate_and_the_line_that_decides_it():
    email = {"M": {"email": {"S": "a"}, "kind": {"S": "b"}}}
    assert [
        Row("ssn", "sealed as pii", "line 9: ssn"),
        Row("contacts[].email", "sealed as pii", "line 10: contacts[].email"),
        Row("contacts[].kind", "plain string", "line 12: **.kind"),
        Row("amount", "plain null", "line 11: amount"),
        Row('"odd name"', "sealed as restricted", "[defaults]: undeclared"),
    ] == rows(
        ssn={"S": "a"},
        contacts={"L": [email, email]},
        amount={"NULL": True},
        **{"odd name": {"M": {"x": {"N": "1"}}}},
    )


def test_a_type_that_is_not_the_declared_one_is_explained():
    assert [Row("amount", "sealed as restricted", "[defaults]: not the type of line 11: amount")] == rows(
        amount={"S": "12"}
    )


def test_an_undeclared_attribute_is_shown_as_rejected_where_the_policy_says_so():
    assert [Row("odd", "rejected: undeclared_attribute: ?", "[defaults]", rejected=True)] == rows(
        REJECTING, odd={"S": "x"}
    )


def test_a_reserved_name_is_shown_as_rejected():
    (row,) = rows(_odd={"S": "x"})
    assert (row.path, row.decided_by, row.rejected) == ("_odd", "reserved name", True)


def test_the_operation_is_no_attribute():
    assert [Row("_op", "not stored: says what to do with the item", "reserved name")] == rows(_op={"S": "delete"})


def test_a_record_without_its_keys_is_shown_as_rejected():
    (row,) = describe(parse_policy(SOURCE, "policy.toml"), {})
    assert (row.path, row.rejected) == ("(record)", True)


def test_the_summary_names_dataset_digest_classes_and_rules():
    policy = parse_policy(SOURCE, "policy.toml")
    text = "\n".join(summary(policy))
    for part in ("customers", policy.digest.hex(), "pii (new key every 90 days), restricted", "**.kind", "line 12"):
        assert part in text
    assert "detected     card, email, iban, us_ssn" in summary(policy)
    assert "detected     nothing" in summary(parse_policy("detect = []\n" + SOURCE, "policy.toml"))
    assert "undeclared   rejected" in summary(parse_policy(REJECTING, "policy.toml"))


def test_the_summary_shows_what_orders_records():
    ordered = parse_policy(SOURCE.replace('id = "id"', 'id = "id"\norder = "at"'), "policy.toml")
    text = "\n".join(summary(ordered))
    assert "order at" in text
    assert "plain number or string" in text


def test_a_good_policy_and_a_good_record_end_with_0(check):
    assert check()[0] == 0
    status, out, err = check(record=json.dumps({"tenant_id": "acme", "id": "1", "ssn": "canary", "odd": ["canary"]}))
    assert (status, err) == (0, "")
    assert "sealed as pii" in out
    assert "canary" not in out


def test_a_policy_that_does_not_load_ends_with_1_and_names_the_line(check):
    status, out, err = check(SOURCE.replace("plain", "plane"))
    assert (status, out) == (1, "")
    assert err.startswith('policy.toml:11: an attribute is { seal = "class" }')


def test_a_record_that_would_be_quarantined_ends_with_1(check):
    status, out, err = check(record='{"tenant_id": "acme", "id": "1", "_x": "canary"}')
    assert status == 1
    assert "rejected: reserved_name" in out
    assert err == "record.json: the record would be quarantined\n"
    assert "canary" not in out


def test_a_record_that_does_not_decode_ends_with_1(check):
    assert check(record='["canary"]') == (
        1,
        "",
        "record.json: quarantined: not_an_object: the payload is not a JSON object\n",
    )


def test_a_record_file_that_is_not_there_ends_with_1(tmp_path, capsys):
    policy_file = tmp_path / "policy.toml"
    policy_file.write_text(SOURCE)
    assert policy_check(policy_file, tmp_path / "none.json") == 1
    assert "the record file must be readable: No such file" in capsys.readouterr().err


def test_a_name_with_control_characters_is_shown_escaped(check):
    out = check(record=json.dumps({"tenant_id": "acme", "id": "1", "\x1b[31m": 1}))[1]
    assert r'"\u001b[31m"' in out
    assert "\x1b" not in out


@pytest.mark.parametrize(("length", "status"), [(390_000, 0), (409_500, 1)])
def test_an_item_that_is_too_large_once_sealed_is_told(check, length, status):
    record = json.dumps({"tenant_id": "acme", "id": "1", "ssn": "x" * length})

    answered, out, _ = check(record=record)

    assert status == answered
    assert bool(status) == ("item_too_large" in out)
