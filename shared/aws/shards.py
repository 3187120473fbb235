"""The shards of a stream: who descends from whom, and which hash keys fall into each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from shared.aws.errors import AWS_ERRORS, store_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_kinesis import KinesisClient


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard as ListShards shows it.

    Attributes:
        parents: the shards that it was split or merged from.
        hash_keys: those that fall into it.
        is_closed: it takes no more records.
    """

    shard_id: str
    parents: tuple[str, ...]
    hash_keys: range
    is_closed: bool


class KinesisShards:
    """Asks Kinesis, and remembers what never changes: the hash keys of a shard."""

    def __init__(self, kinesis: KinesisClient) -> None:
        self._kinesis = kinesis
        self._hash_keys: dict[tuple[str, str], range] = {}
        self._asking = Lock()

    def shards(self, stream_arn: str, *, since: float | None = None) -> list[Shard]:
        """The shards that Kinesis still knows, closed ones too; any order.

        Args:
            stream_arn: of the stream.
            since: only those that were open at this time or later; seconds since the epoch.

        Raises:
            StoreUnavailable: no answer, or throttled.
        """
        asked: dict[str, Any] = {"StreamARN": stream_arn}
        if since is not None:
            asked["ShardFilter"] = {"Type": "FROM_TIMESTAMP", "Timestamp": datetime.fromtimestamp(since, UTC)}
        try:
            return list(self._pages(asked))
        except AWS_ERRORS as error:
            raise store_error(error, "listing the shards of the stream") from None

    def forgotten_before(self, stream_arn: str, *, now: float) -> float | None:
        """Retention has taken what arrived before this time; None where the stream is younger; raises as `shards`.

        Args:
            stream_arn: of the stream.
            now: seconds since the epoch, as the answer.
        """
        try:
            told = self._kinesis.describe_stream_summary(StreamARN=stream_arn)["StreamDescriptionSummary"]
        except AWS_ERRORS as error:
            raise store_error(error, "asking how long the stream keeps records") from None
        held_from = now - told["RetentionPeriodHours"] * 3_600
        return held_from if told["StreamCreationTimestamp"].timestamp() < held_from else None

    def hash_keys(self, stream_arn: str, shard_id: str) -> range | None:
        """The hash keys that fall into a shard; None where Kinesis does not know it any more; raises as `shards`."""
        with self._asking:
            if (stream_arn, shard_id) not in self._hash_keys:
                found = {(stream_arn, shard.shard_id): shard.hash_keys for shard in self.shards(stream_arn)}
                self._hash_keys |= found
            return self._hash_keys.get((stream_arn, shard_id))

    def _pages(self, asked: dict[str, Any]) -> Iterator[Shard]:
        while True:
            page: Any = self._kinesis.list_shards(**asked)
            yield from map(_shard, page["Shards"])
            if "NextToken" not in page:
                return
            asked = {"NextToken": page["NextToken"]}


def _shard(described: Any) -> Shard:
    bounds = described["HashKeyRange"]
    parents = (described.get("ParentShardId"), described.get("AdjacentParentShardId"))
    return Shard(
        shard_id=described["ShardId"],
        parents=tuple(parent for parent in parents if parent),
        hash_keys=range(int(bounds["StartingHashKey"]), int(bounds["EndingHashKey"]) + 1),
        is_closed="EndingSequenceNumber" in described["SequenceNumberRange"],
    )
