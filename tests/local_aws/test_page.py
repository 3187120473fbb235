"""docs/local_aws.md against what it names."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ops.local_aws.process import PROJECT

PAGE = (PROJECT / "docs" / "local_aws.md").read_text(encoding="utf-8")
REPAIRS = [
    [cell.strip() for cell in line.strip("|").split("|")][2:]
    for line in PAGE.splitlines()
    if re.match(r"\|.*\| `[^|]*` \| `test_[^|]*` \|$", line)
]


def names(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_each_repair_stands_in_the_table_with_a_test_that_exists() -> None:
    modules, tests = names([row[0] for row in REPAIRS]), names([row[1] for row in REPAIRS])
    folder = PROJECT / "ops" / "local_aws"
    repairs = {path.stem for path in (folder / "repairs").glob("[a-z]*.py")} | {"event_source_mappings"}
    assert repairs == modules
    assert [] == [test for test in tests if not (PROJECT / "tests" / "local_aws" / test).is_file()]


def test_links_lead_within_the_project_or_to_the_emulators_source() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert {"", "github.com"} == {urlsplit(link).netloc for link in links}
