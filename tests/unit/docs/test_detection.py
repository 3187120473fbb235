"""docs/detection.md: every detector, and how well each does on the corpus."""

from __future__ import annotations

import re

import pytest

from bench.detection import measure
from shared.policy.detect.names import Detector
from shared.policy.detect.national_ids import ANY_NAMES, NATIONAL_IDS
from tests.unit.docs.pages import ROOT, code_spans, prose, table

PAGE = ROOT / "docs" / "detection.md"


@pytest.fixture(scope="module")
def measured():
    return measure.tables()


def test_the_page_says_of_every_detector_what_it_recognises():
    (_, *rows) = table(PAGE, "detectors")
    named = [name for row in rows for name in row[0].replace("`", "").split(", ")]

    assert sorted(Detector) == sorted(named)
    assert set(Detector) <= set(code_spans(PAGE))


def test_the_page_lists_the_names_that_count():
    (_, *rows) = table(PAGE, "id")
    assert {one.detector: list(one.names) for one in NATIONAL_IDS if one.named} == {
        row[0].strip("`"): row[1].replace("`", "").split(", ") for row in rows
    }


def test_the_page_says_what_an_id_of_any_country_may_be_called():
    (line,) = (line for line in prose(PAGE).splitlines() if line.startswith("Any of these ids"))
    whose, what = (re.findall("`([^`]+)`", part) for part in line.split(" with "))
    assert {*ANY_NAMES} == {whose[0], *(f"{one} {other}" for one in whose[1:] for other in what)}


@pytest.mark.parametrize(("number", "head"), [(0, "detector"), (1, "look-alike")])
def test_the_figures_are_those_of_the_corpus(measured, number, head):
    assert [list(row) for row in measured[number]] == table(PAGE, head)
