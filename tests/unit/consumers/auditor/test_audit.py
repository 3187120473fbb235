"""Every change gets one event; what cannot be judged is delivered again; no value is ever printed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from consumers.auditor.audit import Auditor, AuditResult
from consumers.auditor.gather import KnownPolicies
from shared.errors import StoreUnavailable
from shared.keys.ports import DataKeyRow
from shared.model import ChangeKind, Finding, KeyState, Verdict, VerdictKind
from shared.policy.load import load_policy
from shared.policy.verify import verify
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import POLICY_FILE
from shared.trail.ocsf import ocsf
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.key_store import FakeKeyStore

CANARY = "canary-4111-1111-1111-1111"
KEY_ID = 7


def stream_record(sequence_number, image, *, tenant_id="acme", item_id="i-1", name="INSERT", old=None):
    keys = {"tenant_id": {"S": tenant_id}, "item_id": {"S": item_id}}
    body = {
        "ApproximateCreationDateTime": 1693997155.0,
        "Keys": keys,
        "SequenceNumber": sequence_number,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if image is not None:
        body["NewImage"] = keys | image
    if old is not None:
        body["OldImage"] = keys | old
    return {"eventID": sequence_number, "eventName": name, "dynamodb": body}


def sealed(key_id=KEY_ID):
    return {"B": base64.b64encode(b"\x01" + key_id.to_bytes(4, "big") + bytes(range(200, 250))).decode()}


def judge_by_name(change, policy, key_states, past_policies):
    """Stands for `verify`: the verdict that the item's id names."""
    del policy, key_states, past_policies
    if change.kind is ChangeKind.REMOVE:
        return Verdict(VerdictKind.REMOVED)
    kind = VerdictKind(change.item_id)
    findings = () if kind is VerdictKind.VERIFIED else (Finding(kind, "name", "made up", "pii"),)
    return Verdict(kind, findings, sealed_count=1)


@pytest.fixture
def store():
    store = FakeKeyStore()
    store.put_row(DataKeyRow("acme", KEY_ID, "pii", b"", "arn", "", KeyState.ACTIVE, 0.0))
    return store


def auditor(store, judge=judge_by_name, findings=None):
    queue = findings or FakeFindingsQueue()
    return Auditor(load_policy(POLICY_FILE), store, KnownPolicies(store), AuditLog(), queue, judge)


def events(capsys) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_change_gives_exactly_one_event(store, capsys):
    kinds = ["verified", "stale", "plaintext", "malformed", "undeclared"]
    records = [stream_record(str(number), {}, item_id=kind) for number, kind in enumerate(kinds, start=1)]
    records.append(stream_record("6", None, name="REMOVE", old={"name": {"S": CANARY}}))
    result = auditor(store).audit(records)
    written = events(capsys)
    expected = [
        "item.written",
        "item.stale",
        "item.plaintext_found",
        "item.malformed",
        "item.undeclared_sensitive",
        "item.removed",
    ]
    assert expected == [event["event"] for event in written]
    assert [event["sequence_number"] for event in written] == ["1", "2", "3", "4", "5", "6"]
    assert dict.fromkeys(VerdictKind, 1) == result.verdicts
    assert (result.received, result.failed_sequence_numbers) == (6, [])
    assert result.oldest_changed_at == 1693997155.0


def test_the_judge_gets_the_policy_and_the_states_of_the_tenants_keys(store):
    seen = []

    def judge(change, policy, key_states, past_policies):
        seen.append((change.sequence_number, policy.dataset, set(key_states), dict(past_policies)))
        return Verdict(VerdictKind.VERIFIED)

    auditor(store, judge).audit([stream_record("1", {"a": sealed()}), stream_record("2", {"a": sealed(99)})])
    assert [("1", "customers", {KEY_ID}, {}), ("2", "customers", {KEY_ID}, {})] == seen


def test_a_change_that_cannot_be_read_is_malformed_and_no_retry(store, capsys):
    records = [stream_record("1", {"a": {"X": CANARY}}), stream_record("2", {}, item_id="verified")]
    result = auditor(store).audit(records)
    out, err = capsys.readouterr()
    assert result.verdicts == {VerdictKind.MALFORMED: 1, VerdictKind.VERIFIED: 1}
    assert result.failed_sequence_numbers == []
    assert CANARY not in out + err


def test_a_spoiled_row_of_one_key_is_said_of_its_values_and_holds_nobody_up(store, capsys):
    store.put_row(DataKeyRow("acme", 8, "pii", b"", "arn", "", KeyState.ACTIVE, 0.0))
    store.put_row(DataKeyRow("bolt", KEY_ID, "pii", b"", "arn", "", KeyState.ACTIVE, 0.0))
    store.spoil("acme", KEY_ID)
    records = [
        stream_record("1", {"ssn": sealed()}),
        stream_record("2", {"ssn": sealed(8)}),
        stream_record("3", {"ssn": sealed()}, tenant_id="bolt"),
    ]
    assert auditor(store, verify).audit(records).failed_sequence_numbers == []
    reasons = [
        {finding["why"] for finding in event["findings"] if finding["where"] == "ssn"} for event in events(capsys)
    ]
    assert [{"its data key's row is not readable"}, set(), set()] == reasons


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e18, -1e12, 10**400])
def test_a_time_that_is_none_does_not_hold_up_the_shard(store, capsys, at):
    strange, sound = stream_record("1", {}), stream_record("2", {}, item_id="verified")
    strange["dynamodb"]["ApproximateCreationDateTime"] = at
    assert auditor(store).audit([strange, sound]).failed_sequence_numbers == []
    assert [("1", "malformed"), ("2", "verified")] == [
        (event["sequence_number"], event["verdict"]) for event in events(capsys)
    ]


