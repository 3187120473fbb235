"""A reconciliation finds just what the auditor would have found from the table's stream, and then it ends, too."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from consumers.auditor.events import MENDING_EVENTS
from shared.model import POLICY
from tests.fakes.clock import FakeClock
from tests.fakes.standing import Reconciliation
from tests.properties.test_finding_chain import KEYS, OLDER, ROUNDS, Writer, items
from tests.properties.test_finding_chain import POLICY as PRESENT

BREACHES = {"plaintext", "malformed"}
OLD_TIMES = "written under an older policy; by the present one "


def write_unseen(writer: Writer, item: Any) -> list[dict[str, Any]]:
    """Have an item written; gives the records of it that its table's stream gives up."""
    tenant_id, item_id = writer.key
    as_written = {name: writer.with_bytes(value) for name, value in item.items()}
    writer.chain.write(item_id, as_written, tenant_id=tenant_id)
    return writer.chain.items.take_records()


def reconcile(writer: Writer) -> Reconciliation:
    chain = writer.chain
    reconciliation = Reconciliation(PRESENT, chain.items, chain.store, clock=FakeClock(chain.clock.wall()))
    assert reconciliation.go_on().done
    return reconciliation


def found(event: dict[str, Any]) -> list[tuple[str, ...]]:
    """Findings, each once, with those told as of an older policy's time told as of the present one's."""
    return sorted({(one["where"], one["why"].removeprefix(OLD_TIMES), one["data_class"]) for one in event["findings"]})


@given(key=st.sampled_from(KEYS), item=items)
def test_what_the_stream_did_not_bring_is_found_as_if_it_had(key, item):
    writer = Writer(*key)
    try:
        records = write_unseen(writer, item)
        reconciliation = reconcile(writer)
        from_stream = writer.chain.audit(records)
        (event,) = reconciliation.lines
        (expected,) = from_stream

        assert found(expected) == found(event)
        assert expected["sealed_count"] == event["sealed_count"]
        if item.get(POLICY) != {"B": OLDER.digest}:
            assert (expected["verdict"], expected["findings"]) == (event["verdict"], event["findings"])
        elif expected["verdict"] != event["verdict"]:
            assert expected["verdict"] in BREACHES, "nobody knows when it was written: its policy's time may be over"
        sent = {(one.tenant_id, one.item_id) for one in reconciliation.queue.references()}
        assert {(one.tenant_id, one.item_id) for one in writer.chain.queue.references()} == sent
        assert event["event"] not in {*MENDING_EVENTS.values(), "item.written", "item.removed"}
    finally:
        writer.chain.pool.shutdown()


@given(key=st.sampled_from(KEYS), item=items)
def test_what_it_finds_is_mended_and_then_found_no_more(key, item):
    writer = Writer(*key)
    chain = writer.chain
    try:
        write_unseen(writer, item)
        chain.queue.bodies += reconcile(writer).queue.take()
        chain.run(rounds=ROUNDS)
        left = reconcile(writer)

        (event,) = left.lines
        if event["event"] in {"item.plaintext_found", "item.stale"}:
            assert chain.fates, "it was looked at"
            assert chain.fates[-1] in {"left", "retry"}, "and a mending of it tried"
        chain.queue.bodies += left.queue.take()
        before = dict(writer.item)
        chain.run(rounds=ROUNDS)
        assert before == writer.item, "what cannot be mended is let be"
    finally:
        chain.pool.shutdown()
