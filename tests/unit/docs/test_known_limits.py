"""The runbook's "Limits known in advance" against the tests and the numbers of the code that they rest on."""

from __future__ import annotations

import re

import pytest

from bench.limits.key_cache import RECORDS_PER_SECOND
from bench.limits.lanes import LANES, RECORDS
from shared.item_size import MAX_ITEM_BYTES
from shared.keys.age import MAX_AGE_SECONDS
from shared.keys.keyring import MAX_KEYS
from tests.unit.docs.pages import ROOT, anchors, names_of_tests, table, text_of

PAGE = ROOT / "docs" / "runbook.md"
ROWS = table(PAGE, "limit")[1:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_limit_is_shown_by_tests_and_explained_below(row):
    named = set(re.findall(r"`(test_\w+)`", row[-1]))

    assert named
    assert named <= names_of_tests()
    assert set(re.findall(r"\(#([^)]+)\)", row[0])) <= anchors(PAGE)


def test_there_is_one_for_each_that_is_known():
    assert 6 == len(ROWS)


def test_the_numbers_are_those_of_the_code():
    text = text_of(PAGE)

    assert f"{MAX_KEYS:,} keys, for {MAX_AGE_SECONDS:.0f} s" in text
    assert f"{RECORDS_PER_SECOND} for each of its lanes" in text
    assert (LANES * RECORDS_PER_SECOND, f"{RECORDS:,} records with puts of 50 ms" in text) == (1_000, True)
    assert f"{MAX_ITEM_BYTES // 1024} KB once sealed" in text
