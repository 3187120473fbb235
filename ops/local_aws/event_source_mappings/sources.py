"""Reads records out of MiniStack's streams.

Out of its stores, not over the public API: a look costs nothing, so each shard of each mapping is looked at all the
time without a request that the server would have to answer.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ministack.services import dynamodb, kinesis, lambda_svc

from ops.local_aws.event_source_mappings.delivery import StreamRecord, record_json
from ops.local_aws.event_source_mappings.ports import Page, Shard, Source
from ops.local_aws.repairs import kinesis_shards

#: MiniStack's DynamoDB streams have this one shard.
DYNAMODB_SHARD: Final = "shardId-00000000000000000000-00000000"


def source_of(stream_arn: str) -> Source | None:
    """The stream of this ARN; None where it is neither Kinesis nor DynamoDB."""
    match stream_arn.split(":", 5):
        case [_, _, "kinesis", region, account, resource]:
            return KinesisSource(account, region, resource.split("/")[1], stream_arn)
        case [_, _, "dynamodb", region, account, resource] if "/stream/" in resource:
            return DynamoDbSource(account, region, resource.split("/")[1], stream_arn)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class KinesisSource:
    """A data stream, or a registered consumer of it."""

    account: str
    region: str
    name: str
    arn: str

    def exists(self) -> bool:
        """See Source."""
        return self._stream() is not None

    def shards(self) -> Mapping[str, Shard]:
        """See Source."""
        return {
            shard_id: Shard(
                parents=tuple(kinesis_shards.parents_of(shard)), is_closed=not kinesis_shards.is_open(shard)
            )
            for shard_id, shard in list(self._shards().items())
        }

    def end(self, shard_id: str, before: float | None = None) -> int:
        """See Source."""
        return _end(self._records(shard_id), _kinesis_sequence, _kinesis_arrival, before)

    def read(self, shard_id: str, position: int, limit: int, mapping: Mapping[str, Any]) -> Page:
        """See Source."""
        raw = _after(self._records(shard_id), position, limit, _kinesis_sequence)
        common = {
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": _role_of(mapping, self.account, self.region),
            "awsRegion": self.region,
            "eventSourceARN": self.arn,
        }
        events = [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record["PartitionKey"],
                    "sequenceNumber": record["SequenceNumber"],
                    "data": _base64(record["Data"]),
                    "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
                },
                "eventID": f"{shard_id}:{record['SequenceNumber']}",
            }
            | common
            for record in raw
        ]
        records = tuple(
            StreamRecord(
                sequence_number=event["kinesis"]["sequenceNumber"],
                key=event["kinesis"]["partitionKey"],
                arrived_at=float(event["kinesis"]["approximateArrivalTimestamp"]),
                event=record_json(event),
            )
            for event in _filtered(events, mapping)
        )
        return Page(records, _kinesis_sequence(raw[-1]) if raw else position)

    def _stream(self) -> Mapping[str, Any] | None:
        stream: Mapping[str, Any] | None = kinesis._streams.get_scoped(  # noqa: SLF001 - see the module
            self.account, self.region, self.name
        )
        return stream

    def _shards(self) -> Mapping[str, Any]:
        stream = self._stream()
        if stream is None or stream["StreamStatus"] not in {"ACTIVE", "UPDATING"}:
            return {}
        shards: Mapping[str, Any] = stream["shards"]
        return shards

    def _records(self, shard_id: str) -> Sequence[Mapping[str, Any]]:
        stream = self._stream()
        shard = self._shards().get(shard_id)
        return kinesis_shards.live_records(stream, shard) if stream and shard else ()


@dataclass(frozen=True, slots=True)
class DynamoDbSource:
    """The stream of a table."""

    account: str
    region: str
    table: str
    arn: str

    def exists(self) -> bool:
        """See Source."""
        return bool(self.shards())

    def shards(self) -> Mapping[str, Shard]:
        """See Source."""
        table = dynamodb._tables.get_scoped(self.account, self.region, self.table)  # noqa: SLF001 - see the module
        if table and table.get("LatestStreamArn") == self.arn and table["StreamSpecification"].get("StreamEnabled"):
            return {DYNAMODB_SHARD: Shard()}
        return {}

    def end(self, shard_id: str, before: float | None = None) -> int:
        """See Source."""
        del shard_id
        return _end(self._records(), _dynamodb_sequence, _dynamodb_arrival, before)

    def read(self, shard_id: str, position: int, limit: int, mapping: Mapping[str, Any]) -> Page:
        """See Source."""
        del shard_id
        raw = _after(self._records(), position, limit, _dynamodb_sequence)
        records = tuple(
            StreamRecord(
                sequence_number=event["dynamodb"]["SequenceNumber"],
                key=record_json(dict(sorted(event["dynamodb"]["Keys"].items()))),
                arrived_at=_dynamodb_arrival(event),
                event=record_json(event),
            )
            for event in _filtered(raw, mapping)
        )
        return Page(records, _dynamodb_sequence(raw[-1]) if raw else position)

    def _records(self) -> Sequence[Mapping[str, Any]]:
        if not self.shards():
            return ()
        records: Sequence[Mapping[str, Any]] = dynamodb.stream_live_records(
            self.table, account_id=self.account, region=self.region
        )
        return records


_Record = Mapping[str, Any]


def _kinesis_sequence(record: _Record) -> int:
    return int(record["SequenceNumber"])


def _kinesis_arrival(record: _Record) -> float:
    return float(record["ApproximateArrivalTimestamp"])


def _dynamodb_sequence(record: _Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


def _dynamodb_arrival(record: _Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _after(
    records: Sequence[_Record], position: int, limit: int, sequence: Callable[[_Record], int]
) -> Sequence[_Record]:
    start = bisect_right(records, position, key=sequence)
    return records[start : start + limit]


def _end(
    records: Sequence[_Record],
    sequence: Callable[[_Record], int],
    arrival: Callable[[_Record], float],
    before: float | None,
) -> int:
    earlier = records if before is None else [record for record in records if arrival(record) < before]
    return sequence(earlier[-1]) if earlier else 0


def _filtered(events: Sequence[_Record], mapping: Mapping[str, Any]) -> Sequence[_Record]:
    if not (mapping.get("FilterCriteria") or {}).get("Filters"):
        return events
    kept: Sequence[_Record] = lambda_svc._apply_filter_criteria(list(events), mapping)  # noqa: SLF001 - a pure function
    return kept


def _role_of(mapping: Mapping[str, Any], account: str, region: str) -> str:
    function = lambda_svc._functions.get_scoped(account, region, mapping["FunctionName"])  # noqa: SLF001 - see the module
    return str(function["config"]["Role"]) if function else ""


def _base64(data: Any) -> str:
    # MiniStack keeps what the client sent, which is base64, but bytes where the client spoke CBOR.
    return base64.b64encode(data).decode("ascii") if isinstance(data, bytes) else str(data)
