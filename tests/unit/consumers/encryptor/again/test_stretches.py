"""The stream read again: outcomes, cursors, what does not pass, and what must not be touched."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shared.errors import KeyServiceUnavailable, RequestRefused, StoreUnavailable
from shared.runtime.rereading import Page
from tests.fakes.kinesis import aggregate
from tests.fakes.landing import BUCKET
from tests.unit.consumers.encryptor.again.conftest import CANARY, SHARD, counts, number, record

NOW = 1_700_000_000.0
WINDOW: dict[str, Any] = {"shard_id": SHARD, "from": NOW - 7200, "to": NOW}


def test_what_was_never_written_is_and_the_answer_says_how_far_reading_came(world):
    world.put(record("1", ssn=CANARY), record("2"), record("3"))

    answer = world.call("replay", **WINDOW)

    expected = {
        "shard_id": SHARD,
        "done": True,
        "after": number(2),
        "next": None,
        "kinesis_records": 3,
        "outcomes": counts(written=3),
        "reasons": {},
        "ahead": {},
        "oldest_arrived_at": NOW - 3600,
        "owed_seconds": 0.0,
        "missing": False,
        "found_from": None,
        "forgotten_before": None,
    }
    assert expected == answer
    assert {"S": CANARY} == world.encryptor.opened("acme", "1")["ssn"]
    assert [None] == world.published


def test_a_replay_changes_nothing_that_stands_and_says_so(world):
    world.deliver(record("1", n=1), record("1", n=2), record("2"), b"no json")
    items = dict(world.encryptor.table.items)
    held = dict(world.encryptor.quarantine.entries)

    answers = [world.call("replay", **WINDOW) for _ in range(2)]

    assert [counts(duplicate=2, superseded=1, quarantined=1)] * 2 == [one["outcomes"] for one in answers]
    assert {"not_json": 1} == answers[0]["reasons"]
    assert (items, held) == (world.encryptor.table.items, world.encryptor.quarantine.entries)


def test_only_what_arrived_in_the_window_is_replayed(world):
    world.put(record("1"), record("2"), record("3"), record("4"))
    begin = NOW - 3600 + 1

    answer = world.call("replay", **{**WINDOW, "from": begin, "to": begin + 2})

    assert {("acme", "2"), ("acme", "3")} == world.encryptor.table.items.keys()
    assert (2, begin) == (answer["kinesis_records"], answer["oldest_arrived_at"])


def test_a_call_whose_time_is_over_goes_on_from_its_cursor(world):
    world.put(*[record(str(n)) for n in range(5)])
    fields: dict[str, Any] = dict(WINDOW)
    cursors: list[str] = []
    answer: dict[str, Any] = {"done": False}
    world.seconds_left = 59.0
    while not answer["done"]:
        answer = world.call("replay", **fields)
        fields = {"shard_id": SHARD, "to": NOW, "after": answer["after"]}
        cursors.append(answer["after"])
        assert len(cursors) < 9

    assert 5 == len(world.encryptor.table.items)
    assert len(cursors) > 1
    assert sorted(cursors) == cursors


def test_what_does_not_pass_is_tried_again_within_the_call(world):
    world.put(record("1"), record("2"))
    failures = [StoreUnavailable("down")]

    def fail_once(item: Any) -> None:
        if item.item_id == "2" and failures:
            raise failures.pop()

    world.encryptor.table.before_put = fail_once

    assert counts(written=2) == world.call("replay", **WINDOW)["outcomes"]
    assert [1] == world.waited


def test_a_call_ends_before_what_still_does_not_pass_and_counts_nothing_behind_it(world):
    world.put(record("1"), record("2"), record("3"), record("4"))

    def refuse(item: Any) -> None:
        if item.item_id == "3":
            raise StoreUnavailable("down")

    world.encryptor.table.before_put = refuse
    answer = world.call("replay", **WINDOW)

    assert (False, number(1), 2) == (answer["done"], answer["after"], answer["kinesis_records"])
    assert (counts(written=2, retry=1), {number(3): [0]}) == (answer["outcomes"], answer["ahead"])
    again = world.call("replay", shard_id=SHARD, after=answer["after"], ahead=answer["ahead"], to=NOW)
    assert (counts(retry=1), {number(3): [0]}) == (again["outcomes"], again["ahead"])
    world.encryptor.table.before_put = lambda _: None
    rest = world.call("replay", shard_id=SHARD, after=answer["after"], ahead=again["ahead"], to=NOW)
    assert (True, counts(written=2), {}) == (rest["done"], rest["outcomes"], rest["ahead"])


def test_over_all_calls_each_record_counts_as_what_became_of_it_first(world):
    """One aggregate and two more records pass in part; what was written is known already when reading goes on."""
    world.deliver(record("known"))
    world.put(aggregate([("a", record("1")), ("b", record("2")), ("c", record("3"))]), record("4"), b"no json")
    world.stream.page = 10

    def refuse(item: Any) -> None:
        if item.item_id == "2":
            raise StoreUnavailable("down")

    world.encryptor.table.before_put = refuse
    first = world.call("replay", **WINDOW)
    assert {number(1): [0, 2], number(2): [0]} == first["ahead"]
    world.encryptor.table.before_put = lambda _: None
    world.deliver(record("4", n=5))

    rest = world.call("replay", **WINDOW, after=first["after"], ahead=first["ahead"])

    total = {name: first["outcomes"][name] + count for name, count in rest["outcomes"].items()}
    assert counts(written=4, duplicate=2, quarantined=1, retry=1) == total


def test_what_was_written_ahead_counts_only_once_it_is_passed(world):
    world.put(*[record(str(n)) for n in range(6)])
    world.seconds_left = 59.0
    ahead = {number(1): [0], number(5): [0], number(9): [0]}
    world.encryptor.process(*[one.event for one in world.stream.records[SHARD]])

    first = world.call("replay", **WINDOW, ahead=ahead)

    assert (number(1), counts(written=1, duplicate=1)) == (first["after"], first["outcomes"])
    assert {number(5): [0], number(9): [0]} == first["ahead"]


@pytest.mark.parametrize("operation", ["replay", "reread"])
def test_what_is_written_ahead_is_told_once_though_nothing_before_it_passes(world, operation):
    world.put(record("1"), record("2"), record("3"))
    world.stream.page = 10

    def refuse(item: Any) -> None:
        if item.item_id == "1":
            raise StoreUnavailable("down")

    world.encryptor.table.before_put = refuse
    asked = WINDOW if operation == "replay" else {"shard_id": SHARD, "first": number(0), "last": number(2)}
    answer = world.call(operation, **asked)
    (told,) = [line for line in world.lines() if "written_ahead" in line]
    world.call(operation, **asked, ahead=answer["ahead"])

    assert (None, {number(1): [0], number(2): [0]}) == (answer["after"], answer["ahead"])
    assert (number(1), number(2), 2, 0) == (
        told["first_sequence_number"],
        told["last_sequence_number"],
        told["written_ahead"],
        told["written"],
    )
    assert not [line for line in world.lines() if "written_ahead" in line]


def test_what_was_written_ahead_and_does_not_pass_now_waits_and_stays_written(world):
    world.put(record("0"), record("1"))
    world.encryptor.shards.fail_with = StoreUnavailable("down")

    answer = world.call("replay", **WINDOW, after=number(0), ahead={number(1): [0]})

    assert (number(0), counts(retry=1)) == (answer["after"], answer["outcomes"])
    assert {number(1): [0]} == answer["ahead"]


def test_of_an_aggregate_that_passes_in_part_each_record_counts_once(world):
    world.put(aggregate([("a", record("1")), ("b", record("2"))]))
    failures = [StoreUnavailable("down")]

    def fail_once(item: Any) -> None:
        if item.item_id == "2" and failures:
            raise failures.pop()

    world.encryptor.table.before_put = fail_once

    assert counts(written=2) == world.call("replay", **WINDOW)["outcomes"]


def test_a_rate_is_kept(world):
    world.put(*[record(str(n)) for n in range(6)])

    world.call("replay", **WINDOW, records_per_second=2)

    assert pytest.approx(3.0) == sum(world.waited)


def test_a_rate_is_kept_while_a_record_stands_in_the_way_and_of_every_attempt(world):
    world.put(*[record(str(n)) for n in range(20)])
    world.stream.page = 20
    tried: list[str] = []

    def refuse(item: Any) -> None:
        tried.append(item.item_id)
        raise StoreUnavailable("down")

    world.encryptor.table.before_put = refuse
    begun = world.encryptor.clock.monotonic()

    answer = world.call("replay", **WINDOW, records_per_second=0.5)

    assert counts(retry=1) == answer["outcomes"]
    assert pytest.approx(3 / 0.5) == world.encryptor.clock.monotonic() - begun
    assert ["0"] * 3 == tried


def test_a_rate_never_holds_a_call_longer_than_its_time(world):
    world.put(record("1"), record("2"))

    answer = world.call("replay", **WINDOW, records_per_second=0.001, seconds=5)

    assert [5.0] == world.waited
    assert (False, number(0), 995.0) == (answer["done"], answer["after"], answer["owed_seconds"])


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_rate_of_user_records_is_kept_from_call_to_call_whatever_an_aggregate_holds(world, dry_run):
    world.put(*[aggregate([(f"k{n}", record(f"{n}-{one}")) for one in range(20)]) for n in range(6)])
    begun = world.encryptor.clock.monotonic()
    fields: dict[str, Any] = {**WINDOW, "records_per_second": 2, "seconds": 5, "dry_run": dry_run}
    answer: dict[str, Any] = {"done": False}
    while not answer["done"]:
        answer = world.call("replay", **fields)
        assert sum(answer["outcomes"].values()) <= 20, "no more than one aggregate at once"
        fields |= {"after": answer["after"]}
        world.encryptor.clock.advance(answer["owed_seconds"])

    assert pytest.approx(6 * 20 / 2) == world.encryptor.clock.monotonic() - begun


def test_a_slow_replay_reads_little_more_than_it_can_use(world):
    world.put(*[record(str(n)) for n in range(2_000)])
    world.stream.page = 10_000

    world.call("replay", **WINDOW, records_per_second=30, seconds=5)
    assert [1, 30, 30, 30, 30, 30, 1] == world.stream.sizes

    world.stream.sizes.clear()
    world.call("replay", **WINDOW)
    assert {1_000} == set(world.stream.sizes), "without a rate"


def test_a_slow_replay_that_is_throttled_asks_for_less_and_never_for_more(world):
    world.put(*[record(str(n)) for n in range(200)])
    world.stream.page = 10_000
    world.stream.throttled = [3, 0, 5, 0]

    world.call("replay", **WINDOW, records_per_second=30, seconds=5)

    assert [1, 1, 1, 1, 30, 30, 15, 7, 3, 1, 1, 30] == world.stream.sizes[:12]


def test_what_is_not_meant_is_passed_over_in_large_reads(world):
    world.put(*[record(str(n)) for n in range(1_500)], arrived_at=NOW - 7_000)
    world.put(record("x"), arrived_at=NOW - 3_600)
    world.stream.page = 10_000

    answer = world.call("replay", **{**WINDOW, "from": NOW - 5_400}, after=number(0), records_per_second=1)

    assert answer["done"]
    assert {("acme", "x")} == world.encryptor.table.items.keys()
    assert [1, 1, 4, 16, 64, 256, 1_000, 1_000] == world.stream.sizes


def test_a_cursor_does_not_lift_the_beginning_of_the_time(world):
    world.put(record("0"))
    world.put(record("early"), arrived_at=NOW - 9_000)
    world.put(record("meant"))

    answer = world.call("replay", **WINDOW, after=number(0))

    assert {("acme", "meant")} == world.encryptor.table.items.keys()
    assert 1 == answer["kinesis_records"]


def test_a_dry_run_writes_nothing_and_uses_no_key(world):
    world.put(record("1", ssn=CANARY), b"no json", record("2", note=CANARY), record("3"))

    answer = world.call("replay", **WINDOW, dry_run=True)

    assert {"sendable": 2, "quarantined": 2, "retry": 0} == answer["outcomes"]
    assert {"not_json": 1, "undeclared_attribute": 1} == answer["reasons"]
    assert (True, 4) == (answer["done"], answer["kinesis_records"])
    assert not world.encryptor.table.puts
    assert not world.encryptor.quarantine.entries
    assert not world.encryptor.kms.generated
    assert not world.published
    assert [] == world.lines()


def test_a_dry_run_ends_before_what_nobody_can_say_now(world):
    world.put(record("1"), record("2"))
    world.encryptor.shards.fail_with = StoreUnavailable("down")

    answer = world.call("replay", **WINDOW, dry_run=True)

    assert (False, None) == (answer["done"], answer["after"])


def test_a_dry_run_counts_once_what_stands_behind_a_record_that_nobody_can_judge_now(world):
    world.put(record("0"), b"no json")
    corrupt = aggregate([("a", record("3"))])
    world.put(record("2"), corrupt[:-1] + bytes([corrupt[-1] ^ 1]), b"no json")
    world.stream.page = 10
    world.encryptor.shards.fail_with = StoreUnavailable("down")

    first = world.call("replay", **WINDOW, dry_run=True)
    again = world.call("replay", **WINDOW, dry_run=True)
    world.encryptor.shards.fail_with = None
    rest = world.call("replay", **WINDOW, dry_run=True)

    stands = {"sendable": 0, "quarantined": 0, "retry": 1}
    assert [(stands, {})] * 2 == [(one["outcomes"], one["reasons"]) for one in (first, again)]
    assert {"sendable": 2, "quarantined": 3, "retry": 0} == rest["outcomes"]


def test_a_replay_and_what_it_put_into_quarantine_are_told(world):
    world.put(record("1"), b"no json")

    world.call("replay", **WINDOW)

    lines = world.lines()
    (replayed,) = [line for line in lines if line.get("event") == "stream.replayed"]
    expected = counts(written=1, quarantined=1) | {
        "shard_id": SHARD,
        "first_sequence_number": number(0),
        "last_sequence_number": number(1),
        "kinesis_records": 2,
        "request_id": "request-1",
    }
    assert expected.items() <= replayed.items()
    assert 1 == sum(line.get("event") == "record.quarantined" for line in lines)
    (metrics,) = [line for line in lines if "RecordsReceived" in line]
    names = ("Written", "Duplicate", "Superseded", "Quarantined", "Retried")
    assert metrics["RecordsReceived"] == 2 == sum(metrics[f"Records{name}"] for name in names)


def test_a_call_that_came_to_nothing_is_no_replay(world):
    world.call("replay", **WINDOW)

    assert [] == world.lines()


def test_a_dead_letters_records_are_put_back(world):
    world.put(*[record(str(n)) for n in range(5)])

    answer = world.call("reread", shard_id=SHARD, first=number(1), last=number(3))

    assert {("acme", "1"), ("acme", "2"), ("acme", "3")} == world.encryptor.table.items.keys()
    assert (True, False, None) == (answer["done"], answer["missing"], answer["found_from"])
    (told,) = [line for line in world.lines() if line.get("event") == "record.redriven"]
    assert (number(1), number(3), 3) == (
        told["first_sequence_number"],
        told["last_sequence_number"],
        told["kinesis_records"],
    )


@pytest.mark.parametrize(("oldest", "found_from", "written"), [(2, 2, 2), (9, None, 0)])
def test_what_retention_took_is_said_and_what_is_left_is_put_back(world, oldest, found_from, written):
    world.put(*[record(str(n)) for n in range(5)])
    world.stream.oldest = int(number(oldest))

    answer = world.call("reread", shard_id=SHARD, first=number(1), last=number(3))

    assert (True, True) == (answer["done"], answer["missing"])
    assert (None if found_from is None else number(found_from)) == answer["found_from"]
    assert written == answer["outcomes"]["written"]


@pytest.mark.parametrize("oldest", [4, 5, 6, 9])
def test_what_retention_takes_between_two_calls_is_missing(world, oldest):
    world.put(*[record(str(n)) for n in range(8)])
    letter = {"shard_id": SHARD, "first": number(1), "last": number(5)}
    world.seconds_left = 59.0
    answer = world.call("reread", **letter)
    assert (False, False, number(2), number(3)) == tuple(answer[name] for name in ("done", "missing", "after", "next"))

    world.stream.oldest = int(number(oldest))
    world.seconds_left = 900.0
    rest = world.call("reread", **letter, after=answer["after"], next=answer["next"])

    assert (True, True) == (rest["done"], rest["missing"])
    assert max(0, 6 - oldest) == rest["kinesis_records"]


def test_what_was_done_already_may_be_gone_where_the_next_record_is_there(world):
    world.put(*[record(str(n)) for n in range(8)])
    letter = {"shard_id": SHARD, "first": number(1), "last": number(5)}
    world.seconds_left = 59.0
    answer = world.call("reread", **letter)
    world.stream.oldest = int(number(3))
    world.seconds_left = 900.0

    rest = world.call("reread", **letter, after=answer["after"], next=answer["next"])

    assert (True, False, None, 3) == tuple(rest[name] for name in ("done", "missing", "found_from", "kinesis_records"))


@pytest.mark.parametrize("knows_next", [True, False])
@pytest.mark.parametrize(
    ("oldest", "is_lost_to_who_knows_next", "is_lost", "found_from"),
    [(2, False, False, None), (3, False, True, 3), (4, True, True, 4), (9, True, True, None)],
)
def test_what_retention_takes_from_a_replay_between_two_calls_is_missing(
    world, knows_next, oldest, is_lost_to_who_knows_next, is_lost, found_from
):
    world.put(*[record(str(n)) for n in range(8)])
    world.stream.page = 3
    world.seconds_left = 59.0
    answer = world.call("replay", **WINDOW)
    assert (number(2), number(3), False) == (answer["after"], answer["next"], answer["missing"])

    world.stream.oldest = int(number(oldest))
    world.seconds_left = 900.0
    where = {"after": answer["after"]} | ({"next": answer["next"]} if knows_next else {})
    rest = world.call("replay", **WINDOW, **where)

    missing = is_lost_to_who_knows_next if knows_next else is_lost
    assert (True, missing) == (rest["done"], rest["missing"])
    assert (number(found_from) if missing and found_from else None) == rest["found_from"]
    assert min(5, max(0, 8 - oldest)) == rest["kinesis_records"]


@pytest.mark.parametrize(("operation", "left"), [("replay", [4, 5]), ("replay", []), ("reread", [4, 5])])
def test_what_retention_takes_within_a_call_is_missing(world, operation, left):
    world.put(*[record(str(n)) for n in range(6)])
    every = world.stream.records[SHARD]
    pages = [Page(every[:2]), Page([every[n] for n in left], caught_up=True, begun_anew=True)]
    world.stream.pages = lambda *_, **__: iter(pages)
    asked = WINDOW if operation == "replay" else {"shard_id": SHARD, "first": number(0), "last": number(5)}

    answer = world.call(operation, **asked)

    assert (True, True) == (answer["done"], answer["missing"])
    assert (number(4) if left else None) == answer["found_from"]


def shard(name: str, *parents: str, since: float = NOW, is_closed: bool = False) -> Any:
    return SimpleNamespace(shard_id=name, parents=parents, is_closed=is_closed, since=since)


@pytest.mark.parametrize(
    ("listed", "forgotten_before", "expected"),
    [
        ([shard(SHARD)], None, None),
        ([shard(SHARD)], WINDOW["from"], None),
        ([shard(SHARD)], NOW - 3_600, NOW - 3_600),
        ([shard(SHARD, "gone")], NOW - 3_600, NOW - 3_600),
        ([], NOW - 3_600, NOW - 3_600),
        ([shard(SHARD, "parent"), shard("parent", since=NOW - 3_500)], NOW - 3_600, None),
        ([shard(SHARD, "parent"), shard("parent", since=NOW - 3_700)], NOW - 3_600, NOW - 3_600),
    ],
)
def test_a_shards_first_call_says_what_of_it_the_stream_had_forgotten(world, listed, forgotten_before, expected):
    world.put(record("1"), record("2"))
    world.shards, world.forgotten_before = listed, forgotten_before

    assert expected == world.call("replay", **WINDOW)["forgotten_before"]
    assert None is world.call("replay", **WINDOW, after=number(0))["forgotten_before"]


def test_shards_are_listed_parents_first(world):
    world.shards = [shard("a", "c"), shard("b", "c", "gone"), shard("c", "d", is_closed=True), shard("d", since=1.0)]

    assert [
        {"shard_id": "c", "parents": [], "closed": True},
        {"shard_id": "a", "parents": ["c"], "closed": False},
        {"shard_id": "b", "parents": ["c"], "closed": False},
    ] == world.call("shards", **{"from": 5.0})["shards"]


@pytest.mark.parametrize("forgotten_before", [None, NOW - 86_400])
def test_with_the_shards_comes_how_far_back_the_stream_goes(world, forgotten_before):
    world.forgotten_before = forgotten_before

    assert {"shards": [], "forgotten_before": forgotten_before} == world.call("shards", **{"from": 5.0})


def test_what_is_given_up_is_told_and_nothing_else(world):
    world.put(record("1"))

    assert {} == world.call("skip", shard_id=SHARD, first=number(0), last=number(5), records=6)

    (told,) = world.lines()
    assert ("record.skipped", "source", 6) == (told["event"], told["stream"], told["record_count"])
    assert not world.encryptor.table.puts


def test_an_object_that_is_given_up_is_told_under_one_id(world):
    for _ in range(2):
        assert {} == world.call("skip_object", bucket=BUCKET, key="tenant=acme/a.json", version="v1")

    told, again = world.lines()
    assert ("object.skipped", f"s3://{BUCKET}/tenant=acme/a.json", "v1") == (
        told["event"],
        told["object"],
        told["version"],
    )
    assert told["event_id"] == again["event_id"]


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("skip_object", {"bucket": BUCKET, "key": "a.json"}),
        ("skip_object", {"bucket": BUCKET, "key": "", "version": "v"}),
        ("skip_object", {"bucket": BUCKET, "key": "ä" * 600, "version": "v"}),
        ("replay", {**WINDOW, "from": NOW}),
        ("replay", {**WINDOW, "from": NOW + 10, "to": NOW + 20}),
        ("replay", {"shard_id": SHARD}),
        ("replay", {**WINDOW, "shard_id": CANARY + "/"}),
        ("replay", {**WINDOW, "records_per_second": 0}),
        ("replay", {**WINDOW, "ahead": [number(0)]}),
        ("replay", {**WINDOW, "ahead": {CANARY: [0]}}),
        ("replay", {**WINDOW, "ahead": {number(0): 0}}),
        ("replay", {**WINDOW, "ahead": {number(0): [-1]}}),
        ("replay", {**WINDOW, "ahead": {number(0): [True]}}),
        ("reread", {"shard_id": SHARD, "first": "5", "last": "4"}),
        ("reread", {"shard_id": SHARD, "first": "5"}),
        ("skip", {"shard_id": SHARD, "first": "5", "last": "6"}),
        ("redrive", {"quarantine_ids": []}),
        ("redrive", {"quarantine_ids": ["0" * 32] * 26}),
        ("discard", {"quarantine_ids": [CANARY]}),
        ("shards", {}),
        ("write", {}),
    ],
)
def test_a_request_of_another_form_is_refused_and_not_quoted(world, operation, fields):
    world.put(record("1"))

    with pytest.raises(RequestRefused) as refused:
        world.call(operation, **fields)

    assert CANARY not in str(refused.value)
    assert not world.encryptor.table.puts


def test_a_replay_without_an_end_ends_now(world):
    world.put(record("1"))
    world.put(record("2"), arrived_at=NOW + 100)

    answer = world.call("replay", shard_id=SHARD, **{"from": NOW - 7200})

    assert (True, 1) == (answer["done"], answer["kinesis_records"])


def test_an_outage_of_kms_ends_the_call_before_it_and_prints_nothing_of_the_record(world):
    world.put(record("1", ssn=CANARY))
    world.encryptor.kms.fail_with = KeyServiceUnavailable("down")

    answer = world.call("replay", **WINDOW)

    assert (False, None, counts(retry=1)) == (answer["done"], answer["after"], answer["outcomes"])
    assert CANARY not in str(world.lines())


def test_what_a_batch_told_is_kept_with_that_batch_and_not_at_the_end(world):
    world.put(*[b"no json"] * 5)
    world.call("replay", **WINDOW)

    batches = [["record.quarantined"] * count for count in (2, 2, 1)]
    assert batches == [[event["event"] for event in events] for _, events in world.kept.segments]
