"""Lines of files through the encryptor: however often and by whatever way they come, one run's items and entries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.decode import decode
from shared.errors import Reason
from shared.file_source import FileSource
from shared.model import Outcome, QuarantineEntry
from shared.order import ORDER_AHEAD_SECONDS
from shared.policy.load import parse_policy
from shared.source_position import SourcePosition
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.files import MODIFIED, file_source, line_payload, line_record, wrapped_payload
from tests.fakes.kinesis import aggregate, kinesis_record

SOURCE = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
{order}
[attributes]
"a" = {{ plain = "number" }}
"""
PLAIN, ORDERED, BY_ARRIVAL = (
    parse_policy(SOURCE.format(order=order), "policy.toml")
    for order in ("", 'order = "n"', 'unknown_order = "arrival"')
)
CANARY = "canary-4111111111111111"
ARRIVED_AT = 1_700_000_000.25


@pytest.fixture
def world() -> Iterator[EncryptorWorld]:
    with encryptor_world(PLAIN) as world:
        yield world


def of_acme(source: FileSource, **attributes: Any) -> bytes:
    return line_payload(source, **{"tenant_id": "acme", "id": "1", **attributes})


def standing(world: EncryptorWorld) -> SourcePosition | None:
    return SourcePosition.from_bytes(world.table.items["acme", "1"]["_src"]["B"])


def only_entry(world: EncryptorWorld) -> QuarantineEntry:
    (entry,) = world.quarantine.entries.values()
    return entry


def test_a_line_becomes_an_item_at_its_place_in_the_file_and_its_source_is_no_attribute(world):
    result = world.process(line_record(of_acme(file_source(7), a=1, note=CANARY)))

    assert {Outcome.WRITTEN: 1} == result.outcomes()
    assert file_source(7).position == standing(world)
    assert {"a", "note"} == world.opened("acme", "1").keys() - {"tenant_id", "item_id", "_src", "_policy", "_arrived"}


def test_a_line_that_comes_again_is_a_duplicate_whichever_kinesis_record_brings_it(world):
    payload = of_acme(file_source(), a=1)
    world.process(line_record(payload))
    before = dict(world.table.items)

    again = world.process(line_record(payload, sequence=9, partition_key="another", arrived_at=1_700_009_000.0))

    assert {Outcome.DUPLICATE: 1} == again.outcomes()
    assert before == world.table.items


@pytest.mark.parametrize(
    "older",
    [
        file_source(1),
        file_source(9, modified=MODIFIED - 1, sequencer="FF"),
        file_source(9, sequencer="0055AED5"),
    ],
)
def test_neither_an_earlier_line_nor_an_older_file_undoes_a_newer_one(world, older):
    world.process(line_record(of_acme(file_source(2), a=2)))

    late = world.process(line_record(of_acme(older, a=1), sequence=1))

    assert {Outcome.SUPERSEDED: 1} == late.outcomes()
    assert {"N": "2"} == world.table.items["acme", "1"]["a"]


@pytest.mark.parametrize("hash_keys", [range(1), None])
@pytest.mark.parametrize("policy", [PLAIN, BY_ARRIVAL, ORDERED])
def test_a_line_may_come_by_any_shard_and_in_any_aggregate(world, hash_keys, policy):
    world.deploy(policy)
    world.shards.by_id = {"shardId-000000000000": hash_keys} if hash_keys else {}
    source = file_source()

    result = world.process(kinesis_record(aggregate([("p", of_acme(source, n=1), "7")])))

    assert {Outcome.WRITTEN: 1} == result.outcomes()
    found = standing(world)
    assert found is not None
    assert source.position == found.by_arrival


def test_a_delete_in_a_file_leaves_a_tombstone_that_an_older_file_cannot_undo(world):
    world.process(line_record(of_acme(file_source(), _op="delete")))

    late = world.process(line_record(of_acme(file_source(modified=MODIFIED - 1), a=1), sequence=1))

    assert {Outcome.SUPERSEDED: 1} == late.outcomes()
    assert {"N": "1700000000"} == world.table.items["acme", "1"]["_deleted_at"]


