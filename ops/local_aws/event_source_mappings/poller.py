"""Takes streams and queues over from MiniStack's own poller, in the server process.

Mappings are read from MiniStack's store and not with ListEventSourceMappings: LastProcessingResult has to be written
back, which no API does, and a change has to be seen at once, without asking all the time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from ministack.core.concurrency import esm_wake
from ministack.core.responses import _request_account_id, _request_region
from ministack.services import cloudwatch, lambda_svc

from ops.local_aws.event_source_mappings import outbound
from ops.local_aws.event_source_mappings.delivery import Discard, Invocation, Settings
from ops.local_aws.event_source_mappings.queue_consumer import FoundQueueMapping, QueueConsumers
from ops.local_aws.event_source_mappings.queues import MappedQueue, is_queue
from ops.local_aws.event_source_mappings.sources import source_of
from ops.local_aws.event_source_mappings.supervisor import FoundMapping, Supervisor

_log = logging.getLogger(__name__)


def start() -> None:
    """Take over from MiniStack's poller; runs as daemon threads."""
    lambda_svc._poll_sqs = lambda: False  # noqa: SLF001
    lambda_svc._poll_kinesis = lambda: False  # noqa: SLF001
    lambda_svc._poll_dynamodb_streams = lambda: False  # noqa: SLF001
    queues = QueueConsumers(_find_queue_mappings, outbound.invoke)

    def anchor(mapping_id: str, source_arn: str, starting_position: str) -> None:
        source = source_of(source_arn)
        if source is not None:
            SUPERVISOR.anchor(mapping_id, source, starting_position)

    # MiniStack calls it for every mapping that is created, by the API and by CloudFormation.
    lambda_svc._init_stream_position = anchor  # noqa: SLF001

    # MiniStack sets this event after every write to a stream, to wake its own poller.
    wake_ministack = esm_wake.set

    def wake_all() -> None:
        wake_ministack()
        SUPERVISOR.wake_consumers()
        queues.wake()

    esm_wake.set = wake_all
    threading.Thread(target=SUPERVISOR.run, daemon=True, name="event-source-mappings").start()
    threading.Thread(target=queues.run, daemon=True, name="event-source-mappings-queues").start()


def _find_mappings() -> list[FoundMapping]:
    return [
        FoundMapping(mapping, source, partial(_read, account, region, mapping["UUID"]), _Outbound(account, region))
        for account, region, mapping in list(lambda_svc._iter_all_esms())  # noqa: SLF001 - see the module
        if (source := source_of(mapping["EventSourceArn"])) is not None
    ]


def _find_queue_mappings() -> list[FoundQueueMapping]:
    return [
        FoundQueueMapping(
            mapping["UUID"], partial(_read, account, region, mapping["UUID"]), MappedQueue(account, region, mapping)
        )
        for account, region, mapping in list(lambda_svc._iter_all_esms())  # noqa: SLF001 - see the module
        if is_queue(mapping["EventSourceArn"])
    ]


def _read(account: str, region: str, mapping_id: str) -> dict[str, Any] | None:
    mapping: dict[str, Any] | None = lambda_svc._esms.get_scoped(account, region, mapping_id)  # noqa: SLF001 - see the module
    return mapping


SUPERVISOR: Final = Supervisor(_find_mappings)


class _Outbound:
    """See ports.Outbound."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region

    def invoke(self, function_arn: str, event: str) -> Invocation:
        return outbound.invoke(function_arn, event)

    def discard(self, discard: Discard, mapping: Mapping[str, Any], shard_id: str) -> None:
        lost = "mapping %s, %s: %d records discarded: %s"
        _log.warning(lost, mapping["UUID"], shard_id, len(discard.records), discard.condition)
        destination = Settings.of(mapping).destination
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
        try:  # PutMetricData is not for the namespaces of AWS itself
            cloudwatch.record_metric(
                "AWS/Lambda", "IteratorAge", milliseconds, "Milliseconds", {"FunctionName": mapping["FunctionName"]}
            )
        finally:
            _request_account_id.reset(account)
            _request_region.reset(region)
