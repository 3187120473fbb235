"""Delivers one queue to one mapping's function."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ops.local_aws.event_source_mappings.delivery import Invocation, batch_length, event_of, is_due
from ops.local_aws.event_source_mappings.queue_delivery import QueueMessage, QueueSettings, failed_ids
from ops.local_aws.event_source_mappings.shard_consumer import IDLE_SECONDS, LEAST_PAUSE_SECONDS, is_enabled
from ops.local_aws.event_source_mappings.supervisor import REFRESH_SECONDS

#: What one ReceiveMessage returns at most.
_MOST_RECEIVED: Final = 10
_log = logging.getLogger(__name__)


class Queue(Protocol):
    """A queue as the function's role sees it."""

    def refused_right(self) -> str | None:
        """A right on the queue that the role needs and does not have."""

    def has_messages(self) -> bool:
        """Whether a message can be received now; for a look that costs nothing."""

    def receive(self, limit: int) -> Sequence[QueueMessage]:
        """Up to that many messages, invisible to others for the queue's visibility timeout."""

    def delete(self, messages: Sequence[QueueMessage]) -> None:
        """Take received messages from the queue."""


class QueueConsumer(threading.Thread):
    """Receives and delivers until the mapping is deleted; `mapping` gives it as it is now.

    What fails is left to the queue, which shows it again after its visibility timeout and moves it to its dead-letter
    queue after enough receives.
    """

    def __init__(
        self,
        *,
        mapping: Callable[[], dict[str, Any] | None],
        queue: Queue,
        invoke: Callable[[str, str], Invocation],
    ) -> None:
        super().__init__(daemon=True, name="mapping-queue")
        self._mapping = mapping
        self._queue = queue
        self._invoke = invoke
        self._woken = threading.Event()
        self._lock = threading.Lock()  # guards the number in flight
        self._in_flight = 0
        self._pending: list[QueueMessage] = []
        self._waiting_since = 0.0  # monotonic, of the oldest pending message

    def wake(self) -> None:
        """Look for messages now."""
        self._woken.set()

    def run(self) -> None:
        """Receive and deliver until the mapping is gone."""
        while (mapping := self._mapping()) is not None:
            self._woken.clear()
            try:
                if is_enabled(mapping):
                    self._poll(mapping, QueueSettings.of(mapping))
            except Exception:  # noqa: BLE001 - a consumer that died would stop its queue without a word
                _log.exception("mapping %s: goes on after an error", mapping["UUID"])
            if self._woken.wait(IDLE_SECONDS):
                time.sleep(LEAST_PAUSE_SECONDS)

    def _poll(self, mapping: dict[str, Any], settings: QueueSettings) -> None:
        while self._in_flight < settings.concurrency:
            refused = self._queue.refused_right()
            if refused:
                mapping["LastProcessingResult"] = f"PROBLEM: the function's role may not {refused}"
                return
            self._receive(settings)
            if not is_due(self._pending, time.monotonic() - self._waiting_since, settings):
                return
            length = batch_length(self._pending, settings)
            batch, self._pending = self._pending[:length], self._pending[length:]
            with self._lock:
                self._in_flight += 1
            threading.Thread(target=self._deliver, args=(batch, mapping, settings), daemon=True, name=self.name).start()

    def _receive(self, settings: QueueSettings) -> None:
        while (room := settings.batch_size - len(self._pending)) > 0 and self._queue.has_messages():
            received = self._queue.receive(min(room, _MOST_RECEIVED))
            if not received:
                return
            if not self._pending:
                self._waiting_since = time.monotonic()
            self._pending.extend(received)

    def _deliver(self, batch: Sequence[QueueMessage], mapping: dict[str, Any], settings: QueueSettings) -> None:
        try:
            invocation = self._invoke(mapping["FunctionArn"], event_of(batch))
            failed = failed_ids(invocation, {message.id for message in batch}, settings)
            mapping["LastProcessingResult"] = "PROBLEM: Function call failed" if failed else "OK"
            self._queue.delete([message for message in batch if message.id not in failed])
        except Exception:  # noqa: BLE001 - the same, for a batch: its messages come back
            _log.exception("mapping %s: a batch comes back after an error", mapping["UUID"])
        finally:
            with self._lock:
                self._in_flight -= 1
            self.wake()


@dataclass(frozen=True, slots=True)
class FoundQueueMapping:
    """A mapping of a queue. `read` gives it as it is later, None once it is deleted."""

    id: str
    read: Callable[[], dict[str, Any] | None]
    queue: Queue


class QueueConsumers:
    """One consumer for each mapping of a queue; they end by themselves. `find_mappings` gives all there are."""

    def __init__(
        self, find_mappings: Callable[[], Collection[FoundQueueMapping]], invoke: Callable[[str, str], Invocation]
    ) -> None:
        self._find_mappings = find_mappings
        self._invoke = invoke
        self._consumers: dict[str, QueueConsumer] = {}

    def wake(self) -> None:
        """A message was sent."""
        for consumer in list(self._consumers.values()):
            consumer.wake()

    def run(self) -> None:
        """Look after the consumers for ever."""
        while True:
            try:
                self.refresh()
            except Exception:  # noqa: BLE001 - nothing else would look after the mappings
                _log.exception("mappings of queues: goes on after an error")
            time.sleep(REFRESH_SECONDS)

    def refresh(self) -> None:
        """Start the consumers that are missing, forget those that ended."""
        self._consumers = {id_: consumer for id_, consumer in self._consumers.items() if consumer.is_alive()}
        for found in self._find_mappings():
            if found.id not in self._consumers:
                consumer = QueueConsumer(mapping=found.read, queue=found.queue, invoke=self._invoke)
                self._consumers[found.id] = consumer
                consumer.start()
