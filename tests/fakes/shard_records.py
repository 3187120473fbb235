"""A stream that is read again, in memory: pages of two records, as the adapters give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shared.runtime.rereading import AfterRecord, AtTime, Page, Place, ShardRecord

PAGE = 2


class FakeShardRecords:
    """Records by shard, each as Lambda gives it.

    Attributes:
        oldest: number of the first that is not gone.
        page: how many records one holds at most.
        throttled: how often each read is, before it is answered; then they are not.
        sizes: how many records each attempt asked for.
    """

    def __init__(self, records: Mapping[str, Sequence[ShardRecord]]) -> None:
        self.records = records
        self.oldest = 0
        self.page = PAGE
        self.throttled: list[int] = []
        self.sizes: list[int] = []

    def pages(self, shard_id: str, place: Place, *, most: Callable[[], int] = lambda: PAGE) -> Iterator[Page]:
        left = [one for one in self.records[shard_id] if int(one.sequence_number) >= self.oldest]
        if isinstance(place, AtTime):
            left = [one for one in left if one.arrived_at >= place.seconds]
        else:
            first = int(place.sequence_number) + isinstance(place, AfterRecord)
            left = [one for one in left if int(one.sequence_number) >= first]
        start, is_read = 0, False
        while not is_read:
            attempts = self.throttled.pop(0) + 1 if self.throttled else 1
            self.sizes += [max(1, min(self.page, most()) >> attempt) for attempt in range(attempts)]
            size = self.sizes[-1]
            page = left[start : start + size]
            start += len(page)
            is_read = start == len(left)
            yield Page(page, is_read)


def of_kinesis(event: Mapping[str, Any]) -> ShardRecord:
    """A record of a Kinesis event."""
    kinesis = event["kinesis"]
    return ShardRecord(kinesis["sequenceNumber"], kinesis["approximateArrivalTimestamp"], event)


def of_table(event: Mapping[str, Any]) -> ShardRecord:
    """A record of a table's stream."""
    body = event["dynamodb"]
    return ShardRecord(body["SequenceNumber"], body["ApproximateCreationDateTime"], event)
