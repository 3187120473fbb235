"""An item that somebody writes past sealstream, in clear: found by the auditor, sealed in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ops.demo.leaks import LeakSearch, text_of
from ops.demo.progress import Reported, wait_until
from ops.demo.screen import console
from ops.item import side_by_side
from shared.aws.clients import client
from shared.model import ITEM_ID, TENANT_ID
from shared.policy.verify import key_ids
from shared.runtime.audit_log import AuditEvent

KEY: Final = ("acme-bank", "rogue-item")
_KEY: Final[Any] = {TENANT_ID: {"S": KEY[0]}, ITEM_ID: {"S": KEY[1]}}


def write_and_watch(environment: Mapping[str, str], card: str) -> dict[str, Any]:
    """Write it, wait until it is sealed, show what the audit log says and what is stored; gives the figures."""
    table = environment["SEALSTREAM_TABLE"]
    client("dynamodb").put_item(TableName=table, Item=_KEY | {"payment": {"M": {"card_number": {"S": card}}}})
    console.print(
        f"{'/'.join(KEY)}: put straight into the table, as by an application that knows nothing of sealstream"
    )
    events = wait_until(_is_remediated, environment).events_of(KEY)
    for event in events:
        console.print_json(data=event)
    console.print(side_by_side(*KEY))
    stored = client("dynamodb").get_item(TableName=table, Key=_KEY, ConsistentRead=True)["Item"]
    return {
        "audit_events": [event["event"] for event in events],
        "open_seconds": events[-1].get("open_seconds"),
        "sealed_values": len(key_ids(stored)),
        "in_clear": bool(LeakSearch([card]).hits(table, text_of(stored))),
    }


def _is_remediated(reported: Reported) -> bool:
    return any(event["event"] == AuditEvent.ITEM_REMEDIATED for event in reported.events_of(KEY))