@pytest.mark.parametrize("file_first", [True, False])
def test_a_file_and_the_stream_do_not_compare_without_an_order(world, file_first):
    by_file = line_record(of_acme(file_source(), a=1))
    by_stream = kinesis_record(json.dumps({"tenant_id": "acme", "id": "1", "a": 2}).encode(), sequence=1)
    first, second = (by_file, by_stream) if file_first else (by_stream, by_file)

    result = world.process(first, second)

    assert {Outcome.WRITTEN: 1, Outcome.QUARANTINED: 1} == result.outcomes()
    assert Reason.ORDER_UNKNOWN is only_entry(world).reason
    assert {"N": "1" if file_first else "2"} == world.table.items["acme", "1"]["a"]


@pytest.mark.parametrize(("in_file", "in_stream"), [(5, 4), (4, 5)])
def test_with_an_order_they_compare_by_its_value(world, in_file, in_stream):
    world.deploy(ORDERED)
    world.process(
        line_record(of_acme(file_source(), a=1, n=in_file)),
        kinesis_record(json.dumps({"tenant_id": "acme", "id": "1", "a": 2, "n": in_stream}).encode(), sequence=1),
    )

    assert {"N": "1" if in_file > in_stream else "2"} == world.table.items["acme", "1"]["a"]


def test_by_arrival_a_file_counts_from_when_it_was_modified(world):
    world.deploy(BY_ARRIVAL)
    before = kinesis_record(
        json.dumps({"tenant_id": "acme", "id": "1", "a": 2}).encode(), sequence=1, arrived_at=MODIFIED - 0.001
    )
    world.process(line_record(of_acme(file_source(), a=1)))

    assert {Outcome.SUPERSEDED: 1} == world.process(before).outcomes()
    found = standing(world)
    assert found is not None
    assert MODIFIED * 10**9 == found.order_time


@pytest.mark.parametrize("now", [ORDERED, BY_ARRIVAL])
def test_an_order_can_be_added_and_taken_away_over_items_of_files(world, now):
    line, older = of_acme(file_source(2), a=2, n=2), of_acme(file_source(1), a=1, n=3)
    world.process(line_record(line))
    for policy in (now, PLAIN):
        world.deploy(policy)
        assert {Outcome.SUPERSEDED: 1} == world.process(line_record(older, sequence=1)).outcomes()
        assert {Outcome.WRITTEN: 1} == world.process(line_record(line, sequence=2)).outcomes()
        assert {"N": "2"} == world.table.items["acme", "1"]["a"]


@pytest.mark.parametrize("policy", [PLAIN, BY_ARRIVAL, ORDERED])
@pytest.mark.parametrize(("ahead", "is_taken"), [(ORDER_AHEAD_SECONDS, True), (ORDER_AHEAD_SECONDS + 1, False)])
def test_a_file_of_the_day_after_tomorrow_does_not_block_the_item(world, policy, ahead, is_taken):
    world.deploy(policy)

    world.process(line_record(of_acme(file_source(modified=int(ARRIVED_AT) + ahead), n=1)))

    assert ([] if is_taken else [Reason.ORDER_AHEAD]) == [one.reason for one in world.quarantine.entries.values()]


