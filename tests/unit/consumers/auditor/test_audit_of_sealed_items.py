"""The auditor on items sealed as the encryptor seals them, with the real policy and the real judgement."""

from __future__ import annotations

import io
import json

import pytest

from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from shared.envelope.associated_data import record_prefix
from shared.envelope.cipher import ValueCipher
from shared.envelope.seal import seal_value
from shared.keys.ports import DataKeyRow
from shared.model import Attributes, KeyState
from shared.policy.load import load_policy, parse_policy
from shared.policy.plan import plan
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import POLICY_FILE
from shared.source_position import FOUND, kinesis_position
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.item_stream import as_lambda_gives_it
from tests.fakes.key_store import FakeKeyStore

POLICY = load_policy(POLICY_FILE)
OLDER = parse_policy(POLICY.source.replace('"address" = { seal = "pii" }', '"address" = { plain = "string" }'), "older")
CHANGED_AT = 1_693_997_155.0
PUBLISHED_AT = CHANGED_AT - 60
KEY_IDS = {"pii": 1, "phi": 2, "pci": 3, "restricted": 4}
RECORD: Attributes = {
    "created_at": {"S": "2026-03-01T12:00:00Z"},
    "amount": {"N": "12.5"},
    "name": {"S": "Ann Example"},
    "address": {"S": "12 High Street"},
    "contacts": {"L": [{"M": {"email": {"S": "ann@example.com"}, "kind": {"S": "home"}}}]},
    "payment": {"M": {"card_number": {"S": "4111111111111111"}}},
    "surprise": {"S": "undeclared"},
}


def sealed_item(policy=POLICY, place=1):
    planned = plan(policy, RECORD)
    prefix = record_prefix(dataset=policy.dataset, tenant_id="acme", item_id="i-1")
    ciphers = {name: ValueCipher.from_key(key_id, bytes(32)) for name, key_id in KEY_IDS.items()}
    sealed = [seal_value(ciphers[slot.data_class], prefix, slot.path, slot.value) for slot in planned.slots]
    return {
        **planned.fill(sealed),
        "tenant_id": {"S": "acme"},
        "item_id": {"S": "i-1"},
        "_src": {"B": kinesis_position(b"key", str(place), 0).to_bytes()},
        "_policy": {"B": policy.digest},
    }


@pytest.fixture
def store():
    store = FakeKeyStore()
    for data_class, key_id in KEY_IDS.items():
        store.put_row(DataKeyRow("acme", key_id, data_class, b"", "arn", "", KeyState.ACTIVE, 0.0))
    store.publish_policy(POLICY.digest, POLICY.source, PUBLISHED_AT)
    return store


def event_of(store, new, old=None):
    """The one audit event of a change to these images."""
    body = {
        "ApproximateCreationDateTime": CHANGED_AT,
        "Keys": as_lambda_gives_it({name: new[name] for name in ("tenant_id", "item_id")}),
        "NewImage": as_lambda_gives_it(new),
        "SequenceNumber": "111",
    }
    if old is not None:
        body["OldImage"] = as_lambda_gives_it(old)
    out = io.StringIO()
    result = Auditor(POLICY, store, KnownPolicies(store), AuditLog(out), FakeFindingsQueue()).audit(
        [{"eventName": "MODIFY" if old else "INSERT", "dynamodb": body}]
    )
    assert result.failed_sequence_numbers == []
    (line,) = out.getvalue().splitlines()
    return json.loads(line)


def test_a_sealed_item_is_verified(store):
    event = event_of(store, sealed_item())
    assert tuple(event[name] for name in ("event", "change", "findings", "sealed_count")) == (
        "item.written",
        "insert",
        [],
        5,
    )
    assert POLICY.digest.hex() == event["policy"]


def test_one_attribute_in_clear_is_found(store):
    event = event_of(store, sealed_item() | {"name": RECORD["name"]})
    assert event["event"] == "item.plaintext_found"
    assert [(finding["where"], finding["data_class"]) for finding in event["findings"]] == [("name", "pii")]


def test_an_item_under_a_key_that_is_no_longer_active_is_stale(store):
    store.set_state("acme", KEY_IDS["pci"], KeyState.DECRYPT_ONLY)
    event = event_of(store, sealed_item())
    assert event["event"] == "item.stale"
    assert [(one["where"], one["data_class"]) for one in event["findings"]] == [("?.card_number", "pci")]


