"""Entries put back or given up: nothing is done before all of it is, and every call may be cut off anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.encryptor.again.content import records_of
from consumers.encryptor.deaggregate import Rejected
from consumers.encryptor.quarantine import quarantine_id
from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import seal_value
from shared.errors import KeyServiceUnavailable, QuarantineCorrupt, Reason, RecordRejected, StoreUnavailable
from shared.model import QUARANTINE_CLASS, QUARANTINE_PATH, REDRIVE_SECONDS, SYSTEM_TENANT, EntryState, InboundRecord
from shared.policy.load import parse_policy
from shared.source_position import FOUND, SourcePosition, kinesis_position
from tests.fakes.files import file_source, line_payload, wrapped_payload
from tests.fakes.kinesis import MAGIC, aggregate
from tests.unit.consumers.encryptor.again.conftest import (
    CANARY,
    LENIENT,
    SHARD,
    SOURCE,
    World,
    counts,
    number,
    record,
)

ORDERED = SOURCE.replace('id = "id"', 'id = "id"\norder = "at"')
DECLARED = ORDERED.replace('"n" =', '"note" = { seal = "pii" }\n"n" =')


def days_ago(world: World, days: int) -> str:
    return datetime.fromtimestamp(world.encryptor.clock.wall_seconds - days * 86_400, UTC).isoformat()


def redrive(world: World, quarantine_id: str | None = None) -> dict[str, Any]:
    asked = quarantine_id or world.entry_id()
    return dict(world.call("redrive", quarantine_ids=[asked])["entries"][asked])


def picked(fate: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(fate[name] for name in names)


def discard(world: World, asked: str) -> dict[str, Any]:
    return dict(world.call("discard", quarantine_ids=[asked])["entries"][asked])


def told(world: World, name: str) -> list[dict[str, Any]]:
    return [line for line in world.lines() if line.get("event") == name]


@pytest.fixture
def held(world) -> World:
    """A world with one entry of one record that the policy rejects."""
    world.deliver(record("1", note=CANARY))
    world.capsys.readouterr()
    return world


def test_after_a_change_of_the_policy_a_record_goes_through_at_its_own_place(held):
    held.deploy(LENIENT)
    asked = held.entry_id()

    fate = redrive(held)

    assert {"state": "redriven", "outcomes": {"written": 1}, "reason": "", "detail": "", "retry": False} == fate
    item = held.encryptor.table.items["acme", "1"]
    assert kinesis_position(b"p", number(0), 0) == SourcePosition.from_bytes(item["_src"]["B"])
    assert {"S": CANARY} == held.encryptor.opened("acme", "1")["note"]
    assert (EntryState.REDRIVEN, "") == (held.held.rows[asked].state, held.held.rows[asked].object_key)
    assert not held.encryptor.quarantine.entries
    assert [None] == held.published


def test_a_redrive_is_told_with_counts_and_who_called(held):
    held.deploy(LENIENT)
    asked = held.entry_id()

    redrive(held)

    lines = held.lines()
    (event,) = [line for line in lines if line.get("event") == "record.redriven"]
    expected = {
        "quarantine_id": asked,
        "reason": "undeclared_attribute",
        "written": 1,
        "request_id": "request-1",
    }
    assert expected.items() <= event.items()
    (metrics,) = [line for line in lines if "RecordsReceived" in line]
    assert (1, 1) == (metrics["RecordsReceived"], metrics["RecordsWritten"])
    assert CANARY not in json.dumps(lines)


def test_what_is_rejected_again_stays_held_with_its_present_reason_and_makes_no_new_entry(held):
    held.deploy(parse_policy(ORDERED, "ordered.toml"))
    asked = held.entry_id()

    fate = redrive(held)

    assert ("held", "order_missing", {"quarantined": 1}) == (fate["state"], fate["reason"], fate["outcomes"])
    assert [asked] == list(held.encryptor.quarantine.entries)
    row = held.held.rows[asked]
    assert (Reason.ORDER_MISSING, Reason.UNDECLARED_ATTRIBUTE) == (row.reason, row.kept_reason)
    lines = held.lines()
    assert not [line for line in lines if line.get("event") in {"record.quarantined", "record.redriven"}]
    (metrics,) = [line for line in lines if "RecordsReceived" in line]
    assert (1, 1) == (metrics["RecordsReceived"], metrics["RecordsQuarantined"])


def test_once_the_policy_fits_what_was_held_for_another_reason_goes_through(held):
    held.deploy(parse_policy(ORDERED, "ordered.toml"))
    redrive(held)
    held.deploy(LENIENT)

    assert "redriven" == redrive(held)["state"]


def test_what_is_rejected_for_the_same_reason_is_not_written_to_the_index(held):
    calls: list[str] = []
    held.held.before = calls.append

    assert "undeclared_attribute" == redrive(held)["reason"]
    assert "hold" not in calls


def line_that_the_policy_rejects(world: World, **more: Any) -> str:
    """A line of a file, which two runs of the ingest put."""
    payload = line_payload(file_source(7), tenant_id="acme", id="1", note=CANARY, **more)
    for _ in range(2):
        world.deliver(payload)
    return world.entry_id()


def test_a_line_of_a_file_goes_through_at_its_place_in_the_file(world):
    asked = line_that_the_policy_rejects(world)
    world.deploy(LENIENT)

    assert "redriven" == redrive(world, asked)["state"]
    item = world.encryptor.table.items["acme", "1"]
    assert file_source(7).position == SourcePosition.from_bytes(item["_src"]["B"])
    world.deliver(line_payload(file_source(7), tenant_id="acme", id="1", note=CANARY))
    assert item == world.encryptor.table.items["acme", "1"]


def test_of_two_that_claim_one_line_each_is_put_back_by_itself(world):
    for item in ("1", "2"):
        world.deliver(line_payload(file_source(7), tenant_id="acme", id=item, note=CANARY))
    world.deploy(LENIENT)

    asked = list(world.encryptor.quarantine.entries)
    assert ["redriven", "redriven"] == [redrive(world, one)["state"] for one in asked]
    assert {("acme", "1"), ("acme", "2")} == set(world.encryptor.table.items)


@pytest.mark.parametrize("mark", [{"B": bytes(32)}, {"S": "x"}])
def test_a_line_whose_fingerprint_somebody_changed_is_not_put_back(world, mark):
    asked = line_that_the_policy_rejects(world)
    entry = world.encryptor.quarantine.entries[asked]
    content = world.encryptor.held(entry)
    content["M"]["mark"] = mark
    world.encryptor.quarantine.entries[asked] = _kept_with(world, entry, content)
    world.deploy(LENIENT)

    assert ("held", {}) == picked(redrive(world, asked), "state", "outcomes")
    assert not world.encryptor.table.items


def test_a_line_that_another_version_kept_without_a_fingerprint_is_put_back(world):
    asked = line_that_the_policy_rejects(world)
    entry = world.encryptor.quarantine.entries[asked]
    content = world.encryptor.held(entry)
    del content["M"]["mark"]
    came = InboundRecord(entry.sequence_number, entry.shard_id, 0, b"p", entry.arrived_at, b"")
    rejected = Rejected(came, RecordRejected(entry.reason), "acme", entry.source)
    before = replace(entry, quarantine_id=quarantine_id(entry.stream_arn, [rejected], b""))
    world.encryptor.quarantine.entries = {before.quarantine_id: _kept_with(world, before, content)}
    world.deploy(LENIENT)

    assert "redriven" == redrive(world, before.quarantine_id)["state"]


def test_a_line_goes_through_whichever_kinesis_record_its_row_names(world):
    """Another run brought it once more, after a decision; and was killed between row and content."""
    asked = line_that_the_policy_rejects(world)
    row = world.held.find(asked)
    assert row is not None
    world.held.rows[asked] = replace(
        row, sequence_number=number(9), shard_id="shardId-9", arrived_at=row.arrived_at + 9
    )
    world.deploy(LENIENT)

    assert ("redriven", {"written": 1}) == picked(redrive(world, asked), "state", "outcomes")


@pytest.mark.parametrize("changed", [{"tenant_id": "globex"}, {"kept_reason": Reason.NOT_JSON}])
def test_a_row_of_a_line_that_somebody_changed_puts_nothing_back(world, changed):
    asked = line_that_the_policy_rejects(world)
    row = world.held.find(asked)
    assert row is not None
    world.held.rows[asked] = replace(row, **changed)
    world.deploy(LENIENT)

    assert ("held", {}) == picked(redrive(world, asked), "state", "outcomes")
    assert not world.encryptor.table.items


def test_a_source_that_somebody_changed_in_the_content_puts_nothing_back(world):
    asked = line_that_the_policy_rejects(world)
    entry = world.encryptor.quarantine.entries[asked]
    sources: list[dict[str, Any]] = [file_source(8).typed(), {"M": {}}]
    for source in sources:
        content = world.encryptor.held(entry)
        content["M"]["source"] = source
        world.encryptor.quarantine.entries[asked] = _kept_with(world, entry, content)
        world.deploy(LENIENT)
        assert ("held", {}) == picked(redrive(world, asked), "state", "outcomes")


def test_a_line_of_a_file_of_over_a_year_ago_is_not_put_back_though_it_arrived_later(world):
    modified = int(world.encryptor.clock.wall_seconds) - REDRIVE_SECONDS - 1
    world.deliver(line_payload(file_source(modified=modified), tenant_id="acme", id="1", note=CANARY))
    world.deploy(LENIENT)

    assert "too_old" == redrive(world)["state"]
    assert not world.encryptor.table.items


def test_a_line_is_as_old_as_its_object_whatever_its_row_and_its_order_say(world):
    """Whoever writes the index can make a row younger."""
    world.deploy(parse_policy(ORDERED, "ordered.toml"))
    modified = int(world.encryptor.clock.wall_seconds) - REDRIVE_SECONDS + 60
    payload = line_payload(file_source(modified=modified), tenant_id="acme", id="1", note=CANARY, at=days_ago(world, 1))
    world.deliver(payload)
    asked = world.entry_id()
    world.deploy(parse_policy(DECLARED, "declared.toml"))
    world.encryptor.clock.advance(120)
    row = world.held.find(asked)
    assert row is not None
    world.held.rows[asked] = replace(row, arrived_at=world.encryptor.clock.wall_seconds)

    assert ("too_old", {}) == picked(redrive(world, asked), "state", "outcomes")
    assert not world.encryptor.table.items


def test_a_line_that_is_no_record_stays_held_until_it_is_discarded(world):
    world.deliver(wrapped_payload(file_source(7), "not_json", b"x"))
    asked = world.entry_id()

    assert ("held", "not_json") == picked(redrive(world, asked), "state", "reason")
    assert "discarded" == discard(world, asked)["state"]


@pytest.mark.parametrize("still_listed", [False, True])
def test_a_record_goes_to_its_own_place_though_its_shard_is_listed_no_more(world, still_listed):
    """Two records of one item, both held for their content; the stream was split since, and retention has passed."""
    for n in (1, 2):
        world.deliver(record("1", note="x", n=n))
    world.deploy(LENIENT)
    world.encryptor.shards.by_id = None if still_listed else {}

    for asked in list(world.encryptor.quarantine.entries):
        fate = redrive(world, asked)
        assert ("redriven", {"written": 1}) == (fate["state"], fate["outcomes"])

    item = world.encryptor.table.items["acme", "1"]
    assert {"N": "2"} == item["n"]
    assert kinesis_position(b"p", number(1), 0) == SourcePosition.from_bytes(item["_src"]["B"])


def test_a_record_is_judged_by_its_shard_though_the_stream_is_not_there_any_more(held):
    held.deploy(LENIENT)
    held.encryptor.shards.fail_with = StoreUnavailable("no such stream")

    assert "redriven" == redrive(held)["state"]


def test_of_a_record_that_was_kept_without_its_shards_hash_keys_the_stream_is_asked(held):
    asked = held.entry_id()
    content = held.encryptor.held(held.encryptor.quarantine.entries[asked])
    del content["M"]["shard_hash_keys"]
    held.encryptor.quarantine.entries[asked] = _kept_with(held, held.encryptor.quarantine.entries[asked], content)
    held.deploy(LENIENT)
    held.encryptor.shards.by_id = {}

    assert "misplaced" == redrive(held)["reason"]
    held.encryptor.shards.by_id = None
    assert "misplaced" == held.held.rows[asked].reason
    assert "redriven" == redrive(held)["state"]


def test_a_record_that_is_older_than_its_item_or_known_already_is_done(held):
    held.deploy(LENIENT)
    held.deliver(record("1", n=2))

    fate = redrive(held)

    assert ("redriven", {"superseded": 1}) == (fate["state"], fate["outcomes"])
    assert {"N": "2"} == held.encryptor.table.items["acme", "1"]["n"]


def test_a_damaged_aggregate_is_taken_apart_again(world):
    whole = aggregate([("a", record("1", ssn=CANARY)), ("b", record("2"))])
    world.deliver(whole[:-1] + bytes([whole[-1] ^ 1]))
    asked = world.entry_id()

    assert "aggregate_corrupt" == redrive(world)["reason"]

    # as if the code had learnt to read it
    kept = world.encryptor.quarantine.entries[asked]
    healed = _kept_with_payload(world, kept, whole)
    world.encryptor.quarantine.entries[asked] = healed
    fate = redrive(world, asked)
    assert ("redriven", {"written": 2}) == (fate["state"], fate["outcomes"])


def test_an_aggregate_is_taken_apart_whatever_it_is_held_for_by_now(world):
    whole = aggregate([("a", record("1")), ("b", record("2", note=CANARY))])
    world.deliver(whole[:-1] + bytes([whole[-1] ^ 1]))
    asked = world.entry_id()
    world.encryptor.quarantine.entries[asked] = _kept_with_payload(
        world, world.encryptor.quarantine.entries[asked], whole
    )

    assert "undeclared_attribute" == redrive(world)["reason"]
    world.deploy(LENIENT)

    assert {"duplicate": 1, "written": 1} == redrive(world)["outcomes"]


def _kept_with_payload(world: World, kept: Any, payload: bytes) -> Any:
    content = world.encryptor.held(kept)
    (one,) = content["M"]["records"]["L"]
    one["M"]["payload"] = {"B": payload}
    return _kept_with(world, kept, content)


def _kept_with(world: World, kept: Any, content: Any) -> Any:
    key = world.encryptor.keyring.active(SYSTEM_TENANT, QUARANTINE_CLASS)
    prefix = record_prefix(dataset="customers", tenant_id=SYSTEM_TENANT, item_id=kept.quarantine_id)
    return replace(kept, sealed_content=seal_value(key.cipher, prefix, QUARANTINE_PATH, content))


def test_a_record_inside_an_aggregate_that_looks_like_one_is_not_taken_apart(world):
    inner = aggregate([("x", record("9"))])
    assert inner.startswith(MAGIC)
    world.deliver(aggregate([("a", inner)]))

    assert "invalid_utf8" == redrive(world)["reason"]
    assert not world.encryptor.table.items


def test_of_an_entry_of_many_records_all_must_be_done(world):
    world.deliver(aggregate([("a", record("1", note="x")), ("a", record("2", note="y", other="z"))]))
    world.deploy(LENIENT)

    fate = redrive(world)

    assert ("held", {"written": 1, "quarantined": 1}) == (fate["state"], fate["outcomes"])
    assert 1 == len(world.encryptor.quarantine.entries)
    (event,) = told(world, "record.redriven")
    expected = {"quarantine_id": world.entry_id(), "written": 1, "quarantined": 1, "request_id": "request-1"}
    assert expected.items() <= event.items(), "what was written is told, though the entry stays held"
    again = redrive(world)
    assert {"duplicate": 1, "quarantined": 1} == again["outcomes"]
    assert [] == told(world, "record.redriven")


def test_what_does_not_pass_for_now_stays_held(held):
    held.deploy(LENIENT)
    held.encryptor.kms.fail_with = KeyServiceUnavailable("down")
    held.encryptor.clock.advance(1_000)  # no key is at hand

    fate = redrive(held)

    assert ("held", "down", True) == (fate["state"], fate["detail"], fate["retry"])
    held.encryptor.kms.fail_with = None
    assert "redriven" == redrive(held)["state"]


def test_a_table_that_is_down_leaves_it_held(held):
    held.deploy(LENIENT)

    def down(_: Any) -> None:
        raise StoreUnavailable("down")

    held.encryptor.table.before_put = down
    fate = redrive(held)

    assert ("held", {"retry": 1}, "undeclared_attribute") == (fate["state"], fate["outcomes"], fate["reason"])
    assert fate["retry"]


def test_what_arrived_too_long_ago_is_not_put_back_since_a_tombstone_may_be_gone(held):
    held.deploy(LENIENT)
    held.encryptor.clock.advance(REDRIVE_SECONDS)

    fate = redrive(held)

    assert ("too_old", "undeclared_attribute") == (fate["state"], fate["reason"])
    assert not held.encryptor.table.puts
    assert "discarded" == discard(held, held.entry_id())["state"]


def test_a_misplaced_record_is_written_only_where_no_item_stands(world):
    world.encryptor.shards.by_id = {SHARD: range(1)}
    world.deliver(record("1", n=1))
    world.deliver(record("2", n=1))
    world.encryptor.shards.by_id = None
    world.deliver(record("2", n=5))
    first, second = world.encryptor.quarantine.entries

    assert "redriven" == redrive(world, first)["state"]
    fate = redrive(world, second)
    assert ("held", "misplaced", {"quarantined": 1}) == (fate["state"], fate["reason"], fate["outcomes"])
    assert "nobody knows which is newer" in fate["detail"]
    assert second in world.encryptor.quarantine.entries, "nobody knows that it is older"
    assert FOUND == SourcePosition.from_bytes(world.encryptor.table.items["acme", "1"]["_src"]["B"])
    assert {"N": "5"} == world.encryptor.table.items["acme", "2"]["n"]


@pytest.fixture
def misplaced(world) -> World:
    """A world with an entry of two records of one item that came by another shard; both have a sealed value."""
    world.encryptor.shards.by_id = {SHARD: range(1)}
    world.deliver(aggregate([("a", record("1", ssn=CANARY, n=1)), ("a", record("1", ssn=CANARY, n=2))]))
    return world


def test_of_two_misplaced_records_of_one_item_the_older_is_no_doubt(misplaced):
    fate = redrive(misplaced)

    assert ("redriven", {"written": 1, "superseded": 1}) == (fate["state"], fate["outcomes"])
    assert {"N": "2"} == misplaced.encryptor.table.items["acme", "1"]["n"]


def test_a_misplaced_record_that_was_written_before_the_call_was_cut_off_is_known_again(misplaced):
    def kill(name: str) -> None:
        if name == "decide":
            raise KeyboardInterrupt

    misplaced.held.before = kill
    with pytest.raises(KeyboardInterrupt):
        redrive(misplaced)
    misplaced.held.before = lambda _: None

    fate = redrive(misplaced)

    assert ("redriven", {"duplicate": 1, "superseded": 1}) == (fate["state"], fate["outcomes"])


def test_another_record_that_was_put_back_to_the_same_item_is_in_doubt(misplaced):
    asked = misplaced.entry_id()
    misplaced.deliver(record("1", ssn=CANARY + "5", n=2), partition_key="b")
    (other,) = misplaced.encryptor.quarantine.entries.keys() - {asked}

    assert "redriven" == redrive(misplaced, other)["state"]
    fate = redrive(misplaced, asked)

    assert ("held", {"quarantined": 2}) == (fate["state"], fate["outcomes"])


def test_an_item_that_does_not_open_is_not_taken_for_the_record(misplaced):
    asked = misplaced.entry_id()
    misplaced.encryptor.table.items["acme", "1"] = {"ssn": {"B": b"\x01" + bytes(60)}, "_src": {"B": FOUND.to_bytes()}}

    assert "misplaced" == redrive(misplaced, asked)["reason"]


def test_an_order_ahead_of_its_time_passes_once_its_time_has_come(world):
    ordered = parse_policy(
        SOURCE.replace('id = "id"', 'id = "id"\norder = "at"').replace('"n" =', '"at" = { plain = "string" }\n"n" ='),
        "ordered.toml",
    )
    world.deploy(ordered)
    world.deliver(record("1", at="2023-11-20T00:00:00Z"))
    assert "order_ahead" == redrive(world)["reason"]

    world.encryptor.clock.advance(6 * 86_400)

    assert "redriven" == redrive(world)["state"]


@pytest.mark.parametrize(
    "changed",
    [*({name: "1"} for name in ("sequence_number", "shard_id", "stream_arn", "tenant_id")), {"arrived_at": 1.7e9 - 9}],
    ids=str,
)
def test_a_row_that_somebody_changed_moves_no_record(held, changed):
    asked = held.entry_id()
    held.deploy(LENIENT)
    held.held.find(asked)
    held.held.rows[asked] = replace(held.held.rows[asked], **changed)

    fate = redrive(held)

    assert ("held", True) == (fate["state"], "index row is not the one" in fate["detail"])
    assert not held.encryptor.table.puts


@pytest.mark.parametrize("spoil", [lambda sealed: b"plain", lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1])])
def test_content_that_does_not_open_stays_where_it_is(held, spoil):
    asked = held.entry_id()
    kept = held.encryptor.quarantine.entries[asked]
    held.encryptor.quarantine.entries[asked] = replace(kept, sealed_content=spoil(kept.sealed_content))

    assert "held" == redrive(held)["state"]
    assert CANARY not in str(held.lines())


def test_content_of_another_form_is_said_and_not_quoted(held):
    entry = held.held.find(held.entry_id())

    contents: list[Any] = [{"M": {}}, {"S": CANARY}, {"M": {"records": {"L": [{"M": {"payload": {"B": CANARY}}}]}}}]
    for content in contents:
        with pytest.raises(QuarantineCorrupt) as raised:
            records_of(entry, content)
        assert CANARY not in str(raised.value)


def test_content_that_is_gone_is_said(held):
    asked = held.entry_id()
    held.held.find(asked)
    held.encryptor.quarantine.entries.clear()

    assert "gone" == redrive(held, asked)["state"]
    assert "gone" == redrive(held, "0" * 32)["state"]


def test_what_is_given_up_is_deleted_and_told(held):
    asked = held.entry_id()

    fate = discard(held, asked)

    assert {"state": "discarded", "outcomes": {}, "reason": "", "detail": "", "retry": False} == fate
    assert not held.encryptor.quarantine.entries
    assert not held.published
    (event,) = told(held, "record.discarded")
    assert {"quarantine_id": asked, "record_count": 1, "request_id": "request-1"}.items() <= event.items()


def test_who_asks_again_is_told_what_was_decided_and_nothing_is_told_twice(held):
    asked = held.entry_id()
    discard(held, asked)
    held.capsys.readouterr()

    assert "discarded" == redrive(held, asked)["state"]
    assert [] == held.lines()


@pytest.mark.parametrize("operation", ["redrive", "discard"])
@pytest.mark.parametrize("killed_in", ["find", "content", "decide", "carry_out"])
def test_a_call_that_is_cut_off_anywhere_is_finished_by_the_next(held, operation, killed_in):
    held.deploy(LENIENT)
    asked = held.entry_id()

    def kill(name: str) -> None:
        if name == killed_in:
            held.held.before = lambda _: None
            raise KeyboardInterrupt

    held.held.before = kill
    if (operation, killed_in) != ("discard", "content"):
        with pytest.raises(KeyboardInterrupt):
            held.call(operation, quarantine_ids=[asked])
    first = [line["event_id"] for line in told(held, f"record.{'redriven' if operation == 'redrive' else 'discarded'}")]

    fate = held.call(operation, quarantine_ids=[asked])["entries"][asked]

    assert ("redriven" if operation == "redrive" else "discarded") == fate["state"]
    assert not held.encryptor.quarantine.entries
    again = told(held, f"record.{fate['state']}")
    assert 1 == len({*first, *(line["event_id"] for line in again)}), "one event, however often it is told"
    assert (operation == "redrive") == (("acme", "1") in held.encryptor.table.items)


@pytest.mark.parametrize("killed_after", ["decide", "carry_out"])
def test_a_decision_is_told_wherever_the_call_is_cut_off(held, killed_after):
    asked = held.entry_id()

    def kill(name: str) -> None:
        if name == killed_after:
            held.held.after = lambda _: None
            raise KeyboardInterrupt

    held.held.after = kill
    with pytest.raises(KeyboardInterrupt):
        discard(held, asked)
    assert "discarded" == discard(held, asked)["state"]

    assert 1 == len(told(held, "record.discarded"))


def test_a_decision_that_could_not_be_carried_out_is_left_to_the_next_call(held):
    asked = held.entry_id()

    def down(name: str) -> None:
        if name == "carry_out":
            raise StoreUnavailable("the content could not be deleted")

    held.held.before = down
    fate = discard(held, asked)
    assert ("discarded", "the content could not be deleted", True) == (fate["state"], fate["detail"], fate["retry"])
    held.held.before = lambda _: None
    fate = discard(held, asked)
    assert ("discarded", "", False) == (fate["state"], fate["detail"], fate["retry"])


@pytest.mark.parametrize("operation", ["redrive", "discard"])
def test_content_is_deleted_only_once_its_decision_is_in_the_trail(held, operation):
    held.deploy(LENIENT)
    asked = held.entry_id()
    held.kept.down = True

    fate = held.call(operation, quarantine_ids=[asked])["entries"][asked]

    assert fate["retry"]
    assert held.encryptor.quarantine.entries, "it is still there"
    held.kept.down = False
    fate = held.call(operation, quarantine_ids=[asked])["entries"][asked]
    assert not fate["retry"]
    assert not held.encryptor.quarantine.entries
    assert f"record.{fate['state']}" in held.kept.names


def test_of_a_decision_during_a_redrive_the_present_state_is_answered_and_the_row_stays(held):
    """The record is rejected for another reason by now; before that can be said, somebody gives it up."""
    held.deploy(parse_policy(ORDERED, "ordered.toml"))
    asked = held.entry_id()

    def another(name: str) -> None:
        if name == "hold":
            held.held.before = lambda _: None
            discard(held, asked)

    held.held.before = another

    assert "discarded" == redrive(held, asked)["state"]
    row = held.held.rows[asked]
    assert (EntryState.DISCARDED, Reason.UNDECLARED_ATTRIBUTE) == (row.state, row.reason)


@pytest.mark.parametrize(("days", "state"), [(364, "redriven"), (366, "too_old")])
def test_what_its_order_puts_behind_deletions_that_may_be_forgotten_is_not_put_back(world, days, state):
    """A deletion with a later order time may have arrived as long ago, and its tombstone be gone."""
    world.deploy(parse_policy(ORDERED, "ordered.toml"))
    world.deliver(record("1", at=days_ago(world, days), note="x"))
    asked = world.entry_id()
    world.deploy(parse_policy(DECLARED, "declared.toml"))

    fate = redrive(world, asked)

    assert state == fate["state"]
    assert (state == "redriven") == bool(world.encryptor.table.items)


@pytest.fixture
def partly_old(world) -> World:
    """An entry of three records, of which one is ordered by a time over a year ago, and one has an attribute more."""
    world.deploy(parse_policy(ORDERED, "ordered.toml"))
    payloads = [
        record("1", at=days_ago(world, 366), note="x"),
        record("2", at=days_ago(world, 1), note="x"),
        record("3", at=days_ago(world, 1), note="x", other="y"),
    ]
    world.deliver(aggregate([("a", one) for one in payloads]))
    world.capsys.readouterr()
    return world


def test_one_record_that_is_too_old_does_not_keep_back_the_others_of_its_entry(partly_old):
    asked = partly_old.entry_id()
    partly_old.deploy(parse_policy(DECLARED.replace('"n" =', '"other" = { seal = "pii" }\n"n" ='), "declared.toml"))

    fate = redrive(partly_old)

    assert ("too_old", "undeclared_attribute", False) == (fate["state"], fate["reason"], fate["retry"])
    assert fate["detail"].startswith("1 of 3 records: an order time lies more than 365 days ago")
    assert {"written": 2, "quarantined": 1} == fate["outcomes"]
    assert {("acme", "2"), ("acme", "3")} == partly_old.encryptor.table.items.keys()
    assert EntryState.HELD is partly_old.held.rows[asked].state
    (event,) = told(partly_old, "record.redriven")
    assert (2, 1) == (event["written"], event["quarantined"])


def test_where_another_record_can_be_mended_the_entry_is_held_for_that_one_and_says_both(partly_old):
    asked = partly_old.entry_id()
    partly_old.deploy(parse_policy(DECLARED, "declared.toml"))

    fate = redrive(partly_old)

    assert ("held", "undeclared_attribute") == (fate["state"], fate["reason"])
    assert fate["detail"].startswith(f"{partly_old.held.rows[asked].detail}; 1 of 3 records: an order time lies")
    assert {"written": 1, "quarantined": 2} == fate["outcomes"]


def test_where_nobody_can_say_how_old_its_order_is_a_record_waits(partly_old):
    asked = partly_old.entry_id()
    content = partly_old.encryptor.held(partly_old.encryptor.quarantine.entries[asked])
    del content["M"]["shard_hash_keys"]
    kept = partly_old.encryptor.quarantine.entries[asked]
    partly_old.encryptor.quarantine.entries[asked] = _kept_with(partly_old, kept, content)
    partly_old.deploy(parse_policy(DECLARED, "declared.toml"))
    shards, failures = partly_old.encryptor.shards, [StoreUnavailable("down")]
    look_up = shards.hash_keys

    def fail_once(*asked: Any) -> Any:
        if failures:
            raise failures.pop()
        return look_up(*asked)

    shards.hash_keys = fail_once

    assert {"retry": 3} == redrive(partly_old)["outcomes"]
    assert not partly_old.encryptor.table.items


def test_of_two_who_decide_the_second_is_told_what_the_first_decided(held):
    held.deploy(LENIENT)
    asked = held.entry_id()

    def another(name: str) -> None:
        if name == "decide":
            held.held.before = lambda _: None
            discard(held, asked)

    held.held.before = another
    fate = redrive(held)

    assert ("discarded", {"written": 1}) == (fate["state"], fate["outcomes"])
    (event,) = told(held, "record.redriven")
    assert {"quarantine_id": asked, "written": 1, "request_id": "request-1"}.items() <= event.items()


def test_who_wrote_nothing_and_did_not_decide_tells_nothing(held):
    held.deploy(LENIENT)
    held.deliver(record("1", n=2))
    asked = held.entry_id()

    def another(name: str) -> None:
        if name == "decide":
            held.held.before = lambda _: None
            discard(held, asked)

    held.held.before = another

    assert "discarded" == redrive(held)["state"]
    assert [] == told(held, "record.redriven")


def test_a_replay_brings_what_was_given_up_back_to_quarantine(held):
    asked = held.entry_id()
    discard(held, asked)
    held.held.rows.clear()

    now = held.encryptor.clock.wall_seconds
    answer = held.call("replay", shard_id=SHARD, **{"from": now - 7200})

    assert counts(quarantined=1) == answer["outcomes"]
    assert [asked] == list(held.encryptor.quarantine.entries)


def test_an_error_that_nobody_foresaw_is_one_entrys_and_prints_nothing(held):
    asked = held.entry_id()
    calls: list[str] = []

    def fail(name: str) -> None:
        calls.append(name)
        if len(calls) == 1:
            raise ValueError(CANARY)

    held.held.before = fail
    answer = held.call("discard", quarantine_ids=["0" * 32, asked])["entries"]

    assert ["held", "discarded"] == [answer["0" * 32]["state"], answer[asked]["state"]]
    assert CANARY not in str(held.lines())
    assert CANARY not in str(answer)


def test_with_no_time_left_the_rest_is_left_to_another_call(held):
    held.seconds_left = 59.0

    assert ["0" * 32] == list(held.call("discard", quarantine_ids=["0" * 32, held.entry_id()])["entries"])
