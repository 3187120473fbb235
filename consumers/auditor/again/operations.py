"""What an operator asks of the reauditor: changes that outlasted every retry are judged again, or given up.

They are read from the table's stream; the operator sends positions.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from consumers.auditor.audit import Auditor
from consumers.auditor.report import report_batch
from shared.model import VerdictKind
from shared.runtime import skipping
from shared.runtime.audit_log import AuditEvent, event_id
from shared.runtime.requests import Request
from shared.runtime.rereading import (
    CallTime,
    Letter,
    Page,
    Place,
    Reread,
    ShardRecord,
    reread,
    until_done,
)

RESERVE_SECONDS: Final = 30
"""With less time left no batch is begun: reading and judging one are some calls of AWS."""

_OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    "reread": frozenset({"shard_id", "first", "last", "after", "next", "seconds"}),
    "skip": skipping.FIELDS,
}


class ChangeStream(Protocol):
    """The table's stream."""

    def pages(self, shard_id: str, place: Place) -> Iterator[Page]:
        """A shard's records from a place on.

        Raises:
            StoreUnavailable: it does not answer.
            RequestRefused: the place is none of this shard's.
        """


@dataclass(frozen=True, slots=True)
class OperatorCalls:
    """Answers operators.

    Attributes:
        wait: seconds, before what failed is tried again.
    """

    auditor: Auditor
    stream: ChangeStream
    wait: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def answer(self, event: object, *, request_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        """Do what is asked for; every operation may be repeated.

        Raises:
            RequestRefused: it has to be asked for otherwise.
            StoreUnavailable: nothing was judged.
        """
        request = Request(event, _OPERATIONS)
        if request.operation == "skip":
            skipping.skip(request, self.auditor.log, stream="items", request_id=request_id, at=self.wall())
            return {}
        return self._reread(request, request_id, seconds_left)

    def _reread(self, request: Request, request_id: str, seconds_left: Callable[[], float]) -> dict[str, Any]:
        shard_id, (first, last) = request.shard_id(), skipping.read_range(request)
        after, following = map(request.sequence_number_if_given, ("after", "next"))
        letter = Letter(first, last, after, following)
        seconds = request.number("seconds") if request.has("seconds") else None
        call_time = CallTime(seconds_left, RESERVE_SECONDS, seconds=seconds, monotonic=self.monotonic)
        verdicts: Counter[VerdictKind] = Counter()

        def judge(records: Sequence[ShardRecord]) -> Collection[str]:
            started = self.wall()
            result = self.auditor.audit([record.event for record in records])
            verdicts.update(result.verdicts)
            report_batch(result, started=started, ended=self.wall())
            self.auditor.log.flush()  # a call has many batches
            return result.failed_sequence_numbers

        came = reread(
            self.stream.pages(shard_id, letter.place),
            letter.span,
            lambda batch: until_done(batch, judge, wait=self.wait),
            after=letter.after,
            is_over=call_time.is_over,
        )
        self._tell(shard_id, came, request_id)
        return _answer(shard_id, came, verdicts) | letter.found(came)

    def _tell(self, shard_id: str, came: Reread, request_id: str) -> None:
        """Tell who had what judged again, if there was anything; each verdict has its own event."""
        if came.first is None or came.last is None:
            return
        self.auditor.log.write(
            AuditEvent.STREAM_REPLAYED,
            event_id=event_id(AuditEvent.STREAM_REPLAYED, shard_id, came.first, came.last, request_id),
            at=self.wall(),
            stream="items",
            shard_id=shard_id,
            first_sequence_number=came.first,
            last_sequence_number=came.last,
            record_count=came.records,
            request_id=request_id,
        )


def _answer(shard_id: str, came: Reread, verdicts: Counter[VerdictKind]) -> dict[str, Any]:
    return {
        "shard_id": shard_id,
        "done": came.done,
        "after": came.after,
        "next": came.next,
        "records": came.records,
        "verdicts": {kind.value: verdicts[kind] for kind in VerdictKind},
    }
