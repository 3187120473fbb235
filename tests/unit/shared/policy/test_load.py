"""What policy.toml may say, and that every error names file, line, rule and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import PolicyError
from shared.model import ELEMENT
from shared.policy.compiled import KeepPlain, SealAs, Undeclared, UnknownOrder, rule_at
from shared.policy.detect.names import DEFAULT_DETECTORS, Detector
from shared.policy.load import load_policy, parse_policy

HEAD = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
"""
DESIGN_EXAMPLE = """\
version = 1
dataset = "customers"        # immutable

[item]
tenant = "tenant_id"
id = "id"
order = "updated_at"
unknown_order = "quarantine"

[defaults]
undeclared = "seal"
data_class = "restricted"

[classes.pii]
[classes.pci]
rotate_after_days = 90

[attributes]
"ssn"                          = { seal = "pii" }
"contacts[].email"             = { seal = "pii" }
"secret_item.nested_attribute" = { seal = "restricted" }
"**.card_number"               = { seal = "pci" }
"created_at"                   = { plain = "string" }
"amount"                       = { plain = "number" }
"""


def parse(text):
    return parse_policy(text, "policy.toml")


def refusal(text):
    with pytest.raises(PolicyError) as raised:
        parse(text)
    return str(raised.value)


def treatment(policy, *path):
    rule = rule_at(policy.place_of(path))
    return rule.treatment if rule else None


def test_the_example_of_the_design_loads():
    policy = parse(DESIGN_EXAMPLE)
    assert policy.dataset == "customers"
    assert policy.item.order == "updated_at"
    assert policy.item.unknown_order is UnknownOrder.QUARANTINE
    assert {name: one.rotate_after_days for name, one in policy.classes.items()} == {
        "pci": 90,
        "pii": None,
        "restricted": None,
    }
    assert treatment(policy, "contacts", ELEMENT, "email") == SealAs("pii")
    assert treatment(policy, "amount") == KeepPlain(frozenset({"N"}))
    assert treatment(policy, "deep", ELEMENT, "card_number") == SealAs("pci")
    assert treatment(policy, "contacts") is None
    assert policy.source == DESIGN_EXAMPLE
    assert len(policy.digest) == 8


def test_the_file_of_the_project_loads():
    policy = load_policy(Path(__file__).parents[4] / "policy.toml")
    assert len(policy.rules) > 0


def test_everything_optional_has_the_safe_default():
    policy = parse(HEAD)
    assert policy.defaults.undeclared is Undeclared.SEAL
    assert policy.defaults.data_class == "restricted"
    assert policy.item.order is None
    assert policy.item.unknown_order is UnknownOrder.QUARANTINE
    assert policy.rules == ()


def test_a_policy_chooses_what_is_detected():
    assert frozenset({Detector.CARD, Detector.NL_BSN}) == parse('detect = ["nl_bsn", "card"]\n' + HEAD).detect
    assert frozenset() == parse("detect = []\n" + HEAD).detect
    assert DEFAULT_DETECTORS == parse(HEAD).detect


def test_what_orders_records_is_plain_without_saying_so():
    policy = parse(HEAD + 'order = "updated_at"\n')
    assert treatment(policy, "updated_at") == KeepPlain(frozenset({"S", "N"}))
    assert policy.rules[0].line == 6


def test_a_declared_type_of_the_order_wins_over_the_implied_one():
    policy = parse(HEAD + 'order = "updated_at"\n[attributes]\nupdated_at = { plain = "number" }\n')
    assert treatment(policy, "updated_at") == KeepPlain(frozenset({"N"}))


def test_tenant_and_id_may_be_declared_as_what_they_are():
    policy = parse(HEAD + '[attributes]\ntenant_id = { plain = "string" }\nid = { plain = "string" }\n')
    assert len(policy.rules) == 2


def test_a_rule_may_be_a_table_of_its_own():
    policy = parse(HEAD + '[attributes."a.b"]\nplain = "boolean"\n')
    assert treatment(policy, "a", "b") == KeepPlain(frozenset({"BOOL"}))


