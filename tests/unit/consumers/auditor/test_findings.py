"""Each item that must be looked at again is sent once, before its change counts as done."""

from __future__ import annotations

import base64
import json

import pytest

from consumers.auditor.audit import Auditor
from consumers.auditor.findings import BatchFindings
from consumers.auditor.gather import KnownPolicies
from consumers.auditor.report import report_batch
from shared.errors import StoreUnavailable
from shared.findings import TO_MEND, ItemReference
from shared.model import ChangeKind, Finding, ItemChange, Verdict, VerdictKind
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import POLICY_FILE
from shared.source_position import kinesis_position
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.key_store import FakeKeyStore

PLAINTEXT, MALFORMED, STALE = VerdictKind.PLAINTEXT, VerdictKind.MALFORMED, VerdictKind.STALE
VERIFIED, UNDECLARED, REMOVED = VerdictKind.VERIFIED, VerdictKind.UNDECLARED, VerdictKind.REMOVED


def open_now(kind=PLAINTEXT, *, before=False):
    return Verdict(kind, exposed=True, exposed_before=before)


def found(*judged):
    """What is sent after pairs of an item id and a verdict or its kind, each a second after the one before."""
    findings = BatchFindings()
    for second, (item_id, kind) in enumerate(judged, start=1):
        change = ItemChange(str(second), ChangeKind.MODIFY, "acme", item_id, {}, {}, float(second))
        findings.add(change, kind if isinstance(kind, Verdict) else Verdict(kind))
    return findings


def sent(*judged):
    return [(one.item_id, one.reason, one.changed_at) for one in found(*judged).references()]


@pytest.mark.parametrize("kind", VerdictKind)
def test_what_the_reencryptor_can_mend_is_sent(kind):
    assert ([("one", kind, 0.0)] if kind in TO_MEND else []) == sent(("one", kind))


@pytest.mark.parametrize("kind", [PLAINTEXT, MALFORMED])
def test_what_is_in_clear_is_sent_with_since_when_if_it_was_not_so_before(kind):
    assert [("one", kind, 1.0)] == sent(("one", open_now(kind)))
    assert [("one", kind, 0.0)] == sent(("one", open_now(kind, before=True)))


def test_an_item_is_sent_once_with_when_it_was_first_in_clear():
    assert [("one", MALFORMED, 1.0)] == sent(("one", open_now()), ("one", open_now(MALFORMED, before=True)))
    assert [("one", PLAINTEXT, 2.0)] == sent(("one", STALE), ("one", open_now()), ("one", open_now(before=True)))
    assert [("one", PLAINTEXT, 0.0)] == sent(("one", open_now(before=True)), ("one", open_now(before=True)))
    assert [("one", PLAINTEXT, 1.0)] == sent(("one", open_now()), ("one", open_now())), "it never was sound between"


def test_what_is_in_clear_no_more_has_no_such_time():
    assert [("one", STALE, 0.0)] == sent(("one", open_now()), ("one", STALE))
    assert [("one", PLAINTEXT, 3.0)] == sent(("one", open_now()), ("one", MALFORMED), ("one", open_now()))


@pytest.mark.parametrize("later", [VERIFIED, REMOVED, UNDECLARED])
def test_an_item_that_a_later_change_left_sound_is_not_sent(later):
    assert [] == sent(("one", PLAINTEXT), ("one", later))
    assert [("one", PLAINTEXT, 3.0)] == sent(("one", open_now()), ("one", later), ("one", open_now()))


def test_what_looks_sensitive_does_not_hide_what_is_stale():
    both = Verdict(UNDECLARED, (Finding(UNDECLARED, "name", "x"), Finding(STALE, "ssn", "x")))
    assert [("one", STALE, 0.0)] == sent(("one", both))


def test_the_first_change_with_something_to_send_is_known():
    assert ["2"] == found(("one", VERIFIED), ("two", STALE), ("one", STALE), ("two", PLAINTEXT)).first()
    assert ["3"] == found(("one", STALE), ("one", VERIFIED), ("two", STALE), ("one", STALE)).first()
    assert [] == found(("one", VERIFIED)).first()


