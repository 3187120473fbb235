"""Keeps one consumer for each shard of each mapping, children after their parents."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.local_aws.event_source_mappings.ports import Outbound, Source
from ops.local_aws.event_source_mappings.shard_consumer import ShardConsumer

#: How soon new shards, deleted mappings and restored ones are noticed; a created mapping is noticed at once.
REFRESH_SECONDS: Final = 0.25
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundMapping:
    """A mapping of a stream. `read` gives it as it is later, None once it is deleted."""

    mapping: Mapping[str, Any]
    source: Source
    read: Callable[[], dict[str, Any] | None]
    outbound: Outbound

    @property
    def id(self) -> str:
        """The mapping's UUID."""
        return str(self.mapping["UUID"])


class Supervisor:
    """Starts consumers for the shards that appear; they end by themselves.

    `find_mappings` gives all mappings of streams that there are.
    """

    def __init__(self, find_mappings: Callable[[], Collection[FoundMapping]]) -> None:
        self._find_mappings = find_mappings
        self._consumers: dict[tuple[str, str], ShardConsumer] = {}
        self._starting_positions: dict[str, dict[str, int]] = {}
        self._changed = threading.Event()

    def positions(self) -> dict[str, dict[str, int]]:
        """Up to where everything is done, by mapping and shard."""
        found = {mapping: dict(shards) for mapping, shards in self._starting_positions.items()}
        for (mapping, shard), consumer in list(self._consumers.items()):
            found.setdefault(mapping, {})[shard] = consumer.checkpoint()
        return found

    def begin_at(self, positions: dict[str, dict[str, int]]) -> None:
        """Read on from what `positions` gave; before the first consumer is started."""
        self._starting_positions = positions

    def anchor(self, mapping_id: str, source: Source, starting_position: str) -> None:
        """A mapping is being created: hold on to where LATEST is now, whenever its first read comes."""
        if starting_position == "LATEST":
            self._starting_positions.setdefault(mapping_id, {shard: source.end(shard) for shard in source.shards()})
        self._changed.set()

    def wake_consumers(self) -> None:
        """A stream was written to."""
        for consumer in list(self._consumers.values()):
            consumer.wake()

    def run(self) -> None:
        """Look after the consumers for ever."""
        while True:
            try:
                self.refresh()
            except Exception:  # noqa: BLE001 - nothing else would look after the mappings
                _log.exception("event source mappings: goes on after an error")
            self._changed.wait(REFRESH_SECONDS)
            self._changed.clear()

    def refresh(self) -> None:
        """Start the consumers that are missing, forget those that ended and are not wanted any more."""
        found = [one for one in self._find_mappings() if not _is_incomplete(one.mapping)]
        wanted: set[tuple[str, str]] = set()
        for one in found:
            if one.id not in self._starting_positions:
                self._starting_positions[one.id] = _starting_positions(one.mapping, one.source)
            shards = one.source.shards()
            wanted.update((one.id, shard_id) for shard_id in shards)
            for shard_id, shard in sorted(shards.items()):
                consumer = self._consumers.get((one.id, shard_id))
                if consumer and (consumer.is_alive() or shard.is_closed):
                    continue
                if not any(self._is_unread(one.id, parent, shards) for parent in shard.parents):
                    self._start(one, shard_id, consumer)
        for key, consumer in list(self._consumers.items()):
            if key not in wanted and not consumer.is_alive():
                del self._consumers[key]
        for gone in self._starting_positions.keys() - {one.id for one in found} - {key[0] for key in self._consumers}:
            del self._starting_positions[gone]

    def _is_unread(self, mapping_id: str, parent: str, shards: Collection[str]) -> bool:
        consumer = self._consumers.get((mapping_id, parent))
        return consumer.is_alive() if consumer else parent in shards

    def _start(self, found: FoundMapping, shard_id: str, previous: ShardConsumer | None) -> None:
        # A shard that appears later holds only records that came after the mapping was made, so it is read from 0 on.
        position = previous.position if previous else self._starting_positions[found.id].get(shard_id, 0)
        consumer = ShardConsumer(
            mapping=found.read, source=found.source, shard_id=shard_id, position=position, outbound=found.outbound
        )
        self._consumers[found.id, shard_id] = consumer
        consumer.start()


def _is_incomplete(mapping: Mapping[str, Any]) -> bool:
    # While a mapping is being created it stands in the store for a moment without its timestamp.
    return mapping.get("StartingPosition") == "AT_TIMESTAMP" and "StartingPositionTimestamp" not in mapping


def _starting_positions(mapping: Mapping[str, Any], source: Source) -> dict[str, int]:
    match mapping.get("StartingPosition"):
        case "LATEST":
            return {shard: source.end(shard) for shard in source.shards()}
        case "AT_TIMESTAMP":
            before = float(mapping["StartingPositionTimestamp"])
            return {shard: source.end(shard, before) for shard in source.shards()}
        case _:
            return {}
