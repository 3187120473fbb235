"""Shards in memory; passes the same contract as those of Kinesis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ALL_HASH_KEYS: Final = range(1 << 128)


class FakeShards:
    """The hash keys of shards by id; without any, every shard takes all.

    Attributes:
        fail_with: raised by every call while it is set.
        asked: stream and shard of each call.
    """

    def __init__(self, hash_keys: Mapping[str, range] | None = None) -> None:
        self.by_id = hash_keys
        self.fail_with: Exception | None = None
        self.asked: list[tuple[str, str]] = []

    def hash_keys(self, stream_arn: str, shard_id: str) -> range | None:
        self.asked.append((stream_arn, shard_id))
        if self.fail_with is not None:
            raise self.fail_with
        return ALL_HASH_KEYS if self.by_id is None else self.by_id.get(shard_id)
