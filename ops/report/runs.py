"""Runs as the trail tells them: rotations and the others, each with its census and its verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.runs.model import Run
from shared.runtime.audit_log import CENSUS_FIGURES, RECONCILIATION_FIGURES, RUN_FIGURES

_COUNTED: Final = {"census.completed": CENSUS_FIGURES, "reconciliation.completed": RECONCILIATION_FIGURES}
_ENDINGS: Final = ("rotation.completed", "reconciliation.completed")


@dataclass(frozen=True, slots=True)
class ToldRun:
    """A run, as far as events of the period tell of it.

    Attributes:
        started_at: seconds since the epoch; None where it began before the period, as `ended_at` where no event says.
        verdict: "" before its end.
        census: what was counted of all items: the census' figures, or a reconciliation's.
        did: what was done to data keys and items.
        phase: how far it is, by the runs table; "" where that is not known, or the run is done.
    """

    run_id: str
    kind: str
    started_at: float | None = None
    ended_at: float | None = None
    verdict: str = ""
    tenant_id: str = ""
    data_class: str = ""
    key_id: str = ""
    census: Mapping[str, int] = field(default_factory=dict)
    did: Mapping[str, int] = field(default_factory=dict)
    phase: str = ""

    @property
    def scope(self) -> str:
        """What it was narrowed to; "" where to nothing."""
        named = (("tenant", self.tenant_id), ("class", self.data_class), ("key", self.key_id))
        return ", ".join(f"{what} {value}" for what, value in named if value)


class RunsTold:
    """Takes events one by one."""

    def __init__(self) -> None:
        self._runs: dict[str, ToldRun] = {}

    def add(self, event: Mapping[str, Any], at: float) -> None:
        """An event of whatever name."""
        name = event["event"]
        run_id = str(event.get("run_id", ""))
        if not run_id or (name != "rotation.started" and name not in _COUNTED and name not in _ENDINGS):
            return
        run = self._runs.get(run_id) or ToldRun(run_id, str(event.get("kind", "")))
        if name == "rotation.started":
            tenant_id, data_class, key_id = (str(event.get(part, "")) for part in ("tenant_id", "data_class", "key_id"))
            run = replace(run, started_at=at, tenant_id=tenant_id, data_class=data_class, key_id=key_id)
        if name in _COUNTED:
            run = replace(run, census=_figures(event, _COUNTED[name]))
        if name in _ENDINGS:
            run = replace(run, ended_at=at, verdict=str(event.get("verdict", "")))
        if name == "rotation.completed":
            run = replace(run, did=_figures(event, RUN_FIGURES))
        self._runs[run.run_id] = run

    def result(self) -> Sequence[ToldRun]:
        """Those that were told of, the oldest first."""
        return sorted(self._runs.values(), key=lambda run: (run.started_at or 0.0, run.run_id))


def with_phases(told: Sequence[ToldRun], load: Callable[[str], Run | None]) -> Sequence[ToldRun]:
    """The runs, those that no event says to have ended with their phase."""
    return [run if run.verdict or not (now := load(run.run_id)) else replace(run, phase=now.phase) for run in told]


def _figures(event: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, int]:
    return {name: told for name in names if isinstance(told := event.get(name), int)}
