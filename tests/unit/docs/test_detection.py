"""docs/detection.md: every detector, and how well each does on the corpus."""

from __future__ import annotations

import pytest

from bench.detection import measure
from shared.policy.detect.names import Detector
from tests.unit.docs.pages import ROOT, code_spans, table

PAGE = ROOT / "docs" / "detection.md"


@pytest.fixture(scope="module")
def measured():
    return measure.tables()


def test_the_page_says_of_every_detector_what_it_recognises():
    (_, *rows) = table(PAGE, "detectors")
    named = [name for row in rows for name in row[0].replace("`", "").split(", ")]

    assert sorted(Detector) == sorted(named)
    assert set(Detector) <= set(code_spans(PAGE))


@pytest.mark.parametrize(("number", "head"), [(0, "detector"), (1, "look-alike")])
def test_the_figures_are_those_of_the_corpus(measured, number, head):
    assert [list(row) for row in measured[number]] == table(PAGE, head)
