"""Who writes which metric, as docs/architecture.md says it, against the functions' code."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from shared.errors import Reason
from shared.runtime.metrics import Metric, reason_metric
from tests.infra.emitted import emitted_by
from tests.unit.docs.pages import ROOT, table, text_of

PAGE = ROOT / "docs" / "architecture.md"
OF_REASONS = frozenset(map(reason_metric, Reason))
ALWAYS_0 = {("reconciler", Metric.ITEMS_REMOVED)}
"""Left out: what it finds stands there."""


def _handlers() -> dict[str, str]:
    """Each function's handler, by its name without the deployment's prefix."""
    calls = [
        {word.arg: ast.literal_eval(word.value) for word in node.keywords if isinstance(word.value, ast.Constant)}
        for file in (ROOT / "infra").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Consumer"
    ]
    return {
        call["name"]: f"consumers.{call.get('package') or call['name']}.{call.get('handler', 'handler.handler')}"
        for call in calls
    }


def _named(by: str) -> set[str]:
    """The functions that a cell names; what is said of the auditor holds for the reauditor, as the page says."""
    _, all_but, names = by.rpartition("all but ")
    named = {name.strip().lower().replace("re-enc", "reenc").replace(" ", "-") for name in re.split(r",| and ", names)}
    named |= {"reauditor"} if "auditor" in named else set()
    if by == "all":
        return set(_handlers())
    return set(_handlers()) - named if all_but else named


def test_the_page_says_of_each_metric_which_functions_write_it():
    said: defaultdict[str, set[str]] = defaultdict(set)
    for names, by, _ in table(PAGE, "metric")[1:]:
        for name in set(re.findall(r"`(\w+)`", names)) - OF_REASONS:
            said[name] |= _named(by)
    written: defaultdict[str, set[str]] = defaultdict(set)
    for function, handler in _handlers().items():
        for name in emitted_by(handler) - OF_REASONS:
            if (function, name) not in ALWAYS_0:
                written[name].add(function)

    assert "What is said of the auditor holds for the reauditor." in text_of(PAGE)
    assert len(_handlers()) > 12
    assert dict(written) == dict(said)
