"""Which records make a batch, what a function's answer means for it, and what happens next.

Sources: AWS Lambda developer guide, "Using Lambda to process records from Amazon Kinesis Data Streams" with its
pages on batching, error handling and partial batch responses. Where the guide is silent, recordings of real AWS decide;
such places say so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any, Final, Protocol, TypeAlias

#: The largest event that Lambda accepts, in bytes of JSON.
MAX_PAYLOAD_BYTES: Final = 6 * 1024 * 1024
UNLIMITED: Final = -1
_DEFAULT_BATCH_SIZE: Final = 100
_ENVELOPE_BYTES: Final = len('{"Records":[]}')


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record of a stream, as its function will see it.

    Attributes:
        sequence_number: decimal digits; larger is later within one shard.
        key: what order is kept for: the partition key of Kinesis, the item key of DynamoDB.
        arrived_at: seconds since the epoch.
        event: the record's JSON within the event.
    """

    sequence_number: str
    key: str = field(repr=False)
    arrived_at: float
    event: str = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """What the record adds to an event; its JSON is ASCII."""
        return len(self.event) + 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What a mapping's owner chose; -1 stands for no limit, as in the API."""

    batch_size: int = _DEFAULT_BATCH_SIZE
    window_seconds: float = 0
    parallelization_factor: int = 1
    reports_item_failures: bool = False
    bisects: bool = False
    max_retries: int = UNLIMITED
    max_age_seconds: float = UNLIMITED
    destination: str = ""

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Settings:
        """From a mapping as GetEventSourceMapping returns it; what is absent has AWS's default."""

        def number(name: str, default: int) -> int:
            value = mapping.get(name)
            return default if value is None else int(value)

        on_failure = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
        return cls(
            batch_size=number("BatchSize", _DEFAULT_BATCH_SIZE),
            window_seconds=number("MaximumBatchingWindowInSeconds", 0),
            parallelization_factor=number("ParallelizationFactor", 1),
            reports_item_failures="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
            bisects=str(mapping.get("BisectBatchOnFunctionError", False)).lower() == "true",
            max_retries=number("MaximumRetryAttempts", UNLIMITED),
            max_age_seconds=number("MaximumRecordAgeInSeconds", UNLIMITED),
            destination=on_failure.get("Destination") or "",
        )


class Deliverable(Protocol):
    """A record of a stream or a message of a queue, as its function will see it."""

    @property
    def event(self) -> str:
        """Its JSON within the event."""

    @property
    def size_bytes(self) -> int:
        """What it adds to an event."""


class Batching(Protocol):
    """What decides when a batch goes out."""

    @property
    def batch_size(self) -> int:
        """How many make a full batch."""

    @property
    def window_seconds(self) -> float:
        """How long an incomplete batch waits for more."""


# --- which records make a batch -------------------------------------------------------------------------------------


