"""The producers' contract says of each reason what leads to it, and shows it by a test."""

from __future__ import annotations

import re

from shared.errors import Reason
from shared.identity import MAX_ID_BYTES
from shared.model import TOMBSTONE_SECONDS, Outcome
from shared.order import ORDER_AHEAD_SECONDS
from tests.unit.docs.pages import ROOT, names_of_tests, table, text_of

PAGE = ROOT / "docs" / "producers.md"
ROWS = table(PAGE, "what")[1:]


def test_every_reason_has_its_row():
    assert set(Reason) == {span for _, reason, *_ in ROWS for span in re.findall(r"`(\w+)`", reason)}


def test_every_row_names_a_test_that_shows_it():
    named = [set(re.findall(r"`(test_\w+)`", shown)) for *_, shown in ROWS]

    assert [] == [row[0] for row, tests in zip(ROWS, named, strict=True) if not tests or tests - names_of_tests()]


def test_every_outcome_is_explained():
    assert list(Outcome) == [name for name, _ in table(PAGE, "outcome")[1:]]


def test_the_numbers_of_the_page_are_those_of_the_code():
    text = text_of(PAGE)

    assert f"1 to {MAX_ID_BYTES:,} bytes" in text
    assert f"remembered for {TOMBSTONE_SECONDS // 86_400} days" in text
    assert (86_400, True) == (ORDER_AHEAD_SECONDS, "up to a day after the record's arrival" in text)