def test_a_rule_written_twice_in_one_sense_is_one_rule():
    policy = parse(HEAD + '[attributes]\nssn = { seal = "restricted" }\n\'"ssn"\' = { seal = "restricted" }\n')
    assert [rule.line for rule in policy.rules] == [6 + 1]


def test_a_path_from_the_top_wins_over_one_at_any_depth():
    policy = parse(HEAD + '[attributes]\n"**.note" = { seal = "restricted" }\n"a.note" = { plain = "string" }\n')
    assert treatment(policy, "a", "note") == KeepPlain(frozenset({"S"}))
    assert treatment(policy, "b", "note") == SealAs("restricted")
    assert treatment(policy, "note") == SealAs("restricted")


@pytest.mark.parametrize("anywhere", ["**.c", "**.b.c", "**.a.b.c"])
def test_a_path_from_the_top_wins_however_long_the_other_is(anywhere):
    policy = parse(HEAD + f'[attributes]\n"{anywhere}" = {{ seal = "restricted" }}\n"a.b.c" = {{ plain = "string" }}\n')
    assert treatment(policy, "a", "b", "c") == KeepPlain(frozenset({"S"}))


def test_a_name_at_the_top_wins_over_the_same_name_at_any_depth():
    policy = parse(HEAD + '[attributes]\n"**.a" = { seal = "restricted" }\n"a" = { plain = "string" }\n')
    assert treatment(policy, "a") == KeepPlain(frozenset({"S"}))
    assert treatment(policy, "b", "a") == SealAs("restricted")


def test_of_two_paths_at_any_depth_the_longer_wins():
    policy = parse(
        HEAD + '[attributes]\n"**.code" = { seal = "restricted" }\n"**.currency.code" = { plain = "string" }\n'
    )
    assert treatment(policy, "price", "currency", "code") == KeepPlain(frozenset({"S"}))
    assert treatment(policy, "price", "code") == SealAs("restricted")


def test_a_path_under_a_plain_name_that_a_sealed_one_at_any_depth_would_cover_is_reachable():
    policy = parse(
        HEAD + '[attributes]\n"**.note" = { seal = "restricted" }\n"a.note" = { plain = "string" }\n'
        '"a.note.kind" = { plain = "string" }\n'
    )
    assert treatment(policy, "a", "note", "kind") == KeepPlain(frozenset({"S"}))


def test_loading_an_unreadable_file_says_so(tmp_path):
    with pytest.raises(PolicyError, match=r"none\.toml:1: the policy file must be readable: No such file"):
        load_policy(tmp_path / "none.toml")


