"""What became of user records: one result each, whichever way they came."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from shared.errors import BatchFailed
from shared.model import InboundRecord, Outcome, QuarantineEntry


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of one user record.

    Attributes:
        kept: its entry in quarantine, where that is where it went.
    """

    record: InboundRecord
    outcome: Outcome
    sealed_count: int = 0
    kept: QuarantineEntry | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        received: user records taken out of the Kinesis records, counted before anything else is done with them.

    Raises:
        BatchFailed: one of them has no outcome, or two. It would be lost; so the whole batch is delivered again.
    """

    received: int
    results: tuple[RecordResult, ...]

    def __post_init__(self) -> None:
        if len(self.results) != self.received:
            raise BatchFailed(
                f"{self.received} records have {len(self.results)} outcomes; the batch is delivered again"
            )

    @property
    def failed_sequence_numbers(self) -> frozenset[str]:
        """Kinesis records that must be delivered again, with all user records in them."""
        return frozenset(one.record.sequence_number for one in self.results if one.outcome is Outcome.RETRY)

    def outcomes(self) -> Counter[Outcome]:
        """How many records had each outcome."""
        return Counter(result.outcome for result in self.results)
