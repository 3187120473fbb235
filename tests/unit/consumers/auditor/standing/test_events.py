"""An item's event has the same id as long as nothing changed in a run, and tells no key by it."""

from __future__ import annotations

import pytest

from consumers.auditor.events import judged, shown_key
from consumers.auditor.standing.events import standing_event_id
from consumers.auditor.standing.visitor import standing
from shared.envelope.layout import OVERHEAD_BYTES
from shared.model import Finding, Verdict, VerdictKind
from shared.policy.compiled import DIGEST_BYTES
from shared.policy.load import parse_policy
from shared.runtime.audit_log import event_id
from shared.source_position import kinesis_position

RUN_ID, OTHER_RUN_ID = "1" * 32, "2" * 32
VERIFIED = Verdict(VerdictKind.VERIFIED)
SSN = "078-05-1120"
SOURCE = """\
version = 1
dataset = "customers"
detect = ["phone"]
[item]
tenant = "tenant_id"
id = "id"
"""
POLICY = parse_policy(SOURCE, "policy.toml")


def sealed(nonce: int) -> dict[str, bytes]:
    random = bytes(150 + (nonce * 7 + index) % 100 for index in range(OVERHEAD_BYTES + 8))
    return {"B": b"\x01\x00\x00\x00\x01" + random}


def id_of(item=None, verdict=VERIFIED, run_id=RUN_ID, *, tenant_id="acme", item_id="i-1"):
    image = {"tenant_id": {"S": tenant_id}, "item_id": {"S": item_id}, **(item or {})}
    change = standing(image, 1_700_000_000.0)
    return standing_event_id(change, verdict, judged(change, verdict, shown_key(change, POLICY)), run_id)


def test_an_unchanged_item_has_the_same_id_in_one_run_whatever_the_order_of_its_attributes():
    one, other = sealed(1), sealed(2)

    assert id_of({"a": one, "b": other}) == id_of({"b": other, "a": one})
    assert len(id_of({"a": one})) == 32


@pytest.mark.parametrize("item", [{}, {"a": sealed(1)}], ids=["nothing sealed", "sealed"])
def test_another_run_tells_of_it_anew_since_it_may_have_been_otherwise_in_between(item):
    assert id_of(item) == id_of(item)
    assert id_of(item) != id_of(item, run_id=OTHER_RUN_ID)


@pytest.mark.parametrize(
    "changed",
    [
        {"item": {"a": sealed(2)}},
        {"item": {"a": sealed(1), "b": sealed(2)}},
        {"item_id": "i-2"},
        {"tenant_id": "beta"},
        {"verdict": Verdict(VerdictKind.STALE)},
        {"verdict": Verdict(VerdictKind.VERIFIED, (Finding(VerdictKind.UNDECLARED, "note", "holds iban in clear"),))},
    ],
    ids=["sealed anew", "sealed more", "another item", "another tenant", "another verdict", "another finding"],
)
def test_what_is_another_event_has_another_id(changed):
    assert id_of({"a": sealed(1)}) != id_of(**{"item": {"a": sealed(1)}, **changed})


def written(sequence: str, policy: int = 1) -> dict[str, dict[str, bytes]]:
    source = kinesis_position(b"acme", sequence, 0).to_bytes()
    return {"_src": {"B": source}, "_policy": {"B": bytes([policy]) * DIGEST_BYTES}}


@pytest.mark.parametrize("values", [{}, {"a": sealed(1)}], ids=["nothing sealed", "sealed"])
def test_what_was_written_again_is_another_event_for_it_tells_of_another_source_or_policy(values):
    first, other_source, other_policy = (id_of(values | one) for one in (written("1"), written("2"), written("1", 2)))

    assert 3 == len({first, other_source, other_policy})
    assert first == id_of(values | written("1"))


@pytest.mark.parametrize(
    "key", [{"item_id": SSN}, {"item_id": "+49 170 1234567"}, {"tenant_id": SSN}, {"tenant_id": "no tenant!"}]
)
def test_where_a_key_must_not_be_told_its_id_cannot_be_found_by_trying(key):
    names = {"tenant_id": "acme", "item_id": "i-1", **key}
    found = {id_of(**key) for _ in range(3)}

    assert len(found) == 3
    assert event_id("standing", RUN_ID, *names.values(), "", *3 * ["None"], VERIFIED.kind) not in found
    assert id_of({"a": sealed(1)}, **key) == id_of({"a": sealed(1)}, **key), "nonces are random enough"


def test_text_behind_the_header_of_a_sealed_value_is_no_nonce():
    text = {"B": b"\x01\x00\x00\x00\x01" + b"Ann Example has a diagnosis that nobody is to read"}

    assert id_of({"a": text}, item_id=SSN) != id_of({"a": text}, item_id=SSN), "nothing random is in it"
    assert id_of({"a": text}) == id_of()