def test_loading_another_encoding_names_the_line(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_bytes(b'version = 1\n# caf\xe9\ndataset = "x"\n')
    with pytest.raises(PolicyError, match=r"policy\.toml:2: the policy file is UTF-8"):
        load_policy(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the policy's format has a version: write version = 1"),
        ("version = true", "1: the policy's format has a version"),
        ("# two\nversion = 2", "2: the policy's format has a version"),
        ("version = 1", '1: dataset is required: add dataset = "…"'),
        ("version = 1\ndataset = 5", "2: dataset is a string"),
        ('version = 1\n\ndataset = "_x"', "3: a dataset name is [A-Za-z0-9]"),
        ('version = 1\ndataset = "d"', '1: tenant is required: add tenant = "…"'),
        ("version = 1\nversion = 1", "2: the policy is TOML, each key once: correct it (Cannot overwrite a value)"),
        ("version = ", "1: the policy is TOML, each key once"),
        ("x = " + "[" * 50_000, "1: the policy is TOML without deep nesting"),
        ('version = 1\ndataset = "d"\nitem = 3', "3: item is a table: write [item]"),
        (
            'version = 1\ndataset = "d"\n[itme]',
            "3: the policy has only version, dataset, detect, item, defaults, classes",
        ),
        ('version = 1\ndataset = "d"\n"a\\u001b" = 1', "3: the policy has only"),
        (HEAD + 'ordre = "x"', "6: [item] has only tenant, id, order, unknown_order: remove or correct ordre"),
        (HEAD.replace('"id"', '"tenant_id"'), "5: tenant and id are two attributes"),
        (HEAD.replace('"id"', '"a.b"'), "5: id names one attribute at the top of the record"),
        (HEAD.replace('"id"', '"a[]"'), "5: id names one attribute at the top of the record"),
        (HEAD.replace('"id"', '"**.a"'), "5: id names one attribute at the top of the record"),
        (HEAD.replace('"id"', '"a b"'), "5: a component ends with `.`, `[]` or the path: put a name with spaces"),
        (HEAD.replace('"id"', '"_id"'), "5: a name that starts with _ is reserved"),
        (HEAD + 'order = "id"', "6: order is an attribute of its own"),
        (HEAD + 'unknown_order = "guess"', '6: unknown_order is none of "quarantine", "arrival": write one of them'),
        (HEAD + '[defaults]\nundeclared = "plain"', '7: undeclared is none of "seal", "reject": write one of them'),
        (HEAD + "[defaults]\nundeclared = true", "7: undeclared is a string"),
        (HEAD + '[defaults]\ndata_class = "a b"', "7: a data class's name is [A-Za-z]"),
        (HEAD + '[defaults]\nclass = "x"', "7: [defaults] has only undeclared, data_class"),
        (HEAD + "[classes.1a]", "6: a data class's name is [A-Za-z]"),
        (HEAD + "[classes]\npii = 3", "7: pii is a table: write [classes.pii]"),
        (HEAD + "[classes.pii]\nrotate_after_days = 0", "7: rotate_after_days is a positive whole number"),
        (HEAD + "[classes.pii]\nrotate_after_days = true", "7: rotate_after_days is a positive whole number"),
        (HEAD + "[classes.pii]\nrotate_after_days = 1.5", "7: rotate_after_days is a positive whole number"),
        (HEAD + "[classes.pii]\nrotate = 1", "7: [classes.pii] has only rotate_after_days"),
        (HEAD + '[attributes]\nssn = "pii"', "7: ssn is a table: write [attributes.ssn]"),
        (HEAD + "[attributes]\nssn = {}", '7: an attribute is { seal = "class" } or { plain = "type" }'),
        (HEAD + "[attributes]\nssn = { seal = 3 }", '7: an attribute is { seal = "class" } or { plain = "type" }'),
        (
            HEAD + '[attributes]\nssn = { seal = "restricted", plain = "string" }',
            '7: an attribute is { seal = "class" } or { plain = "type" }',
        ),
        (
            HEAD + '[attributes]\na.b = { seal = "restricted" }',
            '7: an attribute is { seal = "class" } or { plain = "type" }: write one of them, the whole path in quotes',
        ),
        (HEAD + '[attributes]\n\nssn = { seal = "pii" }', "8: a data class is declared: add [classes.pii]"),
        (HEAD + '[attributes."ssn"]\nseal = "pii"', "7: a data class is declared: add [classes.pii]"),
        (
            HEAD + '[attributes]\nx = { plain = "binary" }',
            '7: plain says its type: write "string", "number"',
        ),
        (HEAD + '[attributes]\n"a..b" = { plain = "string" }', "7: a path is made of names: a name is missing"),
        ('detect = "card"\n' + HEAD, '1: detect is a list: write detect = ["card", …], above the first table'),
        ('detect = ["cards"]\n' + HEAD, '1: detect names "card", "iban", "email"'),
        ("detect = [1]\n" + HEAD, '1: detect names "card", "iban", "email"'),
        ('detect = ["card", "card"]\n' + HEAD, "1: detect names each detector once: remove one card"),
        (
            HEAD + '[attributes]\n"_x.y" = { plain = "string" }',
            "7: names starting with _, tenant_id and item_id are",
        ),
        (
            HEAD + '[attributes]\nitem_id = { plain = "string" }',
            "7: names starting with _, tenant_id and item_id are",
        ),
        (HEAD + '[attributes]\nid = { seal = "restricted" }', "7: what [item] names is plain by nature"),
        (HEAD + '[attributes]\nid = { plain = "number" }', "7: what [item] names is plain by nature"),
        (HEAD + '[attributes]\n"tenant_id.x" = { plain = "string" }', "7: what [item] names is plain by nature"),
        (HEAD + 'order = "at"\n[attributes]\nat = { seal = "restricted" }', "8: what [item] names is plain by nature"),
        (HEAD + 'order = "at"\n[attributes]\nat = { plain = "boolean" }', "8: what [item] names is plain by nature"),
        (
            HEAD + '[attributes]\nssn = { seal = "restricted" }\n\'"ssn"\' = { plain = "string" }',
            "8: a path is treated in one way: line 7 treats ssn in another",
        ),
        (
            HEAD + '[attributes]\n"a.b" = { plain = "string" }\na = { seal = "restricted" }',
            "7: a sealed parent seals all underneath as one value: a.b lies under a of line 8",
        ),
        (
            HEAD + '[attributes]\n"**.a" = { seal = "restricted" }\n"x[].a.b" = { plain = "string" }',
            "8: a sealed parent seals all underneath as one value: x[].a.b lies under **.a of line 7",
        ),
        (
            HEAD + '[attributes]\n"**.a" = { seal = "restricted" }\n"**.c.a.b" = { plain = "string" }',
            "8: a sealed parent seals all underneath as one value: **.c.a.b lies under **.a of line 7",
        ),
    ],
)
def test_a_broken_rule_is_refused_with_file_line_rule_and_advice(text, expected):
    assert refusal(text).startswith("policy.toml:" + expected)


