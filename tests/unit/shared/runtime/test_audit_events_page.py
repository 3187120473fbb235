"""docs/audit_events.md says what the code does: the same events, the same fields."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.runtime.audit_log import ALLOWED_FIELDS, COMMON_FIELDS, FINDING_FIELDS, AuditEvent

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "audit_events.md").read_text(encoding="utf-8")


def rows(heading):
    """First column and the rest of each row of the table after a line that begins so."""
    table = re.search(rf"^{heading}.*?\n\n(\|.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
    assert table
    lines = table[1].splitlines()[2:]
    return {line.split("|")[1].strip().strip("`"): line.split("|")[-2] for line in lines}


def test_the_page_lists_every_event():
    assert set(AuditEvent) == rows("## Events").keys()


@pytest.mark.parametrize("event", AuditEvent)
def test_the_page_lists_an_events_fields(event):
    assert ALLOWED_FIELDS[event] - COMMON_FIELDS == set(re.findall(r"`(\w+)`", rows("## Events")[event]))


def test_the_page_explains_every_field():
    assert frozenset().union(*ALLOWED_FIELDS.values()) == rows("## Fields").keys()


def test_the_page_explains_every_field_of_a_finding():
    assert rows("Fields of one finding").keys() == FINDING_FIELDS