def test_a_value_nested_too_deep_does_not_hold_up_the_shard(store, capsys):
    value: dict[str, Any] = {"S": CANARY}
    for _ in range(5_000):
        value = {"L": [value]}
    assert auditor(store, verify).audit([stream_record("1", {"a": value})]).failed_sequence_numbers == []
    assert ["malformed"] == [event["verdict"] for event in events(capsys)]


BINARY_CANARIES = {
    "a card number as sequence number": b"k" + bytes(7) + (4111111111111111).to_bytes(24, "big") + bytes(4),
    "prose as place": b"k" + bytes(7) + b"prose of twenty-eight bytes.",
    "prose behind an order": b"ot" + bytes(6) + bytes(16) + b"k" + bytes(7) + b"prose of twenty-eight bytes.",
}


@pytest.mark.parametrize("source", BINARY_CANARIES.values(), ids=BINARY_CANARIES.keys())
def test_the_content_of_a_source_position_that_is_none_is_not_printed(store, capsys, source):
    image = {"_src": {"B": base64.b64encode(source).decode()}, "_policy": {"B": base64.b64encode(b"41111111").decode()}}
    auditor(store, verify).audit([stream_record("1", image)])
    (event,) = events(capsys)
    assert event["verdict"] in {"plaintext", "malformed"}
    assert not event.keys() & {"source_sequence_number", "source_sub_sequence", "policy"}


def test_an_unavailable_key_store_fails_the_batch_from_the_first_change_that_needs_it(store, capsys):
    store.fail_with = StoreUnavailable("reading the key store: ThrottlingException")
    records = [
        stream_record("1", {"name": {"S": CANARY}}, item_id="plaintext"),
        stream_record("2", {"a": sealed(), "name": {"S": CANARY}}, tenant_id="bolt", item_id="verified"),
        stream_record("3", {"name": {"S": CANARY}}, item_id="plaintext"),
    ]
    result = auditor(store).audit(records)
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    assert result.failed_sequence_numbers == ["2"]
    assert [line["event"] for line in lines] == ["item.plaintext_found", "failure"]
    assert {"event", "error", "raised_at", "sequence_number", "message"} == lines[1].keys()
    assert CANARY not in out + err


@pytest.mark.parametrize("raised", [ValueError(CANARY), RecursionError(CANARY), KeyError(CANARY)])
def test_an_unforeseen_error_of_the_judge_is_retried_and_quotes_nothing(store, capsys, raised):
    def judge(change, policy, key_states, past_policies):
        canary = change.new  # a frame local with the value, as any real failure would have
        raise raised from RuntimeError(canary)

    result = auditor(store, judge).audit([stream_record("1", {"name": {"S": CANARY}})])
    out, err = capsys.readouterr()
    assert result.failed_sequence_numbers == ["1"]
    assert json.loads(out)["error"] == type(raised).__name__
    assert CANARY not in out + err


def test_a_batch_delivered_again_repeats_its_event_ids(store, capsys):
    records = [stream_record("1", {}, item_id="verified"), stream_record("2", {"a": {"X": 1}})]
    ids = []
    for _ in range(2):
        auditor(store).audit(records)
        ids.append([event["event_id"] for event in events(capsys)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_an_empty_batch_is_nothing(store):
    result = auditor(store).audit([])
    assert AuditResult(0, {}, [], None, findings_sent=0) == result


WEIRD_IMAGES = {
    "clear where sealed": {"ssn": {"S": CANARY}, "name": {"S": CANARY}},
    "an undeclared name": {CANARY: {"S": CANARY}},
    "nested": {"contacts": {"L": [{"M": {"email": {"S": CANARY}, CANARY: {"SS": [CANARY]}}}]}},
    "another type than declared": {"amount": {"S": CANARY}, "created_at": {"M": {CANARY: {"N": "1"}}}},
    "binary": {"ssn": {"B": base64.b64encode(CANARY.encode()).decode()}},
    "binary set": {"ssn": {"BS": [base64.b64encode(CANARY.encode()).decode()]}},
    "system attributes": {"_src": {"S": CANARY}, "_policy": {"M": {CANARY: {"S": CANARY}}}, "_" + CANARY: {"S": "x"}},
    "a name": {"card 4111-1111-1111-1111": sealed()},
    "of no type": {"ssn": {CANARY: CANARY}},
    "no value at all": {"ssn": CANARY},
    "card as number": {"amount": {"N": "4111111111111111"}},
    "card in plain text": {"currency": {"S": "4111111111111111"}},
}


@pytest.mark.parametrize("image", WEIRD_IMAGES.values(), ids=WEIRD_IMAGES.keys())
@pytest.mark.parametrize("side", ["new", "old"])
def test_no_value_and_no_undeclared_name_of_any_image_is_ever_printed(store, capfd, image, side):
    if side == "new":
        record = stream_record("1", image, name="MODIFY", old={})
    else:
        record = stream_record("1", None, name="REMOVE", old=image)
    result = auditor(store, verify).audit([record])
    out, err = capfd.readouterr()
    assert result.failed_sequence_numbers == []
    (event,) = out.splitlines()
    in_ocsf = json.dumps(ocsf(json.loads(event)))
    for canary in (CANARY, "4111111111111111", base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex()):
        assert canary not in out + err + in_ocsf


@pytest.mark.parametrize("image", WEIRD_IMAGES.values(), ids=WEIRD_IMAGES.keys())
def test_no_such_image_is_verified(store, image):
    result = auditor(store, verify).audit([stream_record("1", image)])
    assert VerdictKind.VERIFIED not in result.verdicts