def lane_of(key: str, parallelization_factor: int) -> int:
    """The lane, from 0, of a key: one key stays in one lane, and a lane has one batch in flight, so order is kept."""
    digest = hashlib.md5(key.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return int.from_bytes(digest, "big") % parallelization_factor


def batch_length(records: Collection[Deliverable], settings: Batching) -> int:
    """How many of the first records make one batch; at least one where there is any."""
    size_bytes = _ENVELOPE_BYTES
    for count, record in enumerate(islice(records, settings.batch_size)):
        size_bytes += record.size_bytes
        if count and size_bytes > MAX_PAYLOAD_BYTES:
            return count
    return min(len(records), settings.batch_size)


def is_due(records: Collection[Deliverable], waiting_seconds: float, settings: Batching) -> bool:
    """Whether a batch goes out now: full by number, full by size, or its window is over."""
    if not records:
        return False
    length = batch_length(records, settings)
    return length == settings.batch_size or length < len(records) or waiting_seconds >= settings.window_seconds


# --- what a function's answer means ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned this, decoded from JSON."""

    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Raised:
    """The function raised, ended its process or ran out of time."""


@dataclass(frozen=True, slots=True)
class NotReached:
    """The batch did not reach the function: throttled, absent, or the service failed."""


Invocation: TypeAlias = Returned | Raised | NotReached


def first_failure(value: Any, sequence_numbers: Sequence[str]) -> int | None:
    """The index of the first record to deliver again after a partial batch response; None where all succeeded.

    The lowest reported sequence number is the checkpoint: it and all after it are delivered again. An identifier that
    is empty, null, missing or not of this batch fails the whole batch. Any empty value is a success.
    """
    if not value:
        return None
    if not isinstance(value, dict):
        return 0
    failures = value.get("batchItemFailures")
    if not failures:
        return None
    if not isinstance(failures, list):
        return 0
    identifiers = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    if any(identifier not in sequence_numbers for identifier in identifiers):
        return 0
    return min(sequence_numbers.index(identifier) for identifier in identifiers if identifier)


# --- what happens next ----------------------------------------------------------------------------------------------


class Condition(StrEnum):
    """Why records were given up, in the words of the failure record."""

    RETRY_ATTEMPTS_EXHAUSTED = "RetryAttemptsExhausted"
    RECORD_AGE_EXCEEDED = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Batch:
    """Records to deliver together, and how often the function has failed on exactly these."""

    records: tuple[StreamRecord, ...]
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Discard:
    """Records given up. `function_error` is None where the function reported the failure itself."""

    records: tuple[StreamRecord, ...]
    condition: Condition
    invoke_count: int
    function_error: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What remains of a batch, in order, what of it is given up first, and whether the function failed."""

    batches: tuple[Batch, ...] = ()
    discard: Discard | None = None
    failed: bool = False


def drop_expired(batch: Batch, now: float, settings: Settings) -> Next:
    """The batch without its records that are older than the mapping's maximum age.

    The count includes the invocation that age forbade: AWS was recorded to say 1 for a record that had expired before
    it was read, with fresh records of the same shard delivered.
    """
    if settings.max_age_seconds < 0:
        return Next((batch,))
    expired = tuple(takewhile(lambda record: now - record.arrived_at > settings.max_age_seconds, batch.records))
    if not expired:
        return Next((batch,))
    fresh = batch.records[len(expired) :]
    return Next(
        (Batch(fresh, batch.failures),) if fresh else (),
        Discard(expired, Condition.RECORD_AGE_EXCEEDED, batch.failures + 1),
    )


def after(batch: Batch, invocation: Invocation, settings: Settings) -> Next:
    """What the answer to a batch leads to."""
    match invocation:
        case NotReached():
            # "Retry attempts … doesn't apply to service errors or throttles where the batch didn't reach the function."
            return Next((batch,))
        case Raised():
            return _after_failure(batch, "Unhandled", settings)
        case Returned(value):
            if not settings.reports_item_failures:
                return Next()
            first = first_failure(value, [record.sequence_number for record in batch.records])
            if first is None:
                return Next()
            if first > 0:
                # Recorded: what remains has the whole retry quota again. With bisecting, "the batch is bisected at the
                # returned sequence number", which is the same.
                return Next((Batch(batch.records[first:]),), failed=True)
            return _after_failure(batch, None, settings)


def _after_failure(batch: Batch, function_error: str | None, settings: Settings) -> Next:
    middle = len(batch.records) // 2
    if settings.bisects and middle:
        # "Splitting a batch does not count towards the retry quota."
        halves = (batch.records[:middle], batch.records[middle:])
        return Next(tuple(Batch(half, batch.failures) for half in halves), failed=True)
    failures = batch.failures + 1
    if 0 <= settings.max_retries < failures:
        given_up = Discard(batch.records, Condition.RETRY_ATTEMPTS_EXHAUSTED, failures, function_error)
        return Next(discard=given_up, failed=True)
    return Next((Batch(batch.records, failures),), failed=True)


def event_of(records: Sequence[Deliverable]) -> str:
    """The JSON of the event that a function gets for these records."""
    return f'{{"Records":[{",".join(record.event for record in records)}]}}'


def record_json(record: Mapping[str, Any]) -> str:
    """One record's JSON within the event: compact and ASCII, so that its length is its size."""
    return json.dumps(record, separators=(",", ":"))
