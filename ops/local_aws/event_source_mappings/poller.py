"""One consumer for each shard of each mapping, in the server process, instead of MiniStack's own stream polling.

Mappings are read from MiniStack's store and not with ListEventSourceMappings: the poller has to write
LastProcessingResult back, which no API does, and has to see a change at once, without asking all the time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from ministack.core.concurrency import esm_wake
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import cloudwatch, lambda_svc

from ops.local_aws.event_source_mappings import outbound
from ops.local_aws.event_source_mappings.delivery import Discard, Invocation
from ops.local_aws.event_source_mappings.ports import Source
from ops.local_aws.event_source_mappings.shard_consumer import ShardConsumer
from ops.local_aws.event_source_mappings.sources import source_of

#: How soon new shards, deleted mappings and restored ones are noticed; a created mapping is noticed at once.
REFRESH_SECONDS: Final = 0.25
_log = logging.getLogger(__name__)


def start() -> None:
    """Take over the Kinesis and DynamoDB streams from MiniStack's poller, which keeps SQS; runs as daemon threads."""
    poller = Poller()
    lambda_svc._poll_kinesis = lambda: False  # noqa: SLF001
    lambda_svc._poll_dynamodb_streams = lambda: False  # noqa: SLF001
    # MiniStack calls it for every mapping that is created, by the API and by CloudFormation.
    lambda_svc._init_stream_position = poller.anchor  # noqa: SLF001

    # MiniStack sets this event after every write to a stream, to wake its own poller.
    wake_ministack = esm_wake.set

    def wake_all() -> None:
        wake_ministack()
        poller.wake_consumers()

    esm_wake.set = wake_all
    threading.Thread(target=poller.run, daemon=True, name="event-source-mappings").start()


class Poller:
    """Starts consumers for the shards that appear; they end by themselves."""

    def __init__(self) -> None:
        self._consumers: dict[tuple[str, str], ShardConsumer] = {}
        self._starting_positions: dict[str, dict[str, int]] = {}
        self._changed = threading.Event()

    def anchor(self, mapping_id: str, stream_arn: str, starting_position: str) -> None:
        """Hold on to where LATEST is while the mapping is being created, whenever its first read comes."""
        source = source_of(stream_arn)
        if source is not None and starting_position == "LATEST":
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
                self._refresh()
            except Exception:  # noqa: BLE001 - nothing else would look after the mappings
                _log.exception("event source mappings: goes on after an error")
            self._changed.wait(REFRESH_SECONDS)
            self._changed.clear()

    def _refresh(self) -> None:
        present: set[tuple[str, str]] = set()
        mapping_ids: set[str] = set()
        for account, region, mapping in list(lambda_svc._iter_all_esms()):  # noqa: SLF001 - see the module
            source = source_of(mapping["EventSourceArn"])
            if source is None or _is_incomplete(mapping):
                continue
            mapping_ids.add(mapping["UUID"])
            starting_positions = self._starting_positions.get(mapping["UUID"])
            if starting_positions is None:
                starting_positions = _starting_positions(mapping, source)
                self._starting_positions[mapping["UUID"]] = starting_positions
            for shard_id in self._startable(mapping["UUID"], source, present):
                previous = self._consumers.get((mapping["UUID"], shard_id))
                consumer = ShardConsumer(
                    mapping=_Reader(account, region, mapping["UUID"]),
                    source=source,
                    shard_id=shard_id,
                    # A shard that appears later holds only records that came after the mapping was made.
                    position=previous.position if previous else starting_positions.get(shard_id, 0),
                    outbound=_Outbound(account, region),
                )
                self._consumers[mapping["UUID"], shard_id] = consumer
                consumer.start()
        for key, consumer in list(self._consumers.items()):
            if key not in present and not consumer.is_alive():
                del self._consumers[key]
        for gone in set(self._starting_positions) - mapping_ids - {key[0] for key in self._consumers}:
            del self._starting_positions[gone]

    def _startable(self, mapping_id: str, source: Source, present: set[tuple[str, str]]) -> list[str]:
        """The shards without a consumer whose parents are read to their end; adds all shards to `present`."""
        shards = source.shards()
        present.update((mapping_id, shard_id) for shard_id in shards)
        startable = []
        for shard_id, shard in sorted(shards.items()):
            consumer = self._consumers.get((mapping_id, shard_id))
            if consumer and (consumer.is_alive() or shard.is_closed):
                continue
            if not any(self._is_unread(mapping_id, parent, is_there=parent in shards) for parent in shard.parents):
                startable.append(shard_id)
        return startable

    def _is_unread(self, mapping_id: str, shard_id: str, *, is_there: bool) -> bool:
        consumer = self._consumers.get((mapping_id, shard_id))
        return consumer.is_alive() if consumer else is_there


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


class _Reader:
    """The mapping as it is now; None once it is deleted."""

    def __init__(self, account: str, region: str, mapping_id: str) -> None:
        self._key = (account, region, mapping_id)

    def __call__(self) -> dict[str, Any] | None:
        mapping: dict[str, Any] | None = lambda_svc._esms.get_scoped(*self._key)  # noqa: SLF001 - see the module
        return mapping


class _Outbound:
    """See ports.Outbound."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region

    def invoke(self, function_arn: str, event: str) -> Invocation:
        return outbound.invoke(function_arn, event)

    def discard(self, discard: Discard, mapping: Mapping[str, Any], shard_id: str) -> None:
        destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        _log.warning(
            "mapping %s, %s: %d records discarded: %s",
            mapping["UUID"],
            shard_id,
            len(discard.records),
            discard.condition,
        )
        if destination:
            outbound.send_discard(
                discard,
                destination,
                mapping_id=mapping["UUID"],
                function_arn=mapping["FunctionArn"],
                stream_arn=mapping["EventSourceArn"],
                shard_id=shard_id,
                now=time.time(),
            )

    def iterator_age(self, mapping: Mapping[str, Any], milliseconds: float) -> None:
        account, region = _request_account_id.set(self._account), _request_region.set(self._region)
        try:  # PutMetricData refuses the namespaces of AWS itself
            cloudwatch.record_metric(
                "AWS/Lambda", "IteratorAge", milliseconds, "Milliseconds", {"FunctionName": mapping["FunctionName"]}
            )
        finally:
            _request_account_id.reset(account)
            _request_region.reset(region)
