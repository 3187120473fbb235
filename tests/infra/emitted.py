"""Which metrics a deployed function can write: read from its code, from its handler on through all that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from shared.errors import Reason
from shared.model import Outcome, VerdictKind
from shared.reencrypt.model import Fate
from shared.runtime import metrics
from shared.runtime.metrics import Metric, reason_metric
from tests.infra.synthesis import ROOT

HELPERS = {
    "outcome_metrics": frozenset(metrics.outcome_metrics(dict.fromkeys(Outcome, 1))),
    "verdict_metrics": frozenset(metrics.verdict_metrics(dict.fromkeys(VerdictKind, 1))),
    "fate_metrics": frozenset(metrics.fate_metrics(dict.fromkeys(Fate, 1))),
    "reason_metrics": frozenset(map(reason_metric, Reason)),
}
"""What gives several metrics at once."""


def emitted_by(handler: str) -> frozenset[str]:
    """The names of the metrics of a function with this handler, `package.module.function`."""
    reached: set[str] = set()
    waiting = [handler.rpartition(".")[0]]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += _imported(module)
    return frozenset(str(name) for module in reached for name in _named(module))


@cache
def _tree(module: str) -> ast.Module | None:
    file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8")) if file.exists() else None


@cache
def _imported(module: str) -> tuple[str, ...]:
    """Modules of this project, but the one in which all metrics stand; whatever is only for types stands out too."""
    tree = _tree(module)
    found = [] if tree is None else [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [
        name
        for node in found
        if node.module and node.module.partition(".")[0] in {"consumers", "shared"}
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    ]
    return tuple(name for name in names if name != metrics.__name__ and _tree(name) is not None)


@cache
def _named(module: str) -> frozenset[str]:
    return frozenset(_metrics_in(_tree(module)))


def _metrics_in(tree: ast.Module | None) -> Iterator[str]:
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.Attribute(value=ast.Name(id="Metric"), attr=name):
                yield Metric[name].value
            case ast.Call(func=ast.Name(id=name)) if name in HELPERS:
                yield from HELPERS[name]
