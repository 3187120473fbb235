"""Which metrics a deployed function writes: what the reports that its handler reaches write when they are run.

A report that only names a metric does not count: each is run here, with figures that make it write all that it can, and
what it wrote is read as CloudWatch would. Which of them a function reaches is read from its imports.
"""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from functools import cache
from typing import Any

import pytest

from consumers.auditor import report as auditor
from consumers.auditor.audit import AuditResult
from consumers.auditor.standing import report as reconciler
from consumers.encryptor import report as encryptor
from consumers.encryptor.results import BatchResult, RecordResult
from consumers.landing_ingest import ingest
from consumers.landing_ingest import report as landing
from consumers.notary import notary
from consumers.notary import report as notary_report
from consumers.reencryptor import report as reencryptor
from consumers.rotation.ensure import report as ensure_keys
from consumers.sweeper import report as sweeper
from consumers.tenant_api import report as tenant_api
from shared.errors import Reason
from shared.keys.counts import KeyringCounts
from shared.keys.ports import DataKeyRow
from shared.landing import ObjectVersion
from shared.landing import Progress as Ingested
from shared.model import InboundRecord, KeyState, Outcome, QuarantineEntry
from shared.runs.model import Phase, Run, RunKind
from shared.runtime import audit_log, metrics
from shared.runtime.audit_log import AuditEvent, AuditLog
from shared.scan.invocation import Figures, work_for
from shared.scan.segment import Progress
from shared.scan.work import Worked
from tests.fakes.kept_events import KeptEvents
from tests.fakes.rotation_world import World
from tests.infra.synthesis import ROOT

AT = 1_700_000_000.0
TIMES: Mapping[str, float] = {"started": AT, "ended": AT + 1}


def _encryptor() -> None:
    record = InboundRecord("1", "shardId-0", 0, b"key", AT, b"payload")
    entries = (QuarantineEntry("00", reason, "", "", "", "", "1", AT, 1, b"") for reason in Reason)
    results = tuple(RecordResult(record, Outcome.QUARANTINED, sealed_count=0, kept=entry) for entry in entries)
    encryptor.report_batch(BatchResult(len(results), results), KeyringCounts(), AuditLog(), **TIMES)


def _auditor() -> None:
    auditor.report_batch(AuditResult(1, {}, [], AT, arrivals=[AT]), **TIMES)


def _scanning(figures: Figures, *phases: Phase) -> Callable[[], None]:
    def run() -> None:
        for phase in phases:
            work_for({"run_id": "run", "segment": 0}, _Context(), _Worker(phase), figures)  # type: ignore[arg-type]

    return run


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 0


class _Worker:
    """Has been through a segment of a run in this phase."""

    def __init__(self, phase: Phase) -> None:
        self._phase = phase

    def work(self, run_id: str, segment: int, **_: Any) -> Worked:
        run = Run(run_id, RunKind.ROTATION, self._phase, started_at=AT, segments=1, workers=1)
        return Worked(run, segment, Progress(done=True))


def _landing() -> None:
    landing.report_ended(Ingested(ObjectVersion("b", "k", "v"), "0", 1), False, AuditLog())
    landing.report_batch(ingest.Tally(), retried=0, **TIMES)


def _rotation() -> World:
    """A rotation and a census that ended, and another one under way."""
    world = World()
    world.first_keys(("acme", "pii"))
    world.rotate()
    world.drive(world.begin("survey")["run_id"])
    world.advance(world.begin("survey", segments=2)["run_id"])
    return world


def _look() -> None:
    with redirect_stdout(io.StringIO()):
        world = _rotation()
    world.rotation.run({"operation": "look"}, world.seconds_left)


def _ensure_keys() -> None:
    ensure_keys.count_made(DataKeyRow("acme", 1, "pii", b"", "arn", "", KeyState.ACTIVE, AT))
    ensure_keys.count_failure(AT)


def _audit_log() -> None:
    log = AuditLog(trail=KeptEvents())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_log, "_MOST_CARRIED", 1)
        for event_id in ("00", "01"):
            log.write(AuditEvent.KEY_CREATED, event_id=event_id, at=AT)
        log.begin("shardId-0")
    log.flush()


REPORTS: Mapping[str, Callable[[], object]] = {
    "consumers.auditor.report": _auditor,
    "consumers.auditor.standing.report": _scanning(reconciler.figures, Phase.CENSUS),
    "consumers.encryptor.report": _encryptor,
    "consumers.landing_ingest.report": _landing,
    "consumers.notary.report": lambda: notary_report.report(notary.Tally(), audit_log=AuditLog(), **TIMES),
    "consumers.reencryptor.report": lambda: reencryptor.report_batch([], KeyringCounts(), **TIMES),
    "consumers.rotation.ensure.report": _ensure_keys,
    "consumers.rotation.look": _look,
    "consumers.rotation.report": _rotation,
    "consumers.sweeper.report": _scanning(sweeper.figures, Phase.SWEEP, Phase.CENSUS),
    "consumers.tenant_api.report": lambda: tenant_api.report_request(tenant_api.Tally(), at=AT),
    "shared.runtime.audit_log": _audit_log,
}
"""Each module that writes metrics, or has them written by `shared.scan.invocation`, and how it comes to write all."""


@cache
def written_by(module: str) -> Mapping[str, str]:
    """Name and unit of each metric that a module of `REPORTS` writes."""
    out = io.StringIO()
    with redirect_stdout(out):
        REPORTS[module]()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    directives = [one for line in lines if "_aws" in line for one in line["_aws"]["CloudWatchMetrics"]]
    return {metric["Name"]: metric["Unit"] for one in directives for metric in one["Metrics"]}


def emitted_by(handler: str) -> frozenset[str]:
    """The names of the metrics of a function with this handler, `package.module.function`."""
    return frozenset(name for module in reached_by(handler) & REPORTS.keys() for name in written_by(module))


def reached_by(handler: str) -> frozenset[str]:
    """The modules that a function with this handler imports, however far."""
    reached: set[str] = set()
    waiting = [handler.rpartition(".")[0]]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += _imported(module)
    return frozenset(reached)


@cache
def events_named_in(module: str) -> frozenset[str]:
    """The audit events that a module names."""
    tree = _tree(module)
    nodes = () if tree is None else ast.walk(tree)
    return frozenset(
        AuditEvent[node.attr]
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == AuditEvent.__name__
    )


def calling(function: str) -> Iterator[str]:
    """The modules of the deployed functions that call a function of this name."""
    for package in ("consumers", "shared"):
        for file in (ROOT / package).rglob("*.py"):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(file.read_text(encoding="utf-8"))
            calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
            if any(isinstance(called, ast.Name) and called.id == function for called in calls):
                yield module


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