def test_the_digest_is_the_meaning_s_not_the_file_s():
    reordered = """\
attributes."amount" = { plain = "number" }
attributes.'"created_at"' = { plain = "string" }
attributes."**.card_number" = { seal = "pci" }
attributes.'secret_item."nested_attribute"' = { seal = "restricted" }
attributes."contacts[].email" = { "seal" = 'pii' }
attributes.ssn.seal = "pii"
classes = { restricted = {}, pci = { rotate_after_days = 9_0 }, pii = {} }
item = { order = "updated_at", id = "id", tenant = "tenant_id" }
dataset = "customers"
version = 1
"""
    assert parse(DESIGN_EXAMPLE).digest == parse(reordered).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"customers"', '"clients"'),
        ('tenant = "tenant_id"', 'tenant = "customer"'),
        ('id = "id"', 'id = "key"'),
        ('order = "updated_at"', 'order = "changed_at"'),
        ('unknown_order = "quarantine"', 'unknown_order = "arrival"'),
        ('undeclared = "seal"', 'undeclared = "reject"'),
        ('data_class = "restricted"', 'data_class = "secret"\n[classes.restricted]'),
        ("[classes.pii]", "[classes.pii]\n[classes.phi]"),
        ("= 90", "= 91"),
        ('"ssn"       ', '"san"       '),
        ('"ssn"                          = { seal = "pii" }', '"ssn" = { seal = "pci" }'),
        ('"ssn"                          = { seal = "pii" }', '"ssn" = { plain = "string" }'),
        ('"contacts[].email"', '"contacts.email"'),
        ('"**.card_number"', '"card_number"'),
        ('"secret_item.nested_attribute"', "'\"secret_item.nested_attribute\"'"),
        ('{ plain = "number" }', '{ plain = "number_set" }'),
    ],
)
def test_every_change_of_meaning_changes_the_digest(old, new):
    assert old in DESIGN_EXAMPLE
    assert parse(DESIGN_EXAMPLE).digest != parse(DESIGN_EXAMPLE.replace(old, new)).digest


@pytest.mark.parametrize("detect", ["[]", '["card"]', '["phone", "nl_bsn", "private_key"]'])
def test_what_is_detected_leaves_the_digest_so_that_no_stored_item_is_stale(detect):
    assert parse(DESIGN_EXAMPLE).digest == parse(f"detect = {detect}\n{DESIGN_EXAMPLE}").digest


def test_the_digest_never_changes_between_versions_of_the_software():
    assert parse(DESIGN_EXAMPLE).digest.hex() == "453796d288cfdbd2"


def test_no_text_of_the_source_is_in_a_repr():
    assert "immutable" not in repr(parse(DESIGN_EXAMPLE))
