"""Kinesis: shards that are split and merged while they hold records, their numbers, and how they are read."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.local_aws.repairs.kinesis_numbers import Origin, compose, origin_of
from ops.local_aws.repairs.kinesis_shards import RETENTION_TAG
from tests.evidence import evidence
from tests.local_aws.support import ACCOUNT, LocalAws, unique, wait_until

MIDDLE = 2**127
TOP = 2**128 - 1


@dataclass
class Stream:
    """A stream of one test."""

    client: Any
    name: str

    def put(self, data: str, hash_key: int = 0) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.put_record(
            StreamName=self.name, Data=data.encode(), PartitionKey="k", ExplicitHashKey=str(hash_key)
        )
        return answer

    def shards(self, **filters: Any) -> list[dict[str, Any]]:
        options = {"ShardFilter": filters} if filters else {}
        return list(self.client.list_shards(StreamName=self.name, **options)["Shards"])

    def ids(self, **filters: Any) -> list[int]:
        return [int(shard["ShardId"].removeprefix("shardId-")) for shard in self.shards(**filters)]

    def split(self, shard: int = 0, at: int = MIDDLE) -> None:
        self.client.split_shard(StreamName=self.name, ShardToSplit=shard_id(shard), NewStartingHashKey=str(at))

    def merge(self, shard: int, adjacent: int) -> None:
        self.client.merge_shards(
            StreamName=self.name, ShardToMerge=shard_id(shard), AdjacentShardToMerge=shard_id(adjacent)
        )

    def iterator(self, shard: int = 0, kind: str = "TRIM_HORIZON", **options: Any) -> str:
        return str(
            self.client.get_shard_iterator(
                StreamName=self.name, ShardId=shard_id(shard), ShardIteratorType=kind, **options
            )["ShardIterator"]
        )

    def page(self, shard: int = 0, kind: str = "TRIM_HORIZON", **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get_records(ShardIterator=self.iterator(shard, kind, **options))
        return answer

    def read(self, shard: int = 0, kind: str = "TRIM_HORIZON", **options: Any) -> list[str]:
        return [record["Data"].decode() for record in self.page(shard, kind, **options)["Records"]]

    def keep_for(self, seconds: float) -> None:
        self.client.add_tags_to_stream(StreamName=self.name, Tags={RETENTION_TAG: str(seconds)})


def shard_id(number: int) -> str:
    return f"shardId-{number:012d}"


def range_of(shard: dict[str, Any]) -> tuple[int, int]:
    return int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"])


def end_of(shard: dict[str, Any]) -> str | None:
    end: str | None = shard["SequenceNumberRange"].get("EndingSequenceNumber")
    return end


def make_stream(aws: LocalAws, shards: int = 1) -> Stream:
    stream = Stream(aws.client("kinesis"), unique("stream"))
    stream.client.create_stream(StreamName=stream.name, ShardCount=shards)
    return stream


@pytest.fixture
def stream(local_aws: LocalAws) -> Iterator[Stream]:
    made = make_stream(local_aws)
    yield made
    made.client.delete_stream(StreamName=made.name)


class TestResharding:
    def test_a_split_shard_is_closed_and_stays_readable(self, stream: Stream) -> None:
        stream.put("before")
        stream.split()
        stream.put("after", MIDDLE)
        parent, low, high = stream.shards()
        assert end_of(parent) is not None
        assert end_of(low) is end_of(high) is None
        assert ((0, MIDDLE - 1), (MIDDLE, TOP)) == (range_of(low), range_of(high))
        assert [shard_id(0)] * 2 == [child["ParentShardId"] for child in (low, high)]
        assert (["before"], [], ["after"]) == (stream.read(0), stream.read(1), stream.read(2))

    def test_merged_shards_are_closed_and_the_child_names_both(self, local_aws: LocalAws) -> None:
        stream = make_stream(local_aws, shards=2)
        stream.put("low")
        stream.put("high", MIDDLE)
        stream.merge(1, 0)
        stream.put("both", MIDDLE)
        *parents, child = stream.shards()
        assert all(map(end_of, parents))
        assert (shard_id(1), shard_id(0)) == (child["ParentShardId"], child["AdjacentParentShardId"])
        assert (0, TOP) == range_of(child)
        assert (["low"], ["high"], ["both"]) == (stream.read(0), stream.read(1), stream.read(2))

    def test_a_closed_shard_cannot_be_split_or_merged(self, stream: Stream) -> None:
        stream.split()
        with pytest.raises(ClientError, match="InvalidArgumentException"):
            stream.split()
        with pytest.raises(ClientError, match="InvalidArgumentException"):
            stream.merge(0, 1)

    def test_shards_that_are_not_adjacent_do_not_merge(self, local_aws: LocalAws) -> None:
        with pytest.raises(ClientError, match=r"InvalidArgumentException.*adjacent"):
            make_stream(local_aws, shards=3).merge(0, 2)

    @pytest.mark.parametrize("at", [0, 1, TOP])
    def test_a_split_leaves_neither_part_without_a_range(self, stream: Stream, at: int) -> None:
        with pytest.raises(ClientError, match="InvalidArgumentException"):
            stream.split(at=at)

    @pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 3), (3, 2), (4, 6)])
    def test_a_shard_count_is_reached_by_splits_and_merges(self, local_aws: LocalAws, before: int, after: int) -> None:
        stream = make_stream(local_aws, shards=before)
        stream.put("kept")
        answer = stream.client.update_shard_count(
            StreamName=stream.name, TargetShardCount=after, ScalingType="UNIFORM_SCALING"
        )
        assert (before, after) == (answer["CurrentShardCount"], answer["TargetShardCount"])
        summary = stream.client.describe_stream_summary(StreamName=stream.name)["StreamDescriptionSummary"]
        assert after == summary["OpenShardCount"]
        ranges = sorted(range_of(shard) for shard in stream.shards() if end_of(shard) is None)
        assert [0, *(last + 1 for _, last in ranges[:-1])] == [first for first, _ in ranges]
        widths = [last - first for first, last in ranges]
        assert max(widths) - min(widths) <= after
        assert ["kept"] == stream.read(0)

    @pytest.mark.parametrize("target", [1, 9])
    def test_a_shard_count_changes_by_no_more_than_a_factor_of_two(self, local_aws: LocalAws, target: int) -> None:
        stream = make_stream(local_aws, shards=4)
        with pytest.raises(ClientError, match="InvalidArgumentException"):
            stream.client.update_shard_count(
                StreamName=stream.name, TargetShardCount=target, ScalingType="UNIFORM_SCALING"
            )

    def test_a_stream_describes_closed_shards_too(self, stream: Stream) -> None:
        stream.split()
        described = stream.client.describe_stream(StreamName=stream.name)["StreamDescription"]["Shards"]
        assert [True, False, False] == [end_of(shard) is not None for shard in described]
        assert described == stream.shards()


class TestNumbers:
    def test_they_have_the_form_of_recorded_ones(self) -> None:
        for record in evidence("kinesis_stream_event.json")["Records"]:
            number = record["kinesis"]["sequenceNumber"]
            digits = f"{int(number):x}"
            assert number == compose(origin_of(number), int(digits[11:27], 16), int(digits[29:38], 16))
            assert Origin(made_at=1542776258, index=6) == origin_of(number)

    def test_a_record_is_numbered_within_its_shards_range(self, stream: Stream) -> None:
        numbers = [stream.put(str(index))["SequenceNumber"] for index in range(3)]
        stream.split()
        span = stream.shards()[0]["SequenceNumberRange"]
        in_order = [span["StartingSequenceNumber"], *numbers, span["EndingSequenceNumber"]]
        assert in_order == sorted(in_order, key=int)
        assert {56} == set(map(len, in_order))

    def test_a_child_numbers_above_its_parent_however_soon_it_is_made(self, stream: Stream) -> None:
        numbers = [stream.put("grandparent")["SequenceNumber"]]
        stream.split()
        numbers.append(stream.put("parent")["SequenceNumber"])
        stream.merge(1, 2)
        numbers.append(stream.put("child")["SequenceNumber"])
        assert numbers == sorted(numbers, key=int)
        assert int(stream.shards()[1]["SequenceNumberRange"]["EndingSequenceNumber"]) < int(numbers[-1])

    def test_of_unrelated_shards_the_younger_one_numbers_higher(self, local_aws: LocalAws) -> None:
        stream = make_stream(local_aws, shards=2)
        stream.split(0, at=MIDDLE // 2)
        young = stream.put("first", 0)
        old = stream.put("second", TOP)
        assert (shard_id(2), shard_id(1)) == (young["ShardId"], old["ShardId"])
        assert int(young["SequenceNumber"]) > int(old["SequenceNumber"])

    @pytest.mark.also_on_stock
    def test_a_stream_made_anew_goes_on_above_the_old_one(self, stream: Stream) -> None:
        old = stream.put("old")["SequenceNumber"]
        stream.client.delete_stream(StreamName=stream.name)
        stream.client.create_stream(StreamName=stream.name, ShardCount=1)
        assert int(old) < int(stream.put("new")["SequenceNumber"])


@pytest.fixture(scope="module")
def history(local_aws: LocalAws) -> tuple[Stream, list[float]]:
    """Shards 0 and 1; then 0 split into 2 and 3; then 3 and 1 merged into 4; and the times between."""
    stream = make_stream(local_aws, shards=2)
    times = [_moment()]
    stream.split(0, at=MIDDLE // 2)
    times.append(_moment())
    stream.merge(3, 1)
    times.append(_moment())
    return stream, times


class TestListing:
    def test_the_filters_choose_by_time_and_by_id(self, history: tuple[Stream, list[float]]) -> None:
        stream, (first, second, third) = history
        assert [0, 1, 2, 3, 4] == stream.ids()
        assert [2, 4] == stream.ids(Type="AT_LATEST")
        assert [0, 1] == stream.ids(Type="AT_TRIM_HORIZON")
        assert [0, 1, 2, 3, 4] == stream.ids(Type="FROM_TRIM_HORIZON")
        assert [3, 4] == stream.ids(Type="AFTER_SHARD_ID", ShardId=shard_id(2))
        assert [0, 1] == stream.ids(Type="AT_TIMESTAMP", Timestamp=first)
        assert [1, 2, 3] == stream.ids(Type="AT_TIMESTAMP", Timestamp=second)
        assert [2, 4] == stream.ids(Type="AT_TIMESTAMP", Timestamp=third)
        assert [0, 1, 2, 3, 4] == stream.ids(Type="FROM_TIMESTAMP", Timestamp=first)
        assert [1, 2, 3, 4] == stream.ids(Type="FROM_TIMESTAMP", Timestamp=second)
        assert [2, 4] == stream.ids(Type="FROM_TIMESTAMP", Timestamp=third)
        assert [0, 1] == stream.ids(Type="AT_TIMESTAMP", Timestamp=first - 7 * 86_400)

    def test_a_filter_without_what_it_needs_is_refused(self, history: tuple[Stream, list[float]]) -> None:
        for kind in ("AT_TIMESTAMP", "FROM_TIMESTAMP", "AFTER_SHARD_ID"):
            with pytest.raises(ClientError, match="InvalidArgumentException"):
                history[0].ids(Type=kind)

    def test_pages_keep_the_filter(self, history: tuple[Stream, list[float]]) -> None:
        stream, client = history[0], history[0].client
        options = {"ShardFilter": {"Type": "AFTER_SHARD_ID", "ShardId": shard_id(0)}, "MaxResults": 3}
        first = client.list_shards(StreamName=stream.name, **options)
        second = client.list_shards(NextToken=first["NextToken"])
        assert [1, 2, 3, 4] == [int(shard["ShardId"][-12:]) for page in (first, second) for shard in page["Shards"]]
        assert "NextToken" not in second
        with pytest.raises(ClientError, match="NextToken and StreamName cannot be provided together"):
            client.list_shards(StreamName=stream.name, NextToken=first["NextToken"])


class TestReading:
    def test_the_end_of_a_closed_shard_names_its_children(self, stream: Stream) -> None:
        stream.put("one")
        stream.put("two")
        stream.split()
        first = stream.client.get_records(ShardIterator=stream.iterator(), Limit=1)
        assert "ChildShards" not in first
        last = stream.client.get_records(ShardIterator=first["NextShardIterator"])
        assert [b"two"] == [record["Data"] for record in last["Records"]]
        assert "NextShardIterator" not in last
        assert [(shard_id(1), [shard_id(0)]), (shard_id(2), [shard_id(0)])] == [
            (child["ShardId"], child["ParentShards"]) for child in last["ChildShards"]
        ]
        assert [(0, MIDDLE - 1), (MIDDLE, TOP)] == [range_of(child) for child in last["ChildShards"]]

    def test_a_reader_at_the_end_learns_of_the_split(self, stream: Stream) -> None:
        page = stream.page(kind="LATEST")
        stream.split()
        assert 2 == len(stream.client.get_records(ShardIterator=page["NextShardIterator"])["ChildShards"])

    @pytest.mark.also_on_stock
    def test_iterators_begin_where_they_say(self, stream: Stream) -> None:
        first, second = (stream.put(data)["SequenceNumber"] for data in ("one", "two"))
        between = _moment()
        latest = stream.iterator(kind="LATEST")
        stream.put("three")
        assert ["one", "two", "three"] == stream.read(kind="TRIM_HORIZON")
        assert ["one", "two", "three"] == stream.read(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=first)
        assert ["three"] == stream.read(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=second)
        assert ["three"] == stream.read(kind="AT_TIMESTAMP", Timestamp=between)
        assert ["one", "two", "three"] == stream.read(kind="AT_TIMESTAMP", Timestamp=between - 3600)
        [record] = stream.client.get_records(ShardIterator=latest)["Records"]
        assert b"three" == record["Data"]

    def test_a_number_that_was_trimmed_begins_at_what_is_left(self, stream: Stream) -> None:
        gone = stream.put("gone")["SequenceNumber"]
        iterator = stream.iterator(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=gone)
        begin = time.time()
        wait_until(lambda: time.time() > begin + 0.5)
        stream.put("kept")
        stream.keep_for(0.4)
        assert ["kept"] == stream.read(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=gone)
        assert ["kept"] == stream.read(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=gone)
        [record] = stream.client.get_records(ShardIterator=iterator)["Records"]
        assert b"kept" == record["Data"]

    def test_trimming_moves_no_reader(self, stream: Stream) -> None:
        stream.put("one")
        first = stream.client.get_records(ShardIterator=stream.iterator(), Limit=1)
        begin = time.time()
        wait_until(lambda: time.time() > begin + 0.5)
        stream.put("two")
        stream.keep_for(0.4)
        assert ["two"] == stream.read()
        [record] = stream.client.get_records(ShardIterator=first["NextShardIterator"])["Records"]
        assert b"two" == record["Data"]

    def test_a_closed_shard_is_gone_with_its_last_record(self, stream: Stream) -> None:
        stream.put("old")
        stream.split()
        assert [0, 1, 2] == stream.ids()
        stream.keep_for(0.3)
        wait_until(lambda: stream.ids() == [1, 2])
        assert [shard_id(0)] * 2 == [shard["ParentShardId"] for shard in stream.shards()]
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            stream.read(0)

    def test_a_number_of_another_shard_is_refused(self, local_aws: LocalAws) -> None:
        stream = make_stream(local_aws, shards=2)
        number = stream.put("other", TOP)["SequenceNumber"]
        with pytest.raises(ClientError, match=f"InvalidArgumentException.*encodes {shard_id(1)}"):
            stream.read(0, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)

    def test_a_number_of_another_stream_is_refused(self, local_aws: LocalAws, stream: Stream) -> None:
        foreign = compose(Origin(made_at=1_500_000_000, index=0), 1, 1_500_000_001)
        for number in (foreign, "1", "LATEST"):
            with pytest.raises(ClientError, match="InvalidArgumentException"):
                stream.read(0, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)

    def test_a_time_to_come_is_refused(self, stream: Stream) -> None:
        with pytest.raises(ClientError, match=r"InvalidArgumentException.*cannot be greater"):
            stream.read(kind="AT_TIMESTAMP", Timestamp=time.time() + 60)

    def test_what_is_no_iterator_is_refused(self, stream: Stream) -> None:
        for text in ("x", "AAAA", "eyJhIjogMX0="):
            with pytest.raises(ClientError, match="InvalidArgumentException"):
                stream.client.get_records(ShardIterator=text)

    def test_a_page_holds_ten_megabytes(self, stream: Stream) -> None:
        for _ in range(11):
            stream.put("x" * 1_000_000)
        page = stream.page()
        assert 10 == len(page["Records"])
        rest = stream.client.get_records(ShardIterator=page["NextShardIterator"])
        assert (1, 0) == (len(rest["Records"]), rest["MillisBehindLatest"])

    def test_nothing_is_lost_by_who_reads_all_lines_of_shards(self, stream: Stream) -> None:
        """Records put between splits and merges, read from parents to children, as a consumer library does."""
        put: dict[int, list[str]] = defaultdict(list)
        changes = [
            stream.split,
            lambda: stream.split(1, MIDDLE // 2),
            lambda: stream.merge(4, 2),
            lambda: None,
        ]
        for number, change in enumerate(changes):
            for index in range(8):
                hash_key = int(hashlib.sha256(f"{index}".encode()).hexdigest()[:32], 16)
                put[index].append(f"{index}/{number}")
                stream.put(put[index][-1], hash_key)
            change()
        read: dict[int, list[str]] = defaultdict(list)
        for shard in stream.ids():  # ids rise from parents to children
            for data in stream.read(shard):
                read[int(data.partition("/")[0])].append(data)
        assert put == read


def _moment() -> float:
    """A time that everything put before is older than, and everything put later is younger."""
    moment = time.time() + 0.01
    wait_until(lambda: time.time() > moment + 0.01, every_seconds=0.005)
    return moment


def test_no_stream_of_this_name(local_aws: LocalAws) -> None:
    name = unique("absent")
    with pytest.raises(ClientError, match=f"Stream {name} under account {ACCOUNT} not found."):
        local_aws.client("kinesis").list_shards(StreamName=name)
