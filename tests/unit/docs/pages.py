"""The pages of documentation, and what they name."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [block for name, block in _FENCE.findall(text_of(page)) if name == language]


def shell_like_blocks(page: Path) -> list[str]:
    """The fenced blocks of commands: those of `sh`, and those that name no language."""
    return [*blocks(page, "sh"), *blocks(page, "")]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def code_spans(page: Path) -> list[str]:
    """What stands between backticks in the prose."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def links(page: Path) -> list[str]:
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", _LINK.sub("", heading).strip().lower()).replace(" ", "-") for heading in headings}


def tables(page: Path) -> list[list[list[str]]]:
    """Every table as rows of cells, its head first, its rule left out."""
    found = re.findall(r"(?:^\|.*\|\n)+", prose(page), re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "| ---" not in line]
        for table in found
    ]


def table(page: Path, head: str) -> list[list[str]]:
    """The rows of the one table whose first column is headed so."""
    (rows,) = (rows for rows in tables(page) if rows[0][0] == head)
    return rows


@cache
def names_of_tests() -> frozenset[str]:
    """The name of every test of the project."""
    files = (ROOT / "tests").rglob("*.py")
    return frozenset(
        name for file in files for name in re.findall(r"^ *def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
    )
