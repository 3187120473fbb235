"""Which class, activity, severity and status of the schema each audit event has; docs/audit_events.md shows it.

The numbers are the schema's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Final


class EventClass(IntEnum):
    """The classes that are used; the thousands are the category."""

    DATA_SECURITY_FINDING = 2006
    API_ACTIVITY = 6003
    DATASTORE_ACTIVITY = 6005


class FindingActivity(IntEnum):
    """What happened to a finding."""

    CREATE = 1


class ApiActivity(IntEnum):
    """What was done to a data key, a run, or what is held."""

    UNKNOWN = 0
    CREATE = 1
    READ = 2
    UPDATE = 3
    DELETE = 4


class DatastoreActivity(IntEnum):
    """What was done to an item or an object."""

    UNKNOWN = 0
    READ = 1
    UPDATE = 2
    CREATE = 6
    DELETE = 7
    ENCRYPT = 9


class Severity(IntEnum):
    """How much an event asks for."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


class Status(IntEnum):
    """How an activity went; `OTHER` has a word of its own."""

    SUCCESS = 1
    FAILURE = 2
    OTHER = 99


class Store(Enum):
    """What holds the data, by its name in this documentation, and as the schema wants it."""

    ITEMS = "items"
    QUARANTINE = "quarantine"
    LANDING = "landing"
    TRAIL = "trail"

    def told(self) -> dict[str, Any]:
        """The table, or the bucket."""
        if self is Store.ITEMS:
            return {"table": {"name": self.value}}
        return {"databucket": {"name": self.value, "type_id": _S3}}


_S3: Final = 1

Activity = FindingActivity | ApiActivity | DatastoreActivity


@dataclass(frozen=True, slots=True)
class Telling:
    """How one event is told.

    Attributes:
        activity: None where the event's `change` says it.
        status: None where the event's `state` or `verdict` says it.
        store: of a datastore's activity and of a finding.
        title: of a finding.
    """

    event_class: EventClass
    activity: Activity | None
    severity: Severity = Severity.INFORMATIONAL
    status: Status | None = Status.SUCCESS
    store: Store | None = None
    title: str = ""


def _change(severity: Severity = Severity.INFORMATIONAL, activity: DatastoreActivity | None = None) -> Telling:
    return Telling(EventClass.DATASTORE_ACTIVITY, activity, severity, store=Store.ITEMS)


def _finding(title: str, severity: Severity, store: Store = Store.ITEMS) -> Telling:
    return Telling(EventClass.DATA_SECURITY_FINDING, FindingActivity.CREATE, severity, store=store, title=title)


def _object(store: Store, activity: DatastoreActivity, status: Status | None = Status.SUCCESS) -> Telling:
    return Telling(EventClass.DATASTORE_ACTIVITY, activity, status=status, store=store)


def _call(
    activity: ApiActivity, severity: Severity = Severity.INFORMATIONAL, status: Status | None = Status.SUCCESS
) -> Telling:
    return Telling(EventClass.API_ACTIVITY, activity, severity, status)


TELLINGS: Final[Mapping[str, Telling]] = {
    "item.written": _change(),
    "item.stale": _change(Severity.LOW),
    "item.plaintext_found": _finding("Data in clear where the policy seals it", Severity.HIGH),
    "item.malformed": _finding("Data not of the form that sealstream writes", Severity.HIGH),
    "item.undeclared_sensitive": _finding("Data that looks sensitive where the policy keeps it plain", Severity.MEDIUM),
    "item.removed": _change(),
    "item.reencrypted": _change(activity=DatastoreActivity.ENCRYPT),
    "item.remediated": _change(activity=DatastoreActivity.ENCRYPT),
    "item.adopted": _change(activity=DatastoreActivity.ENCRYPT),
    "item.reconciled": _change(),
    "object.ingested": _object(Store.LANDING, DatastoreActivity.READ, status=None),
    "object.skipped": _call(ApiActivity.DELETE, Severity.LOW),
    "record.quarantined": _call(ApiActivity.CREATE, Severity.MEDIUM, Status.FAILURE),
    "record.reencrypted": _object(Store.QUARANTINE, DatastoreActivity.ENCRYPT),
    "record.redriven": _call(ApiActivity.UPDATE),
    "record.discarded": _call(ApiActivity.DELETE, Severity.LOW),
    "record.skipped": _call(ApiActivity.DELETE, Severity.LOW),
    "stream.replayed": _call(ApiActivity.READ),
    "key.created": _call(ApiActivity.CREATE),
    "key.rotated": _call(ApiActivity.CREATE),
    "key.rewrapped": _call(ApiActivity.UPDATE),
    "key.retired": _call(ApiActivity.UPDATE),
    "key.reopened": _call(ApiActivity.UPDATE),
    "key.destroyed": _call(ApiActivity.DELETE),
    "rotation.started": _call(ApiActivity.CREATE),
    "census.completed": _call(ApiActivity.READ, status=None),
    "rotation.completed": _call(ApiActivity.UPDATE, status=None),
    "reconciliation.completed": _call(ApiActivity.READ, status=None),
    "access.denied": _call(ApiActivity.UNKNOWN, Severity.LOW, Status.FAILURE),
    "trail.verification_failed": _finding("Audit trail not as it was written", Severity.HIGH, Store.TRAIL),
}

_OF_CHANGE: Final[Mapping[str | None, DatastoreActivity]] = {
    "insert": DatastoreActivity.CREATE,
    "modify": DatastoreActivity.UPDATE,
    "remove": DatastoreActivity.DELETE,
    "standing": DatastoreActivity.READ,
}


def activity_of(telling: Telling, change: str | None) -> Activity:
    """What was done, by the event or by its `change`."""
    return _OF_CHANGE.get(change, DatastoreActivity.UNKNOWN) if telling.activity is None else telling.activity
