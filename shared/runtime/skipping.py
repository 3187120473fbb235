"""Dead letters that an operator gives up: nothing is done about their records or objects, and the audit log says so."""

from __future__ import annotations

from typing import Final

from shared.errors import RequestRefused
from shared.file_source import MAX_NAME_BYTES
from shared.landing import ObjectVersion
from shared.runtime.audit_log import AuditEvent, AuditLog, event_id
from shared.runtime.requests import Request

FIELDS: Final = frozenset({"shard_id", "first", "last", "records"})
OBJECT_FIELDS: Final = frozenset({"bucket", "key", "version"})


def skip(request: Request, audit_log: AuditLog, *, stream: str, request_id: str, at: float) -> None:
    """Tell of it; the same dead letter repeats the event's id.

    Args:
        request: of the operation `skip`.
        audit_log: where it is told.
        stream: `source` or `items`.
        request_id: of the invocation.
        at: seconds since the epoch.

    Raises:
        RequestRefused: a field is missing, or of another form.
    """
    shard_id, first, last = request.shard_id(), *read_range(request)
    audit_log.write(
        AuditEvent.RECORD_SKIPPED,
        event_id=event_id("skipped", stream, shard_id, first, last),
        at=at,
        stream=stream,
        shard_id=shard_id,
        first_sequence_number=first,
        last_sequence_number=last,
        record_count=request.whole("records"),
        request_id=request_id,
    )


def skip_object(request: Request, audit_log: AuditLog, *, request_id: str, at: float) -> None:
    """Tell of an object of the landing bucket; `request` is of the operation `skip_object`, the rest as for `skip`.

    Raises:
        RequestRefused: a field is missing, or of another form.
    """
    about = ObjectVersion(*(request.text(name, most=MAX_NAME_BYTES) for name in ("bucket", "key", "version")))
    audit_log.write(
        AuditEvent.OBJECT_SKIPPED,
        event_id=event_id("skipped", about.name),
        at=at,
        object=about.public_name,
        version=about.version,
        request_id=request_id,
    )


def read_range(request: Request) -> tuple[str, str]:
    """The request's `first` and `last`; raises RequestRefused."""
    first, last = request.sequence_number("first"), request.sequence_number("last")
    if int(first) > int(last):
        raise RequestRefused(f"{request.operation}: 'first' must not come after 'last'")
    return first, last
