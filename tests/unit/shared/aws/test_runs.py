"""What every store of runs does: the fake of the tests and the one in DynamoDB, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.run_rows import (
    MAX_SEGMENTS,
    current_row,
    read_run,
    read_segment,
    row_key,
    run_row,
    segment_row,
)
from shared.aws.runs import DynamoRunStore
from shared.errors import RunsCorrupt, StoreUnavailable
from shared.runs.model import Example, Phase, Run, RunKind, Scope, Segment, Tally, Worker
from tests.fakes.runs import FakeRunStore

RUN = Run("0" * 31 + "1", RunKind.ROTATION, Phase.PREPARE, started_at=1_700_000_000.123456, segments=4, workers=2)
OTHER = replace(RUN, run_id="f" * 32)
FULL = replace(
    RUN,
    scope=Scope(due=False, tenant_id="acme", data_class="pii", key_id=0xFFFFFFFF),
    items_per_second=0.1,
    retire=False,
    abandon_backups=True,
    barrier_seconds=2280.0,
    barrier_until=1e-7,
    census_at=1_700_000_300.0,
    ended_at=1_700_000_900.9999999,
    cursor='{"a": "ü"}',
    counts={"rewrapped": 12, "renewed": 0},
    examples=(Example("acme", "0000beef", "", "KeyDenied"),),
    verdict="safe to retire",
)
SEGMENT = Segment(RUN.run_id, Phase.SWEEP, 3)
TALLY = Tally(
    counts={"visited": 10**20, "would_seal:a[].b (pii)": 1},
    keys={"acme/0000beef": 2},
    keys_overflow=True,
    examples=(Example("acme", "i-1", "", "denied"), Example("", "", "a[]", "?")),
)


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1", config=config("dynamodb"))
        client.create_table(
            TableName="runs",
            KeySchema=[{"AttributeName": "run_id", "KeyType": "HASH"}, {"AttributeName": "row", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "run_id", "AttributeType": "S"},
                {"AttributeName": "row", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@pytest.fixture(params=["fake", "dynamodb"])
def store(request) -> FakeRunStore | DynamoRunStore:
    if request.param == "fake":
        return FakeRunStore()
    return DynamoRunStore(request.getfixturevalue("dynamodb"), "runs")


def test_an_empty_store_has_no_run_and_every_segment_at_its_beginning(store):
    assert store.load(RUN.run_id) is None
    assert store.latest(RunKind.ROTATION) is None
    assert SEGMENT == store.segment(RUN.run_id, Phase.SWEEP, 3)
    assert [] == list(store.segments(RUN.run_id, Phase.SWEEP))


@pytest.mark.parametrize("run", [RUN, FULL], ids=["least", "all"])
def test_a_run_that_began_is_read_back_as_it_was(store, run):
    expected = replace(run, version=1)

    assert expected == store.begin(run)
    assert expected == store.load(run.run_id) == store.latest(run.kind)


def test_of_two_starts_the_second_joins_the_first(store):
    first = store.begin(RUN)

    assert first == store.begin(OTHER)
    assert store.load(OTHER.run_id) is None


def test_runs_of_different_kinds_go_on_side_by_side(store):
    census = replace(OTHER, kind=RunKind.SURVEY, phase=Phase.CENSUS)
    store.begin(RUN)

    assert census.run_id == store.begin(census).run_id == store.latest(RunKind.SURVEY).run_id
    assert RUN.run_id == store.latest(RunKind.ROTATION).run_id


def test_the_next_run_of_a_kind_begins_once_the_latest_is_done(store):
    store.save(replace(store.begin(RUN), phase=Phase.DONE))

    assert OTHER.run_id == store.begin(OTHER).run_id == store.latest(RunKind.ROTATION).run_id
    assert Phase.DONE is store.load(RUN.run_id).phase


def test_a_start_that_is_repeated_gives_its_own_run_whatever_became_of_it(store):
    begun = store.begin(RUN)
    assert begun == store.begin(RUN)
    done = store.save(replace(begun, phase=Phase.DONE))
    assert done == store.begin(RUN)


def test_of_two_that_read_one_version_of_a_run_one_saves(store):
    begun = store.begin(RUN)

    saved = store.save(replace(begun, phase=Phase.SWEEP))

    assert replace(begun, phase=Phase.SWEEP, version=2) == saved
    assert store.save(replace(begun, phase=Phase.BARRIER)) is None
    assert saved == store.load(RUN.run_id)


def test_a_segment_is_read_back_as_it_was(store):
    saved = store.save_segment(replace(SEGMENT, cursor="x", done=True, tally=TALLY))

    assert replace(SEGMENT, cursor="x", done=True, tally=TALLY, version=1) == saved
    assert saved == store.segment(RUN.run_id, Phase.SWEEP, 3)


def test_of_two_that_read_one_version_of_a_segment_one_saves(store):
    first = store.save_segment(replace(SEGMENT, cursor="1"))
    assert store.save_segment(replace(SEGMENT, cursor="other")) is None
    second = store.save_segment(replace(first, cursor="2"))
    assert store.save_segment(replace(first, cursor="other")) is None

    assert replace(SEGMENT, cursor="2", version=2) == second == store.segment(RUN.run_id, Phase.SWEEP, 3)


def test_the_segments_of_a_phase_come_in_order_without_those_of_other_phases_and_runs(store):
    for number in (10, 2, 0):
        store.save_segment(replace(SEGMENT, number=number))
    store.save_segment(replace(SEGMENT, phase=Phase.CENSUS))
    store.save_segment(replace(SEGMENT, run_id=OTHER.run_id))
    store.begin(RUN)

    assert [0, 2, 10] == [one.number for one in store.segments(RUN.run_id, Phase.SWEEP)]


def test_each_workers_last_census_is_known_though_runs_of_its_kind_began_since(store):
    counted, reconciled = store.begin(RUN), store.begin(replace(OTHER, kind=RunKind.RECONCILIATION))
    assert [None, None] == [store.last_census(worker) for worker in Worker]

    for run in (counted, counted, reconciled):
        store.name_census(run)
    done = store.save(replace(counted, phase=Phase.DONE))
    store.begin(replace(RUN, run_id="2" * 32))

    assert (done, reconciled) == (store.last_census(Worker.SWEEPER), store.last_census(Worker.RECONCILER))


def test_segments_of_more_than_one_answer_of_dynamodb_are_all_read(dynamodb):
    store = DynamoRunStore(dynamodb, "runs")
    for number in range(5):  # 1.9 MB, and an answer holds 1 MB
        store.save_segment(replace(SEGMENT, number=number, cursor="x" * 380_000))

    assert list(range(5)) == [one.number for one in store.segments(RUN.run_id, Phase.SWEEP)]


def test_of_two_starts_at_once_both_get_the_one_run(dynamodb):
    store = DynamoRunStore(dynamodb, "runs")
    racing: list[Any] = []

    def begin_meanwhile(**_: Any) -> None:
        if not racing:
            racing.append(OTHER)
            racing.append(store.begin(OTHER))

    dynamodb.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", begin_meanwhile)

    assert OTHER.run_id == store.begin(RUN).run_id == racing[1].run_id
    assert store.load(RUN.run_id) is None


def test_of_two_starts_at_once_after_a_finished_run_both_get_the_one_run(dynamodb):
    store = DynamoRunStore(dynamodb, "runs")
    racing: list[Any] = []
    store.save(replace(store.begin(RUN), phase=Phase.DONE))

    def begin_meanwhile(**_: Any) -> None:
        if not racing:
            racing.append(OTHER)
            racing.append(store.begin(OTHER))

    dynamodb.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", begin_meanwhile)

    assert OTHER.run_id == store.begin(replace(RUN, run_id="3" * 32)).run_id == racing[1].run_id


def test_starts_that_lose_every_race_say_so(dynamodb):
    store = DynamoRunStore(dynamodb, "runs")
    ids = iter(f"{n:032x}" for n in range(100, 200))

    def others(**_: Any) -> None:  # each began and was done meanwhile
        dynamodb.put_item(TableName="runs", Item=run_row(replace(RUN, run_id=(other := next(ids)), phase=Phase.DONE)))
        dynamodb.put_item(TableName="runs", Item=current_row(RunKind.ROTATION, other))

    dynamodb.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", others)

    with pytest.raises(StoreUnavailable, match="races"):
        store.begin(RUN)


CALLS = {
    "begin": lambda store: store.begin(RUN),
    "load": lambda store: store.load(RUN.run_id),
    "latest": lambda store: store.latest(RunKind.SURVEY),
    "save": lambda store: store.save(replace(RUN, version=1)),
    "segment": lambda store: store.segment(RUN.run_id, Phase.SWEEP, 0),
    "segments": lambda store: store.segments(RUN.run_id, Phase.SWEEP),
    "save_segment": lambda store: store.save_segment(SEGMENT),
    "last_census": lambda store: store.last_census(Worker.SWEEPER),
    "name_census": lambda store: store.name_census(RUN),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_its_table_nothing_is_answered(dynamodb, call):
    with pytest.raises(StoreUnavailable):
        call(DynamoRunStore(dynamodb, "not-there"))


def test_a_refused_transaction_is_no_lost_race(dynamodb):
    def deny(**_: Any) -> Any:
        dynamodb.delete_table(TableName="runs")

    dynamodb.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", deny)

    with pytest.raises(StoreUnavailable, match="beginning"):
        DynamoRunStore(dynamodb, "runs").begin(RUN)


SPOILED_RUNS = {
    "an attribute is missing": lambda row: row.pop("workers"),
    "an attribute too many": lambda row: row.update(more={"S": "x"}),
    "another type": lambda row: row.update(cursor={"N": "1"}),
    "two types": lambda row: row.update(cursor={"S": "", "N": "1"}),
    "no number": lambda row: row.update(started_at={"N": "NaN"}),
    "an endless number": lambda row: row.update(started_at={"N": "Infinity"}),
    "a negative number": lambda row: row.update(segments={"N": "-1"}),
    "a fraction": lambda row: row.update(segments={"N": "1.5"}),
    "an unknown phase": lambda row: row.update(phase={"S": "nap"}),
    "an unknown kind": lambda row: row.update(kind={"S": "nap"}),
    "null where it cannot be": lambda row: row.update(cursor={"NULL": True}),
    "a flag that is none": lambda row: row.update(retire={"S": "true"}),
    "a scope with more": lambda row: row["scope"]["M"].update(more={"S": "x"}),
    "a scope that is a list": lambda row: row.update(scope={"L": []}),
    "counts of text": lambda row: row.update(counts={"M": {"a": {"S": "1"}}}),
    "another id": lambda row: row.update(run_id={"S": "current"}),
    "another name": lambda row: row.update(row={"S": "sweep#0001"}),
}


@pytest.mark.parametrize("spoil", SPOILED_RUNS.values(), ids=SPOILED_RUNS)
def test_a_run_of_another_form_is_refused_by_the_name_of_its_row(spoil):
    row = run_row(replace(FULL, version=1))
    assert replace(FULL, version=1) == read_run(row)
    spoil(row)

    with pytest.raises(RunsCorrupt, match=r"row \S+ \S+ of the runs table") as caught:
        read_run(row)
    assert caught.value.__cause__ is None


SPOILED_SEGMENTS = {
    "a name of another number": lambda row: row.update(row={"S": "sweep#0004"}),
    "a name of another phase": lambda row: row.update(row={"S": "census#0003"}),
    "a number too large": lambda row: row.update(number={"N": "10000"}),
    "examples as a map": lambda row: row["tally"]["M"].update(examples={"M": {}}),
    "no map at all": lambda row: row.update(tally="x"),
}


@pytest.mark.parametrize("spoil", SPOILED_SEGMENTS.values(), ids=SPOILED_SEGMENTS)
def test_a_segment_of_another_form_is_refused_by_the_name_of_its_row(spoil):
    row = segment_row(replace(SEGMENT, tally=TALLY, version=1))
    assert replace(SEGMENT, tally=TALLY, version=1) == read_segment(row)
    spoil(row)

    with pytest.raises(RunsCorrupt, match=rf"row {RUN.run_id} "):
        read_segment(row)


@pytest.mark.parametrize("latest", [{"S": "x"}, {"N": "1"}, {"S": OTHER.run_id}, None])
def test_a_kinds_row_that_names_no_run_is_refused(dynamodb, latest):
    row = current_row(RunKind.ROTATION, OTHER.run_id) | ({"latest": latest} if latest else {"more": {"S": "x"}})
    dynamodb.put_item(TableName="runs", Item=row)

    with pytest.raises(RunsCorrupt, match="current rotation"):
        DynamoRunStore(dynamodb, "runs").begin(RUN)


def test_a_kinds_row_that_names_a_run_of_another_kind_is_refused(dynamodb):
    store = DynamoRunStore(dynamodb, "runs")
    store.begin(RUN)
    dynamodb.put_item(TableName="runs", Item=current_row(RunKind.SURVEY, RUN.run_id))

    with pytest.raises(RunsCorrupt, match="current survey"):
        store.latest(RunKind.SURVEY)


def test_a_census_of_a_run_that_the_worker_does_not_work_on_is_refused(dynamodb):
    store = DynamoRunStore(dynamodb, "runs")
    store.begin(RUN)
    dynamodb.put_item(TableName="runs", Item=current_row("census-reconciler", RUN.run_id))

    with pytest.raises(RunsCorrupt, match="current census-reconciler"):
        store.last_census(Worker.RECONCILER)


def test_a_row_without_a_name_is_refused_all_the_same(dynamodb):
    with pytest.raises(RunsCorrupt, match="without a name"):
        read_run({})


def test_a_run_row_and_a_segment_row_are_found_by_the_keys_that_the_page_names():
    assert row_key(RUN.run_id, "run").items() <= run_row(RUN).items()
    assert row_key(RUN.run_id, "sweep#0003").items() <= segment_row(SEGMENT).items()
    with pytest.raises(ValueError, match="9999"):
        segment_row(replace(SEGMENT, number=MAX_SEGMENTS))
