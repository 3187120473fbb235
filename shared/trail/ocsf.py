"""An audit event as a document of the Open Cybersecurity Schema Framework, and back (docs/audit_events.md).

A tool that knows the schema reads class, activity, severity, status, tenant and what was acted upon; `unmapped` holds
the event's own fields, so that nothing is lost on the way. All of it is taken from the event or is a constant: an
event that holds no attribute's value gives a document that holds none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Final

from shared.trail.ocsf_tellings import TELLINGS, EventClass, Status, Telling, activity_of

SCHEMA_VERSION: Final = "1.5.0"
"""Of the schema as schema.ocsf.io publishes it; decision 0030."""

_PRODUCT: Final = {"name": "sealstream", "vendor_name": "sealstream"}
_TOLD_BY_METADATA: Final = frozenset({"event", "event_id", "at"})
_RESOURCES: Final = {"item_id": "item", "key_id": "data key", "quarantine_id": "held record", "object": "object"}
"""Fields that name what was acted upon, and what kind of thing it is."""
_STATUS_OF_WORD: Final = {"done": Status.SUCCESS, "failed": Status.FAILURE}
_NEW: Final = 1
_AT_REST: Final = 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def ocsf(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as a document of the schema.

    Args:
        event: as the audit log writes it, so that its fields are allowed ones.

    Raises:
        ValueError: there is no such event.
    """
    telling = TELLINGS.get(event["event"])
    if telling is None:
        raise ValueError("an event that nobody said how to tell")
    activity = activity_of(telling, event.get("change"))
    return {
        "category_uid": telling.event_class // 1000,
        "class_uid": int(telling.event_class),
        "activity_id": int(activity),
        "type_uid": telling.event_class * 100 + activity,
        "severity_id": int(telling.severity),
        "time": (datetime.fromisoformat(event["at"]) - _EPOCH) // _MILLISECOND,
        "metadata": _metadata(event),
        **_OF_CLASS[telling.event_class](telling, event),
        "unmapped": {name: value for name, value in event.items() if name not in _TOLD_BY_METADATA},
    }


def flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """The event that `ocsf` made this document of.

    Raises:
        ValueError: it is not of its form.
    """
    try:
        at = (_EPOCH + document["time"] * _MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"event": document["metadata"]["event_code"], "event_id": document["metadata"]["uid"], "at": at}
        event = told | {name: value for name, value in document["unmapped"].items() if name not in told}
    except (AttributeError, KeyError, TypeError, OverflowError, ValueError):
        event = {}
    if not event or not all(_is_text(event[name]) for name in _TOLD_BY_METADATA) or not _is_plain(event):
        raise ValueError("not the document of an audit event")
    return event


def _is_plain(event: Mapping[str, Any]) -> bool:
    """Whether every field is text, a whole number or nothing; findings are a list of objects with such fields."""
    findings = event.get("findings", [])
    if not isinstance(findings, list) or not all(isinstance(one, dict) for one in findings):
        return False
    fields = [*(field for field in event.items() if field[0] != "findings"), *chain(*map(dict.items, findings))]
    return all(
        _is_text(name) and (_is_text(value) or value is None or isinstance(value, int)) for name, value in fields
    )


def _is_text(value: object) -> bool:
    """Whether it is a string that can be written down: JSON can say halves of a character."""
    return isinstance(value, str) and (value.isascii() or _LONE_SURROGATE.search(value) is None)


def _metadata(event: Mapping[str, Any]) -> dict[str, Any]:
    told = {"version": SCHEMA_VERSION, "product": _PRODUCT, "uid": event["event_id"], "event_code": event["event"]}
    return told | _present(tenant_uid=event.get("tenant_id"), correlation_uid=event.get("run_id"))


def _finding(telling: Telling, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status_id": _NEW,
        "finding_info": {"uid": event["event_id"], "title": telling.title, "types": [event["event"]]},
        "data_security": {"data_lifecycle_state_id": _AT_REST},
        **_store(telling),
        **_resources(event),
    }


def _datastore_activity(telling: Telling, event: Mapping[str, Any]) -> dict[str, Any]:
    return {**_status(telling, event), **_who(event), **_store(telling)}


def _api_activity(telling: Telling, event: Mapping[str, Any]) -> dict[str, Any]:
    request = {"uid": event["request_id"]} if "request_id" in event else None
    api = {"operation": event.get("operation", event["event"])} | _present(request=request)
    return {**_status(telling, event), **_who(event), "api": api, **_resources(event)}


_OF_CLASS: Final[Mapping[EventClass, Callable[[Telling, Mapping[str, Any]], dict[str, Any]]]] = {
    EventClass.DATA_SECURITY_FINDING: _finding,
    EventClass.DATASTORE_ACTIVITY: _datastore_activity,
    EventClass.API_ACTIVITY: _api_activity,
}


def _status(telling: Telling, event: Mapping[str, Any]) -> dict[str, Any]:
    if telling.status is None:
        word = event.get("state", event.get("verdict"))
        status = _STATUS_OF_WORD.get(word, Status.OTHER)
        return {"status_id": int(status)} | _present(status=word if status is Status.OTHER else None)
    why = event.get("reason", event.get("why")) if telling.status is Status.FAILURE else None
    return {"status_id": int(telling.status)} | _present(status_code=why)


def _who(event: Mapping[str, Any]) -> dict[str, Any]:
    """Who acted, as far as the event says so; the schema demands an actor and where the activity came from."""
    if event.get("removed_by") == "expiry":
        who = "DynamoDB"
    elif event["event"] == "access.denied" or event.get("change", "standing") != "standing":
        who = "unknown"
    else:
        who = "sealstream"
    return {"actor": {"app_name": who}, "src_endpoint": {"svc_name": who}}


def _store(telling: Telling) -> dict[str, Any]:
    return telling.store.told() if telling.store else {}


def _resources(event: Mapping[str, Any]) -> dict[str, Any]:
    named = [{"type": kind, "uid": event[field]} for field, kind in _RESOURCES.items() if field in event]
    return {"resources": named} if named else {}


def _present(**told: Any) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
