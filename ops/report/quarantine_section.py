"""Section 5: records that can never be written, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ops.report.blocks import NAME, NUMBER, Column, code, figure, paragraph, section, table, unread
from ops.report.event_table import event_table
from ops.report.held import Held
from ops.report.html import Html
from ops.report.plots import held_plot
from ops.report.report import NotKnown, Report
from ops.report.words import NOTHING, count
from shared.model import EntryState

_EVENTS: Final = {
    "record.quarantined": "a record, or several of one aggregate, went to quarantine",
    "record.redriven": "what was held or lay in the dead letters went through again",
    "record.discarded": "an operator gave up what was held",
    "record.skipped": "an operator gave up a dead letter",
    "record.reencrypted": "what is held was sealed anew",
}


def quarantine_section(report: Report) -> Html:
    """Section 5."""
    intro = paragraph(
        "A record that can never be written is kept, sealed, until an operator has it redriven or discards it. "
        "What it holds was not read for this page."
    )
    now = report.held
    if isinstance(now, NotKnown):
        content = [unread("The quarantine's index was not read", now.why)]
    elif not now.entries:
        content = [paragraph("Nothing is held, and nothing was decided.")]
    else:
        signs = {"undeclared": "held", "verified": "redriven", "discarded": "discarded"}
        caption = "Records by the reason for which they cannot be written, as the index has them now."
        content = [figure(held_plot(now), caption, signs)]
    events = event_table(
        report, "held-events", "What happened to records that cannot be written, in the period", _EVENTS
    )
    return section(5, "quarantine", "Quarantine", intro, *content, *_by_reason(report), events)


def _by_reason(report: Report) -> Iterator[Html]:
    now, came = report.held, report.tally.quarantined
    reasons = dict.fromkeys([*([] if isinstance(now, NotKnown) else now.reasons), *sorted(came)])
    rows = [
        (
            code(reason),
            count(came.get(reason, 0), f"quarantined.{reason}"),
            *(_now(now, reason, state) for state in EntryState),
        )
        for reason in reasons
    ]
    if rows:
        heads = ("came in the period", *(f"{state} now" for state in EntryState))
        columns = [Column("reason", NAME), *(Column(head, NUMBER) for head in heads)]
        yield table("held", "Records by the reason for which they cannot be written", columns, rows)


def _now(held: Held | NotKnown, reason: str, state: str) -> str:
    if isinstance(held, NotKnown):
        return NOTHING
    return count(held.records.get((reason, state), 0), f"quarantine.{reason}.{state}")