def test_a_line_that_is_no_record_is_kept_once_however_often_it_comes(world, capfd):
    wrapped = wrapped_payload(file_source(3), "not_json", CANARY.encode())

    first = world.process(line_record(wrapped, sequence=0), line_record(wrapped, sequence=1))
    entry = only_entry(world)
    again = world.process(line_record(wrapped, sequence=2, arrived_at=1_700_100_000.0))

    assert {Outcome.QUARANTINED: 2} == first.outcomes()
    assert {Outcome.QUARANTINED: 1} == again.outcomes()
    assert entry == only_entry(world)
    assert (Reason.NOT_JSON, 1, file_source(3)) == (entry.reason, entry.record_count, entry.source)
    assert [wrapped] == [one["M"]["payload"]["B"] for one in world.held(entry)["M"]["records"]["L"]]
    assert CANARY not in repr(entry) + "".join(capfd.readouterr())


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_what_claims_the_same_line_and_holds_something_else_is_kept_too(world, in_one_batch):
    payloads = [wrapped_payload(file_source(3), "not_json", line) for line in (b"x", b"y")]
    records = [line_record(payloads[n % 2], sequence=n) for n in range(4)]

    for batch in [records] if in_one_batch else [[record] for record in records]:
        assert {Outcome.QUARANTINED: len(batch)} == world.process(*batch).outcomes()

    kept = [world.held(entry)["M"]["records"]["L"] for entry in world.quarantine.entries.values()]
    assert sorted(payloads) == sorted(one["M"]["payload"]["B"] for records in kept for one in records)


def test_the_id_of_a_line_cannot_be_had_from_its_payload_without_the_data_key():
    ids = set()
    for _ in range(2):
        with encryptor_world(PLAIN) as world:
            world.process(line_record(wrapped_payload(file_source(3), "not_json", b"x")))
            ids.add(only_entry(world).quarantine_id)

    assert 2 == len(ids)


def test_a_line_that_is_too_long_for_the_stream_is_known_by_where_it_stands(world):
    world.process(line_record(wrapped_payload(file_source(3), "line_too_long", offset=12, bytes=20_000_000)))

    entry = only_entry(world)
    assert (Reason.LINE_TOO_LONG, "the line is no record, offset 12, bytes 20000000") == (entry.reason, entry.detail)


def test_a_rejected_line_whose_tenant_is_known_is_its_tenants(world):
    wrapped = json.loads(wrapped_payload(file_source(), "reserved_name", b"{}")) | {"tenant_id": "acme"}

    world.process(line_record(json.dumps(wrapped).encode()))

    assert "acme" == only_entry(world).tenant_id


def test_lines_of_one_file_are_entries_of_their_own_as_are_those_of_another_version(world):
    sources = [file_source(1), file_source(2), file_source(1, key="b"), replace(file_source(1), version="v2")]

    world.process(
        *(line_record(wrapped_payload(source, "not_json", b"x"), sequence=n) for n, source in enumerate(sources))
    )

    kept = [entry.source for entry in world.quarantine.entries.values()]
    assert len(sources) == len(kept)
    assert set(sources) == set(kept)  # entries are kept side by side, in no order


@pytest.mark.parametrize("fails", ["before it is written", "in the table", "for want of a key"])
def test_a_line_is_kept_under_its_place_in_the_file_whenever_it_is_rejected(world, fails):
    payload = of_acme(file_source(5), note=CANARY, **({"_odd": 1} if fails.startswith("before") else {}))
    if fails == "in the table":
        world.process(kinesis_record(json.dumps({"tenant_id": "acme", "id": "1"}).encode()))
    if fails == "for want of a key":
        world.process(line_record(of_acme(file_source(1), id="other", note=CANARY)))
        (row,) = [row for row in world.store.all_rows() if row.tenant_id == "acme"]
        world.store.put_row(replace(row, kms_key_arn="arn:aws:kms:eu-central-1:999999999999:key/foreign"))
        world.clock.advance(301)
    for sequence in (5, 6):
        world.process(line_record(payload, sequence=sequence))

    assert file_source(5) == only_entry(world).source


def test_a_source_of_another_form_leaves_the_record_in_its_kinesis_records_name(world):
    world.process(line_record(json.dumps({"_source": file_source().document() | {"line": 0}}).encode()))

    entry = only_entry(world)
    assert (Reason.SOURCE_INVALID, None) == (entry.reason, entry.source)


def test_what_travels_is_what_is_read(world):
    assert file_source() == FileSource.of(decode(of_acme(file_source()))["_source"])
