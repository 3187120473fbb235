"""Section 3: data keys, how many, how old, and what was done to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ops.report.blocks import NUMBER, Column, figure, paragraph, section, table, unread
from ops.report.event_table import event_table
from ops.report.html import Html
from ops.report.keys import KeyInventory
from ops.report.plots import key_plot
from ops.report.report import NotKnown, Report
from ops.report.words import NOT_KNOWN, NOTHING, count, duration
from shared.model import KeyState

_EVENTS: Final = {
    "key.created": "made, the first of its tenant and class",
    "key.rotated": "took the place of another",
    "key.rewrapped": "wrapped anew by KMS, the data key itself unchanged",
    "key.retired": "refused to readers, since a census found nothing under it",
    "key.reopened": "taken back, since something under it turned up later",
    "key.destroyed": "deleted for good",
}


def key_section(report: Report) -> Html:
    """The section."""
    intro = paragraph(
        "Each tenant has one active data key for each data class; values are sealed under it. Data keys lie encrypted "
        "by KMS in the key store; of that, only states and times were read for this page."
    )
    done = event_table(report, "key-events", "What was done to data keys in the period", _EVENTS)
    return section(3, "keys", "Data keys", intro, *_now(report), done)


def _now(report: Report) -> Iterator[Html]:
    keys = report.keys
    if isinstance(keys, NotKnown):
        yield unread("The key store was not read", keys.why)
        return
    if not keys.classes:
        yield paragraph("There is no data key yet.")
        return
    signs = {"disc": "active", "ring": "replaced, retired or destroyed: age when it was replaced"}
    if any(one.rotate_after_days for one in keys.classes):
        signs["limit"] = "the policy has it replaced at this age"
    yield figure(key_plot(keys), "Ages of data keys, logarithmic; the larger the disc, the more of them.", signs)
    yield _key_table(keys, report.period.made_at)


def _key_table(keys: KeyInventory, now: float) -> Html:
    without_limit = NOTHING if keys.is_limited else NOT_KNOWN
    rows = [
        (
            one.data_class,
            *(count(one.by_state.get(state, 0), f"keys.{one.data_class}.{state}") for state in KeyState),
            NOTHING if one.oldest_active_at is None else duration(now - one.oldest_active_at),
            f"{one.rotate_after_days} d" if one.rotate_after_days else without_limit,
            count(one.overdue, f"keys.{one.data_class}.overdue") if one.rotate_after_days else without_limit,
        )
        for one in keys.classes
    ]
    heads = ["class", *(state.replace("_", " ") for state in KeyState), "oldest active", "replace after", "overdue"]
    columns = [Column(head, NUMBER if number else "") for number, head in enumerate(heads)]
    return table("inventory", "Data keys by class and state, of all tenants, as they are now", columns, rows)
