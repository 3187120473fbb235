"""What a shard consumer reads from and acts on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ops.local_aws.event_source_mappings.delivery import Discard, Invocation, StreamRecord


@dataclass(frozen=True, slots=True)
class Shard:
    """`parents` are read to their end before this shard is begun; `is_closed` when nothing more will be put on it."""

    parents: tuple[str, ...] = ()
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Records that pass the mapping's filter, and the position after all that were read."""

    records: tuple[StreamRecord, ...]
    position: int


class Source(Protocol):
    """One stream. A position is the sequence number of the last record read; 0 is the trim horizon."""

    def exists(self) -> bool:
        """Whether there is such a stream, active or not."""

    def shards(self) -> Mapping[str, Shard]:
        """All shards by id; empty while there is no such stream or it is not active."""

    def end(self, shard_id: str, before: float | None = None) -> int:
        """The position after the last record, or after the last that arrived before that time (epoch seconds)."""

    def read(self, shard_id: str, position: int, limit: int, mapping: Mapping[str, Any]) -> Page:
        """The next records, filtered and worded for the mapping."""


class Outbound(Protocol):
    """What the consumer does to the world."""

    def invoke(self, function_arn: str, event: str) -> Invocation:
        """Run the function with this event; never raises."""

    def discard(self, discard: Discard, mapping: Mapping[str, Any], shard_id: str) -> None:
        """Tell the mapping's destination about records that were given up."""

    def iterator_age(self, mapping: Mapping[str, Any], milliseconds: float) -> None:
        """Publish how old the last record of a batch was when it was delivered."""
