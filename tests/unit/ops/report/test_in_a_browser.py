"""The page in a real browser, on a screen, a phone and paper: it can be read, and says what the trail says.

One browser for all of it. The pictures lie where `SEALSTREAM_PICTURES` says, for whoever wants to look.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ops.report.page import page
from tests.chromium import browser, chromium
from tests.unit.ops.report.period import a_period
from tests.unit.ops.report.shown import figures_of
from tests.unit.ops.report.test_page import report

PHONE, SCREEN = 375, 1_000
FIGURES = """
Object.fromEntries([...document.querySelectorAll("data[data-figure]")].map(
    one => [one.dataset.figure, [Number(one.value), Number(one.textContent.replaceAll(",", ""))]]))
"""
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
INKS = """
[...new Set([...document.querySelectorAll("svg [style*=fill]")].map(one => getComputedStyle(one).fill))].sort()
"""
WIDTH = "document.documentElement.scrollWidth"
SMALLEST_TEXT = """
Math.min(...[...document.querySelectorAll(".plot text")].filter(one => one.getBoundingClientRect().width)
    .map(one => one.getBoundingClientRect().height))
"""
PLOTS_SHOWN = """
[...document.querySelectorAll(".plot svg")].filter(one => one.getBoundingClientRect().width > 0).length
"""
CONTRASTS = """
(() => {
  const light = text => {
    const [red, green, blue] = text.match(/[0-9.]+/g).map(one => Number(one) / 255)
      .map(one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const paper = light(getComputedStyle(document.documentElement).backgroundColor);
  const against = one => {
    const ink = light(getComputedStyle(one).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  };
  return Math.min(...[...document.querySelectorAll("p, li, dt, dd, td, th, caption, figcaption, .sign, .soft, a")]
    .map(against));
})()
"""


@pytest.fixture
def tab(tmp_path):
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    file = tmp_path / "report.html"
    file.write_text(page(report()), "utf-8")
    with browser(program, tmp_path) as tab:
        tab.open(file)
        yield tab


@pytest.fixture
def pictures(tmp_path):
    folder = Path(os.environ.get("SEALSTREAM_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_page_in_a_browser(tab, pictures, subtests):
    """One test, since tests are spread over processes, and each would start a browser."""
    for check in (
        what_it_shows_is_what_the_trail_says,
        in_light_it_can_be_read,
        in_the_dark_it_can_be_read,
        plots_have_other_colours_in_the_dark,
        on_a_phone_nothing_sticks_out_and_plots_are_drawn_for_it,
        on_paper_it_has_pages_of_its_own,
        who_does_not_see_it_is_told_what_everything_is,
        nothing_is_complained_of_and_nothing_else_is_loaded,
    ):
        with subtests.test(check.__name__):
            check(tab, pictures)


def what_it_shows_is_what_the_trail_says(tab, _):
    shown = tab.value(FIGURES)
    expected = figures_of(a_period())
    assert {name: [number, number] for name, number in expected.items()} == {name: shown.get(name) for name in expected}


def in_light_it_can_be_read(tab, pictures):
    tab.of(SCREEN)
    assert _redness(tab) > 200
    _can_be_read(tab)
    tab.picture(pictures / "light.png")


def in_the_dark_it_can_be_read(tab, pictures):
    tab.of(SCREEN, dark=True)
    assert _redness(tab) < 50
    _can_be_read(tab)
    tab.picture(pictures / "dark.png")


def _can_be_read(tab):
    assert (SCREEN, 4) == (tab.value(WIDTH), tab.value(PLOTS_SHOWN))
    assert tab.value(CONTRASTS) >= 4.5, "what WCAG asks of text"


def _redness(tab):
    """Of the paper; it is grey, so this is how light it is."""
    return int(re.findall(r"\d+", tab.value(BACKGROUND))[0])


def plots_have_other_colours_in_the_dark(tab, _):
    tab.of(SCREEN)
    light = tab.value(INKS)
    tab.of(SCREEN, dark=True)
    assert len(light) >= 4
    assert {"none"} >= set(light) & set(tab.value(INKS))


def on_a_phone_nothing_sticks_out_and_plots_are_drawn_for_it(tab, pictures):
    tab.of(PHONE, phone=True)
    assert (PHONE, 4) == (tab.value(WIDTH), tab.value(PLOTS_SHOWN))
    assert tab.value(SMALLEST_TEXT) >= 11, "pixels"
    tab.picture(pictures / "phone.png")


def on_paper_it_has_pages_of_its_own(tab, pictures):
    tab.printed(pictures / "print.pdf")
    content = (pictures / "print.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 12


def who_does_not_see_it_is_told_what_everything_is(tab, _):
    tab.of(SCREEN)
    assert [
        "Changes of the items table over time, by verdict",
        "How long each item stood in clear, by when it was found",
        "Ages of data keys, by data class",
        "Records in quarantine, by reason",
    ] == tab.names("image")
    for role in ("table", "region", "navigation"):
        names = tab.names(role)
        assert names, role
        assert all(names), role


def nothing_is_complained_of_and_nothing_else_is_loaded(tab, _):
    assert ([], ["report.html"]) == (tab.complaints, [one.rpartition("/")[2] for one in tab.loaded])
