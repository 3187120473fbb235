"""A shard lane as Lambda delivers it: what a batch reports comes again, and nothing behind it before."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from consumers.encryptor.results import BatchResult
from shared.model import Outcome

BATCH_SIZE = 500


@dataclass
class FakeLane:
    """Records in their order, one batch of which is at the function at a time.

    Attributes:
        process: the function.
        waiting: records that no batch has held yet.
        batch: what is delivered next, where it was delivered before.
        outcomes: of all deliveries, but for those that come again.
    """

    process: Callable[..., BatchResult]
    waiting: deque[Mapping[str, Any]] = field(default_factory=deque)
    batch: list[Mapping[str, Any]] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    def put(self, *events: Mapping[str, Any]) -> None:
        """More records, at the end."""
        self.waiting.extend(events)

    def deliver(self) -> Counter[Outcome]:
        """One batch, if there is any: the rest of the last one, or a new one."""
        if not self.batch:
            self.batch = [self.waiting.popleft() for _ in range(min(BATCH_SIZE, len(self.waiting)))]
        if not self.batch:
            return Counter()
        result = self.process(*self.batch)
        failed = set(result.failed_sequence_numbers)
        numbers = [event["kinesis"]["sequenceNumber"] for event in self.batch]
        done = next((place for place, number in enumerate(numbers) if number in failed), len(numbers))
        self.outcomes += Counter(
            one.outcome for one in result.results if one.record.sequence_number in set(numbers[:done])
        )
        self.batch = self.batch[done:]
        return Counter(result.outcomes())

    def deliver_all(self) -> None:
        """Until nothing is left; fails where a batch does not pass."""
        while self.batch or self.waiting:
            assert Outcome.RETRY not in self.deliver()
