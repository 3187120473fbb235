"""Delivers one shard to one mapping's function, in lanes that keep order for each key."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ops.local_aws.event_source_mappings.delivery import (
    Batch,
    Discard,
    NotReached,
    Settings,
    StreamRecord,
    after,
    batch_length,
    drop_expired,
    event_of,
    is_due,
    lane_of,
)
from ops.local_aws.event_source_mappings.ports import Outbound, Source

#: How long a retry waits after the first failure, doubled with each further one. Much shorter than on AWS, whose
#: back-off is not documented but goes on to minutes: here a test waits for it.
FIRST_BACK_OFF_SECONDS: Final = 0.1
LONGEST_BACK_OFF_SECONDS: Final = 5.0
#: How long a batch waits that did not reach its function: throttled, or the function is gone.
NOT_REACHED_BACK_OFF_SECONDS: Final = 0.2
#: A write to any stream wakes the consumer; without one it looks again after this long, for what nothing announces.
IDLE_SECONDS: Final = 0.25
#: The least time between two looks, so that a flood of writes costs no more than this many.
LEAST_PAUSE_SECONDS: Final = 0.005
#: Records read but not delivered; a lane that is stuck holds the shard up once it has this many behind it.
READ_AHEAD: Final = 10_000

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Lane:
    pending: deque[StreamRecord] = field(default_factory=deque)
    waiting_since: float = 0.0  # monotonic, of the oldest pending record
    delivering: StreamRecord | None = None  # the first one of the batch that is in flight

    @property
    def is_busy(self) -> bool:
        """Whether a batch of the lane is at its function."""
        return self.delivering is not None


class ShardConsumer(threading.Thread):
    """Reads on from `position` until the mapping or the shard is gone, or the shard is closed and read to its end.

    `mapping` gives the mapping as it is now, None once it is deleted. A change of the mapping takes effect at once:
    batches that are being retried go back to their lane and start anew under the new settings.
    """

    def __init__(
        self,
        *,
        mapping: Callable[[], dict[str, Any] | None],
        source: Source,
        shard_id: str,
        position: int,
        outbound: Outbound,
    ) -> None:
        super().__init__(daemon=True, name=f"mapping-{shard_id}")
        self.position = position
        self._mapping = mapping
        self._source = source
        self._shard_id = shard_id
        self._outbound = outbound
        self._woken = threading.Event()
        self._lock = threading.Lock()  # guards the lanes and the settings they were made for
        self._settings = Settings()
        self._lanes = [_Lane()]

    def wake(self) -> None:
        """Look for records now."""
        self._woken.set()

    def checkpoint(self) -> int:
        """The position up to which every record is processed or given up; some behind it may be, too."""
        with self._lock:
            waiting = [lane.delivering or lane.pending[0] for lane in self._lanes if lane.is_busy or lane.pending]
            return min([self.position, *(int(record.sequence_number) - 1 for record in waiting)])

    def run(self) -> None:
        """Read and dispatch until nothing can come any more."""
        while True:
            self._woken.clear()
            mapping = self._mapping()
            if mapping is None:
                return
            try:
                if is_enabled(mapping) and self._adopt(Settings.of(mapping)):
                    self._read(mapping)
                    self._dispatch()
                if self._is_done():
                    return
            except Exception:  # noqa: BLE001 - a consumer that died would wedge its shard without a word
                _log.exception("mapping %s, %s: goes on after an error", mapping["UUID"], self._shard_id)
            if self._woken.wait(self._idle_seconds()):
                time.sleep(LEAST_PAUSE_SECONDS)

    def _adopt(self, settings: Settings) -> bool:
        """Make the lanes fit the settings; False while lanes of another number are still busy."""
        with self._lock:
            if settings.parallelization_factor != len(self._lanes):
                if any(lane.is_busy for lane in self._lanes):
                    return False
                pending = [record for lane in self._lanes for record in lane.pending]
                self._lanes = [_Lane() for _ in range(settings.parallelization_factor)]
                self._enqueue(sorted(pending, key=lambda record: int(record.sequence_number)))
            self._settings = settings
            return True

    def _read(self, mapping: Mapping[str, Any]) -> None:
        with self._lock:
            room = READ_AHEAD - sum(len(lane.pending) for lane in self._lanes)
        if room > 0:
            page = self._source.read(self._shard_id, self.position, room, mapping)
            with self._lock:
                self.position = page.position
                self._enqueue(page.records)

    def _enqueue(self, records: Sequence[StreamRecord]) -> None:
        now = time.monotonic()
        for record in records:
            lane = self._lanes[lane_of(record.key, len(self._lanes))]
            if not lane.pending:
                lane.waiting_since = now
            lane.pending.append(record)

    def _dispatch(self) -> None:
        with self._lock:
            for lane in self._lanes:
                if not lane.is_busy and self._has_due_batch(lane):
                    lane.delivering = lane.pending[0]
                    threading.Thread(target=self._work, args=(lane,), daemon=True, name=self.name).start()

    def _has_due_batch(self, lane: _Lane) -> bool:
        return is_due(lane.pending, time.monotonic() - lane.waiting_since, self._settings)

    def _work(self, lane: _Lane) -> None:
        """Deliver the lane's batches one after another, as long as one is due."""
        while True:
            with self._lock:
                settings = self._settings
                if not (self._is_current(settings) and self._has_due_batch(lane)):
                    lane.delivering = None
                    break
                batch = [lane.pending.popleft() for _ in range(batch_length(lane.pending, settings))]
                lane.delivering = batch[0]
                lane.waiting_since = time.monotonic()
            left: Sequence[StreamRecord] = batch
            try:
                left = self._deliver(batch, settings)
            except Exception:  # noqa: BLE001 - the same, for a lane
                _log.exception("%s: a batch is delivered again after an error", self._shard_id)
                time.sleep(NOT_REACHED_BACK_OFF_SECONDS)
            with self._lock:
                lane.pending.extendleft(reversed(left))
        self.wake()

    def _deliver(self, records: Sequence[StreamRecord], settings: Settings) -> Sequence[StreamRecord]:
        """Deliver until each record is processed or given up; returns those that a changed mapping left over."""
        batches = deque([Batch(tuple(records))])
        while batches:
            mapping = self._mapping()
            if mapping is None or not self._is_current(settings):
                return [record for batch in batches for record in batch.records]
            fresh = drop_expired(batches.popleft(), time.time(), settings)
            self._give_up(fresh.discard, mapping)
            for batch in fresh.batches:
                self._outbound.iterator_age(mapping, 1000 * (time.time() - batch.records[-1].arrived_at))
                invocation = self._outbound.invoke(mapping["FunctionArn"], event_of(batch.records))
                following = after(batch, invocation, settings)
                reached = not isinstance(invocation, NotReached)
                mapping["LastProcessingResult"] = (
                    "OK" if reached and not following.failed else "PROBLEM: Function call failed"
                )
                self._give_up(following.discard, mapping)
                batches.extendleft(reversed(following.batches))
                if not reached:
                    self._pause(NOT_REACHED_BACK_OFF_SECONDS, settings)
                elif following.batches:
                    self._pause(back_off_seconds(following.batches[0]), settings)
        return ()

    def _give_up(self, discard: Discard | None, mapping: Mapping[str, Any]) -> None:
        if discard:
            self._outbound.discard(discard, mapping, self._shard_id)

    def _pause(self, seconds: float, settings: Settings) -> None:
        """Wait, but not past a change of the mapping."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._is_current(settings):
            time.sleep(min(left, IDLE_SECONDS))

    def _is_current(self, settings: Settings) -> bool:
        mapping = self._mapping()
        return mapping is not None and is_enabled(mapping) and Settings.of(mapping) == settings

    def _is_done(self) -> bool:
        shard = self._source.shards().get(self._shard_id)
        if shard is not None and not (shard.is_closed and self.position >= self._source.end(self._shard_id)):
            return False
        with self._lock:
            return not any(lane.pending or lane.is_busy for lane in self._lanes)

    def _idle_seconds(self) -> float:
        now = time.monotonic()
        with self._lock:
            open_windows = [
                lane.waiting_since + self._settings.window_seconds - now
                for lane in self._lanes
                if lane.pending and not lane.is_busy
            ]
        return max(LEAST_PAUSE_SECONDS, min(open_windows, default=IDLE_SECONDS))


def back_off_seconds(batch: Batch) -> float:
    """How long a batch waits before its next delivery; a batch that has become smaller goes at once."""
    if not batch.failures:
        return 0
    return min(FIRST_BACK_OFF_SECONDS * 2.0 ** min(batch.failures - 1, 10), LONGEST_BACK_OFF_SECONDS)


def is_enabled(mapping: Mapping[str, Any]) -> bool:
    """Whether the mapping delivers; CloudFormation leaves the text `false` where the API leaves a boolean."""
    return str(mapping.get("Enabled", True)).lower() != "false"
