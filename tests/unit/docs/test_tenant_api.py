"""docs/tenant_api.md against the API: its routes, scopes, problems and markers."""

from __future__ import annotations

import re

from consumers.tenant_api.contract import operations
from consumers.tenant_api.problems import Problem, ProblemType
from consumers.tenant_api.render import MARKERS
from tests.unit.docs.pages import ROOT, table

PAGE = ROOT / "docs" / "tenant_api.md"


def test_the_page_lists_every_operation_with_its_scope():
    listed = {row[0].strip("` "): row[1].strip("` \N{EN DASH}") for row in table(PAGE, "request")[1:]}

    assert {route: operation.scope for route, operation in operations().items()} == listed


def test_the_page_lists_every_problem_with_its_status():
    listed = {row[0].strip("` "): int(row[1]) for row in table(PAGE, "type, below `/problems/`")[1:]}

    assert {str(one): Problem(one).status for one in ProblemType} == listed


def test_the_page_shows_every_marker():
    assert set(MARKERS) == {re.findall(r"_\w+", row[0])[0] for row in table(PAGE, "marker")[1:]}
