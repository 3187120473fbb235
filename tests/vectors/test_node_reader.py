"""The recorded cases, and whole items, open with a reader in Node that was written from the page alone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared.envelope.typed_value import decode
from shared.keys.keyring import Keyring
from shared.model import Attributes
from shared.policy.load import parse_policy
from shared.policy.plan import plan
from shared.sealing import ItemAddress, seal_item
from shared.source_position import counter_position
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.vectors import generate
from tests.vectors.node_reader import FOLDER, Entry, answers

VECTORS = json.loads((FOLDER / "envelope_v1.json").read_text(encoding="utf-8"))
POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[classes.pci]
[attributes]
"amount" = { plain = "number" }
"ssn" = { seal = "pii" }
"address" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"contacts[].kind" = { plain = "string" }
"**.card" = { seal = "pci" }
""",
    "policy.toml",
)
RECORD: Attributes = {
    "amount": {"N": "12.5"},
    "ssn": {"S": "123-45-6789"},
    "address": {"M": {"lines": {"L": [{"S": "1 Main St"}, {"NULL": True}]}, "door": {"B": b"\x00\xff"}}},
    "contacts": {"L": [{"M": {"kind": {"S": "home"}, "email": {"S": "a@b.example"}}}]},
    "accounts": {"M": {"10": {"M": {"card": {"NS": ["1", "2"]}}}, "__proto__": {"M": {"card": {"S": "4111"}}}}},
    "undeclared": {"BOOL": False},
}


@pytest.fixture(scope="module")
def sealed_item() -> Entry:
    """An item as the encryptor writes it, and its data keys."""
    store, service = FakeKeyStore(), FakeKeyService()
    keyring = Keyring(
        store=store,
        service=service,
        dataset=POLICY.dataset,
        trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
    )
    address = ItemAddress("acme", "c-1", counter_position(1), arrived_at=1_700_000_000.5)
    item = seal_item(address, plan(POLICY, RECORD), policy=POLICY, keyring=keyring).item
    rows = zip(store.all_rows(), service.generated, strict=True)
    return {
        "dataset": "customers",
        "tenant_id": "acme",
        "item_id": "c-1",
        "item": as_json(item.attributes),
        "data_keys": {
            context["key_id"]: service.decrypt(row.encrypted_data_key, row.kms_key_arn, context).hex()
            for row, context in rows
        },
    }


def as_json(attributes: Attributes) -> dict[str, Any]:
    return {name: generate.as_json(value) for name, value in attributes.items()}


@pytest.fixture(scope="module")
def recorded() -> dict[tuple[str, str], Entry]:
    """What it makes of every recorded case, asked once."""
    cases = [(kind, entry) for kind in ("opens", "refused") for entry in VECTORS[kind]]
    found = answers([entry for _, entry in cases])
    return {(kind, entry["name"]): answer for (kind, entry), answer in zip(cases, found, strict=True)}


@pytest.mark.parametrize("entry", VECTORS["opens"], ids=lambda entry: entry["name"])
def test_a_recorded_case_opens_to_its_value_in_node(entry, recorded):
    assert {"value": entry["value"]} == recorded["opens", entry["name"]]


@pytest.mark.parametrize("entry", VECTORS["refused"], ids=lambda entry: entry["name"])
def test_a_recorded_bad_case_is_refused_for_its_reason_in_node(entry, recorded):
    assert {"refused": entry["why"]} == recorded["refused", entry["name"]]


def test_an_item_is_opened_where_its_sealed_values_stand(sealed_item):
    (answer,) = answers([sealed_item])

    own = {name: sealed_item["item"][name] for name in ("tenant_id", "item_id", "_src", "_policy", "_arrived")}
    assert {**as_json(RECORD), **own} == answer["item"]
    assert sorted(sealed_item["data_keys"]) == answer["key_ids"]


@pytest.mark.parametrize("changed", ["dataset", "tenant_id", "item_id"])
def test_an_item_of_another_place_does_not_open(sealed_item, changed):
    assert [{"refused": "does_not_open"}] == answers([{**sealed_item, changed: "other"}])


def test_an_attribute_that_was_moved_does_not_open(sealed_item):
    item = sealed_item["item"]

    assert [{"refused": "does_not_open"}] == answers([{**sealed_item, "item": {**item, "address": item["ssn"]}}])


def test_without_its_data_key_a_value_does_not_open(sealed_item):
    assert [{"refused": "does_not_open"}] == answers([{**sealed_item, "data_keys": {}}])


def test_a_binary_that_is_no_sealed_value_is_refused(sealed_item):
    item = {**sealed_item["item"], "photo": {"B": ""}}

    assert [{"refused": "not_sealed"}] == answers([{**sealed_item, "item": item}])


def test_a_place_with_a_lone_surrogate_is_not_the_place_of_its_replacement():
    sealed = generate.entry("", b"0\x00\x00\x00\x00", path=("\ufffd",))

    assert [{"value": {"NULL": True}}, {"refused": "does_not_open"}] == answers(
        [sealed, {**sealed, "path": [{"key": "\ud800"}]}]
    )


def test_the_same_spellings_of_numbers_are_taken_as_by_the_project():
    spelled = [
        *("0", "-0", "00", "01", "1.", ".5", "0.5", "-0.5", "1.0", "+1", "1e2", "1E+2", " 1", "1\n", "", "-", "NaN"),
        *("\N{FULLWIDTH DIGIT ONE}", "1" * 38, "1" * 39, "1" * 30 + "." + "1" * 9, "1" + "0" * 125, "1" + "0" * 126),
        *("0." + "0" * zeros + "1" for zeros in (129, 130, 200)),
    ]
    plaintexts = [b"N" + text(number) for number in spelled]

    assert [by_the_project(raw) for raw in plaintexts] == answers([generate.entry("", raw) for raw in plaintexts])


def text(content: str) -> bytes:
    raw = content.encode()
    return len(raw).to_bytes(4, "big") + raw


def by_the_project(plaintext: bytes) -> Entry:
    try:
        return {"value": generate.as_json(decode(plaintext))}
    except ValueError:
        return {"refused": "not_sealed"}


def test_it_needs_nothing_but_the_cipher_module():
    source = (FOLDER / "reader.mjs").read_text(encoding="utf-8")

    assert ['"node:crypto"'] == re.findall(r"\b(?:from|import|require)\b\s*\(?\s*(\"[^\"]*\")", source)
