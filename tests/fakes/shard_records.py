"""A stream that is read again, in memory: pages of two records, as the adapters give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.runtime.rereading import AfterRecord, AtTime, Page, Place, ShardRecord

PAGE = 2


class FakeShardRecords:
    """Records by shard, each as Lambda gives it; those before `oldest` are gone."""

    def __init__(self, records: Mapping[str, Sequence[ShardRecord]]) -> None:
        self.records = records
        self.oldest = 0

    def pages(self, shard_id: str, place: Place) -> Iterator[Page]:
        left = [one for one in self.records[shard_id] if int(one.sequence_number) >= self.oldest]
        if isinstance(place, AtTime):
            left = [one for one in left if one.arrived_at >= place.seconds]
        else:
            first = int(place.sequence_number) + isinstance(place, AfterRecord)
            left = [one for one in left if int(one.sequence_number) >= first]
        for start in range(0, max(1, len(left)), PAGE):
            yield Page(left[start : start + PAGE], start + PAGE >= len(left))


def of_kinesis(event: Mapping[str, Any]) -> ShardRecord:
    """A record of a Kinesis event."""
    kinesis = event["kinesis"]
    return ShardRecord(kinesis["sequenceNumber"], kinesis["approximateArrivalTimestamp"], event)


def of_table(event: Mapping[str, Any]) -> ShardRecord:
    """A record of a table's stream."""
    body = event["dynamodb"]
    return ShardRecord(body["SequenceNumber"], body["ApproximateCreationDateTime"], event)