def test_an_item_under_a_key_that_nobody_stored_is_malformed(store):
    store._rows.pop(("acme", KEY_IDS["pii"]))
    assert event_of(store, sealed_item())["event"] == "item.malformed"


def test_an_item_sealed_under_a_published_older_policy_is_stale_and_no_exposure(store):
    store.publish_policy(OLDER.digest, OLDER.source, PUBLISHED_AT - 60)
    assert event_of(store, sealed_item(OLDER))["event"] == "item.stale"


def test_an_item_that_claims_an_older_policy_long_after_it_was_superseded_is_judged_by_the_present_one(store):
    between = POLICY.source.replace("address", "addresses")
    store.publish_policy(OLDER.digest, OLDER.source, PUBLISHED_AT - 9_000)
    store.publish_policy(parse_policy(between, "between").digest, between, PUBLISHED_AT - 6_000)
    assert event_of(store, sealed_item(OLDER))["event"] == "item.plaintext_found"


def test_an_item_that_claims_a_policy_nobody_published_is_judged_by_the_present_one(store):
    assert event_of(store, sealed_item(OLDER))["event"] == "item.plaintext_found"


def test_a_source_position_that_went_back_is_malformed(store):
    assert event_of(store, sealed_item(place=1), old=sealed_item(place=2))["event"] == "item.malformed"


def test_an_undeclared_card_number_in_a_plain_attribute_is_found_without_printing_it(store):
    event = event_of(store, sealed_item() | {"created_at": {"S": "4111111111111111"}})
    assert event["event"] == "item.undeclared_sensitive"
    assert "4111111111111111" not in json.dumps(event)


def test_an_exposed_value_that_was_sealed_in_its_place_is_remediated_and_says_how_long_it_lay_open(store):
    exposed = sealed_item() | {"name": RECORD["name"]}
    event = event_of(store, sealed_item() | {"_open_since": {"N": str(int(CHANGED_AT) - 7)}}, old=exposed)
    assert ("item.remediated", "verified", 7) == (event["event"], event["verdict"], event["open_seconds"])


def test_an_exposure_of_unknown_beginning_says_nothing_of_how_long(store):
    event = event_of(store, sealed_item(), old=sealed_item() | {"name": RECORD["name"]})
    assert event["event"] == "item.remediated"
    assert "open_seconds" not in event


def test_what_only_a_tightened_policy_made_to_be_sealed_is_reencrypted_and_no_remediation(store):
    store.publish_policy(OLDER.digest, OLDER.source, PUBLISHED_AT - 60)
    assert event_of(store, sealed_item(), old=sealed_item(OLDER))["event"] == "item.reencrypted"


def test_an_old_image_of_a_policy_that_nobody_published_was_exposed(store):
    assert event_of(store, sealed_item(), old=sealed_item(OLDER))["event"] == "item.remediated"


def test_raw_data_that_was_taken_over_is_adopted(store):
    raw = {**RECORD, "tenant_id": {"S": "acme"}, "item_id": {"S": "i-1"}}
    adopted = sealed_item() | {"_src": {"B": FOUND.to_bytes()}}
    assert event_of(store, adopted, old=raw)["event"] == "item.adopted"


def test_a_mending_beside_what_looks_sensitive_in_plain_is_told_with_both(store):
    address = {"contacts": {"L": [{"M": {**sealed_item()["contacts"]["L"][0]["M"], "kind": {"S": "ann@example.com"}}}]}}
    event = event_of(store, sealed_item() | address, old=sealed_item() | address | {"name": RECORD["name"]})
    assert ("item.remediated", "undeclared", 1) == (event["event"], event["verdict"], event["finding_count"])


def test_a_sealed_value_in_the_place_of_a_plain_one_is_malformed(store):
    event = event_of(store, sealed_item() | {"amount": sealed_item()["name"]}, old=sealed_item())
    assert ("item.malformed", ["_src"]) == (event["event"], [finding["where"] for finding in event["findings"]])


def test_a_mending_that_leaves_something_stale_is_told_as_stale(store):
    store.set_state("acme", KEY_IDS["pci"], KeyState.DECRYPT_ONLY)
    event = event_of(store, sealed_item(), old=sealed_item() | {"name": RECORD["name"]})
    assert event["event"] == "item.stale"
