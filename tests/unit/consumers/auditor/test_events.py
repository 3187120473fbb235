"""One event per change; what it says, and what it withholds."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from consumers.auditor.events import EVENTS, write_event, write_unreadable
from shared.aws.stream_records import UnreadableChange
from shared.model import ChangeKind, Finding, ItemChange, Verdict, VerdictKind
from shared.policy.load import parse_policy
from shared.runtime.audit_log import AuditLog
from shared.source_position import kinesis_position

POSITION = kinesis_position(b"key", "49590338271490256608559692538361571095921575989136588898", 0)
CARD = "4111111111111111"
SOCIAL_SECURITY = "219-09-9999"
SOURCE = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
"""
POLICY = parse_policy(SOURCE, "policy.toml")
CHANGE = ItemChange(
    sequence_number="111",
    kind=ChangeKind.MODIFY,
    tenant_id="acme",
    item_id="i-1",
    old=None,
    new={"_src": {"B": POSITION.to_bytes()}, "_policy": {"B": b"12345678"}, "name": {"S": "Ann Example"}},
    changed_at=1693997155.0,
)


def written(change, verdict, policy=POLICY):
    out = io.StringIO()
    write_event(change, verdict, policy, AuditLog(out))
    (one,) = out.getvalue().splitlines()
    return json.loads(one)


def test_the_event_of_an_exposed_item_says_everything_but_values():
    finding = Finding(VerdictKind.PLAINTEXT, where="name", why="is in clear", data_class="pii")
    event = written(CHANGE, Verdict(VerdictKind.PLAINTEXT, (finding,), sealed_count=2))
    event_id = event.pop("event_id")
    expected = {
        "event": "item.plaintext_found",
        "at": "2023-09-06T10:45:55.000Z",
        "tenant_id": "acme",
        "item_id": "i-1",
        "change": "modify",
        "sequence_number": "111",
        "verdict": "plaintext",
        "findings": [{"kind": "plaintext", "where": "name", "why": "is in clear", "data_class": "pii"}],
        "finding_count": 1,
        "sealed_count": 2,
        "source_sequence_number": "49590338271490256608559692538361571095921575989136588898",
        "source_sub_sequence": 0,
        "policy": "3132333435363738",
    }
    assert expected == event
    assert len(event_id) == 32


@pytest.mark.parametrize("kind", VerdictKind)
@pytest.mark.parametrize(("before", "said"), [(False, "begun"), (True, "continued")])
def test_an_exposed_item_says_whether_it_was_so_before(kind, before, said):
    lies_open = kind in {VerdictKind.PLAINTEXT, VerdictKind.MALFORMED}
    verdict = Verdict(kind, exposed=True, exposed_before=before)
    assert (said if lies_open else None) == written(CHANGE, verdict).get("exposure")
    assert "exposure" not in written(CHANGE, Verdict(kind))


def test_a_hostile_item_cannot_swell_a_line_past_what_a_log_takes_nor_hide_the_worst():
    malformed = [Finding(VerdictKind.MALFORMED, where=f"list[].a{number}", why="x") for number in range(30_000)]
    exposed = Finding(VerdictKind.PLAINTEXT, where="name", why="is in clear", data_class="pii")
    event = written(CHANGE, Verdict(VerdictKind.PLAINTEXT, (*malformed, *malformed, exposed)))
    assert event["findings"][0]["kind"] == "plaintext"
    assert (len(event["findings"]), event["finding_count"]) == (50, 60_001)


@pytest.mark.parametrize("kind", VerdictKind)
def test_every_verdict_has_its_event(kind):
    assert EVENTS[kind] == written(CHANGE, Verdict(kind))["event"]


@pytest.mark.parametrize(("by_expiry", "expected"), [(True, "expiry"), (False, "principal")])
def test_a_removal_says_by_whom_and_nothing_of_the_image(by_expiry, expected):
    change = replace(CHANGE, kind=ChangeKind.REMOVE, new=None, old=CHANGE.new, by_expiry=by_expiry)
    event = written(change, Verdict(VerdictKind.REMOVED))
    assert expected == event["removed_by"]
    of_the_image = {
        "findings",
        "finding_count",
        "sealed_count",
        "source_sequence_number",
        "source_sub_sequence",
        "policy",
    }
    assert not event.keys() & of_the_image


