"""From a batch of records or messages to Lambda's partial batch response.

Of a stream Lambda takes the lowest reported sequence number as a checkpoint and delivers everything from there again,
so work in order stops at its first failure; of a queue exactly the reported messages come back. An identifier is read
before anything of its record is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, Protocol, TypeAlias, TypeVar

from shared.errors import BatchFailed, RetryLater, SealstreamError
from shared.runtime.log import log_failure

T = TypeVar("T")

BatchResponse: TypeAlias = dict[Literal["batchItemFailures"], list[dict[Literal["itemIdentifier"], str]]]


class Context(Protocol):
    """What is used of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the invocation is ended."""


class NamedContext(Context, Protocol):
    """The same where it matters who called: CloudTrail's data event of the invocation has its id, and says who."""

    aws_request_id: str


def seconds_left(context: Context) -> float:
    """Until the invocation is ended."""
    return context.get_remaining_time_in_millis() / 1_000


def attempt(identifier: str, work: Callable[[], object], *, named: str = "sequence_number") -> bool:
    """Do one record's (or one group's) work; False where it failed, the failure logged without values.

    `named` is what the log calls the identifier. This is the one place that catches every Exception: a failure that
    nobody foresaw is retried from its record on, neither lost nor a reason to fail its neighbours.
    """
    try:
        work()
    except Exception as error:  # noqa: BLE001 - see above
        log_failure(error, out=None, **{named: identifier})
        return False
    return True


def whole_batch(work: Callable[[], T]) -> T:
    """Do the work of a whole invocation; what nobody foresaw leaves it as an error that quotes nothing.

    Lambda's runtime prints the message of whatever a handler raises.

    Raises:
        BatchFailed: an error that is not of this project, which is logged without its message.
    """
    done: list[T] = []
    known: list[SealstreamError] = []

    def guarded() -> None:
        try:
            done.append(work())
        except SealstreamError as error:
            known.append(error)

    if attempt("", guarded) and done:
        return done[0]
    raise known[0] if known else BatchFailed("the batch is delivered again; see the failure line before this one")


def answered(work: Callable[[], T]) -> T:
    """Do the work that a command asked for; raises as `whole_batch`, but each RetryLater as just that.

    Lambda tells who called no more of an error than its message and the name of its class.
    """
    try:
        return whole_batch(work)
    except RetryLater as error:
        raise RetryLater(str(error)) from None


def in_order(batch: Iterable[tuple[str, Callable[[], object]]]) -> list[str]:
    """Do the work of (sequence number, work) pairs until one fails; the sequence number of the failed one, or none."""
    for sequence_number, work in batch:
        if not attempt(sequence_number, work):
            return [sequence_number]
    return []


def partial_batch_response(failed_identifiers: Iterable[str]) -> BatchResponse:
    """Lambda's `ReportBatchItemFailures` answer, sequence numbers in their order; nothing failed is an empty list.

    Raises:
        ValueError: an identifier is empty, which Lambda would take for a failure of the whole batch.
    """
    failed = sorted(set(failed_identifiers), key=lambda identifier: (len(identifier), identifier))
    if "" in failed:
        raise ValueError("an empty identifier would fail the whole batch")
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
