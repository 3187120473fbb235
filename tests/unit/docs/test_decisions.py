"""Decision records: numbered, indexed, one page or less, each with what decided it."""

from __future__ import annotations

import pytest

from tests.unit.docs.pages import ROOT, name_of, table, text_of

FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
ONE_PAGE_WORDS = 500


def test_the_index_lists_every_record_by_its_title_and_status():
    listed = [(number, link) for number, link, _ in table(FOLDER / "README.md", "number")[1:]]

    titles = [text_of(record).splitlines()[0].removeprefix(f"# {record.name[:4]} ") for record in RECORDS]
    expected = [(record.name[:4], f"[{title}]({record.name})") for record, title in zip(RECORDS, titles, strict=True)]
    assert expected == listed


def test_numbers_follow_each_other():
    assert [f"{number:04}" for number in range(1, len(RECORDS) + 1)] == [record.name[:4] for record in RECORDS]


@pytest.mark.parametrize("record", RECORDS, ids=name_of)
def test_a_record_is_a_page_and_says_what_was_decided_and_what_was_not(record):
    text = text_of(record)

    assert len(text.split()) <= ONE_PAGE_WORDS
    if record.name.startswith("0011"):  # a table of many small decisions
        return
    for part in ("Status", "Context", "Decision", "What decided it", "Not chosen", "Price"):
        assert text.count(f"**{part}") == 1, part


def test_every_library_that_is_explained_is_a_library_of_this_project():
    files = [*(ROOT / "requirements").glob("*.in"), ROOT / "package.json"]
    declared = "".join(file.read_text(encoding="utf-8") for file in files)
    named = [
        name.strip("` ") for row in table(FOLDER / "0011-libraries.md", "library")[1:] for name in row[0].split(",")
    ]

    assert [
        name
        for name in named
        if f"{name}==" not in declared and f"{name}[" not in declared and f'"{name}"' not in declared
    ] == []