def judge_by_name(change, *_):
    kind = VerdictKind(change.item_id.split(".")[0])
    return Verdict(kind, exposed=kind is PLAINTEXT)


@pytest.fixture
def queue():
    return FakeFindingsQueue()


@pytest.fixture
def auditor(queue):
    store = FakeKeyStore()
    return Auditor(load_policy(POLICY_FILE), store, KnownPolicies(store), AuditLog(), queue, judge_by_name)


def stream_record(sequence_number, item_id, image=None):
    keys = {"tenant_id": {"S": "acme"}, "item_id": {"S": item_id}}
    body = {"ApproximateCreationDateTime": 5.0, "Keys": keys, "NewImage": image or keys}
    return {"eventName": "INSERT", "dynamodb": body | {"SequenceNumber": sequence_number}}


UNREADABLE = stream_record("9", "x", {"a": {"X": 1}})


def test_what_a_batch_found_is_sent_together(auditor, queue):
    result = auditor.audit(
        [stream_record("1", "plaintext"), stream_record("2", "verified"), stream_record("3", "stale")]
    )
    expected = [ItemReference("acme", "plaintext", PLAINTEXT, 5.0), ItemReference("acme", "stale", STALE, 0.0)]
    assert expected == queue.references()
    assert 1 == len(queue.bodies)
    assert ([], 2) == (result.failed_sequence_numbers, result.findings_sent)


def test_a_change_that_cannot_be_read_is_not_sent(auditor, queue):
    assert 0 == auditor.audit([UNREADABLE]).findings_sent
    assert [] == queue.bodies


def test_what_was_found_before_a_change_that_cannot_be_judged_is_sent(auditor, queue):
    result = auditor.audit([stream_record("1", "stale"), stream_record("2", "no such verdict")])
    assert ["2"] == result.failed_sequence_numbers
    assert ["stale"] == [one.item_id for one in queue.references()]


@pytest.mark.parametrize("error", [StoreUnavailable("sending findings: ServiceUnavailable"), KeyError("canary")])
def test_where_findings_cannot_be_sent_the_first_change_that_has_one_is_delivered_again(auditor, queue, capsys, error):
    queue.fail_with = error
    records = [stream_record("1", "verified"), stream_record("2", "stale"), stream_record("3", "no such verdict")]
    result = auditor.audit(records)
    assert (["2"], 0) == (result.failed_sequence_numbers, result.findings_sent)
    assert (3, {VERIFIED: 1}) == (result.received, result.verdicts), "what comes again counts when it is done"
    before = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "canary" not in json.dumps(before)

    queue.fail_with = None
    assert {STALE: 1} == auditor.audit(records[1:2]).verdicts
    again = json.loads(capsys.readouterr().out.splitlines()[0])
    assert again["event_id"] == before[1]["event_id"]
    assert ["stale"] == [one.item_id for one in queue.references()]


def test_while_findings_cannot_be_sent_what_comes_again_and_again_is_told_as_retried_and_no_lag(auditor, queue, capsys):
    position, keys = kinesis_position(b"key", "1", 0), {"tenant_id": {"S": "acme"}, "item_id": {"S": "verified"}}
    brought = keys | {
        "_src": {"B": base64.b64encode(position.to_bytes()).decode()},
        "_arrived": {"N": "1700000000123"},
    }
    queue.fail_with = StoreUnavailable("sending findings: ServiceUnavailable")
    records = [stream_record("1", "stale"), *(stream_record(str(n), "verified", brought) for n in (2, 3))]
    report_batch(auditor.audit(records), started=1_700_000_001.0, ended=1_700_000_001.123)
    refused = json.loads(capsys.readouterr().out.splitlines()[-1])
    queue.fail_with = None
    report_batch(auditor.audit(records), started=1_700_000_002.0, ended=1_700_000_002.123)
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    names = ("RecordsRetried", "ItemsVerified", "ItemsStale", "PutToVerifiedSeconds")
    assert [3, 0, 0, None] == [refused.get(name) for name in names]
    assert [0, 2, 1, [2.0, 2.0]] == [done.get(name) for name in names]