def test_the_event_id_repeats_on_redelivery_whatever_the_verdict_and_differs_for_another_change():
    first = written(CHANGE, Verdict(VerdictKind.VERIFIED))["event_id"]
    assert first == written(CHANGE, Verdict(VerdictKind.STALE))["event_id"]
    assert first != written(replace(CHANGE, sequence_number="112"), Verdict(VerdictKind.VERIFIED))["event_id"]
    assert first != written(replace(CHANGE, tenant_id="bolt"), Verdict(VerdictKind.VERIFIED))["event_id"]


@pytest.mark.parametrize("kind", VerdictKind)
@pytest.mark.parametrize("key", [CARD, SOCIAL_SECURITY])
def test_an_id_that_is_itself_sensitive_is_withheld_from_every_event(kind, key):
    event = written(replace(CHANGE, item_id=key), Verdict(kind))
    assert event["item_id"].startswith("sha256:")
    assert key not in json.dumps(event)


@pytest.mark.parametrize("kind", VerdictKind)
def test_an_id_that_the_policys_own_detectors_find_is_withheld_too(kind):
    detecting = parse_policy('detect = ["phone"]\n' + SOURCE, "policy.toml")
    phone = "+49 170 1234567"
    assert written(replace(CHANGE, item_id=phone), Verdict(kind), detecting)["item_id"].startswith("sha256:")
    assert phone == written(replace(CHANGE, item_id=phone), Verdict(kind))["item_id"]


def test_an_id_leaves_too_little_of_a_digest_to_be_found_by_trying():
    # a full digest of a card or social security number is undone in seconds: there are few enough to try them all
    assert len("sha256:") + 4 == len(written(replace(CHANGE, item_id=CARD), Verdict(VerdictKind.PLAINTEXT))["item_id"])


def test_the_event_id_is_not_derived_from_an_items_id():
    other = replace(CHANGE, item_id=SOCIAL_SECURITY)
    verdict = Verdict(VerdictKind.PLAINTEXT)
    assert written(CHANGE, verdict)["event_id"] == written(other, verdict)["event_id"]


@pytest.mark.parametrize("tenant_id", ["Ann Example, 12 High Street", "", "_x", CARD, "a" * 129])
def test_a_tenant_that_no_policy_allows_is_withheld(tenant_id):
    assert written(replace(CHANGE, tenant_id=tenant_id), Verdict(VerdictKind.MALFORMED))["tenant_id"].startswith(
        "sha256:"
    )


@pytest.mark.parametrize(
    "system",
    [
        {},
        {"_src": {"S": CARD}, "_policy": {"S": CARD}},
        {"_src": {"B": CARD.encode()}, "_policy": {"B": CARD.encode()}},
        {"_src": {"M": {"B": {"S": CARD}}}, "_policy": {"L": []}},
    ],
)
def test_provenance_of_no_form_of_ours_is_left_out(system):
    event = written(replace(CHANGE, new=system), Verdict(VerdictKind.MALFORMED))
    assert not event.keys() & {"source_sequence_number", "source_sub_sequence", "policy"}
    assert CARD not in json.dumps(event)
    assert CARD.encode().hex() not in json.dumps(event)


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("_src", {"policy"}),
        ("_policy", {"source_sequence_number", "source_sub_sequence"}),
        ("name", {"policy", "source_sequence_number", "source_sub_sequence"}),
    ],
)
def test_provenance_in_doubt_is_left_out(where, left):
    finding = Finding(VerdictKind.MALFORMED, where, "made up")
    event = written(CHANGE, Verdict(VerdictKind.MALFORMED, (finding,)))
    assert left == event.keys() & {"source_sequence_number", "source_sub_sequence", "policy"}


def test_a_sequence_number_that_looks_sensitive_is_left_out_whatever_the_judgement():
    image = {"_src": {"B": kinesis_position(b"key", CARD, 7).to_bytes()}}
    event = written(replace(CHANGE, new=image), Verdict(VerdictKind.VERIFIED))
    assert not event.keys() & {"source_sequence_number", "source_sub_sequence"}


def test_a_change_that_could_not_be_read_is_malformed():
    out = io.StringIO()
    write_unreadable(UnreadableChange("111", 1693997155.0, "a binary is not base64"), AuditLog(out))
    event = json.loads(out.getvalue())
    event.pop("event_id")
    expected = {
        "event": "item.malformed",
        "at": "2023-09-06T10:45:55.000Z",
        "sequence_number": "111",
        "verdict": "malformed",
        "findings": [{"kind": "malformed", "where": "", "why": "a binary is not base64", "data_class": ""}],
        "finding_count": 1,
        "sealed_count": 0,
    }
    assert expected == event
