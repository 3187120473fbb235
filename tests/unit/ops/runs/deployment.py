"""The rotation function and the sweeper as the driver meets them: their answers, over runs in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from consumers.rotation.verdict import RunVerdict
from ops.clock import Clock
from ops.errors import FunctionFailed
from ops.runs.driver import Ports
from ops.runs.machine import Machine
from shared.runs.model import PHASES, Example, Phase, Run, RunKind, Scope, Tally, Worker
from shared.scan.tally import merged
from tests.fakes.clock import FakeClock
from tests.fakes.runs import FakeRunStore

PAGE = 10
GOOD = {
    RunKind.ROTATION: "retired",
    RunKind.RETIREMENT: "retired",
    RunKind.ADOPTION: "nothing_in_clear",
    RunKind.SURVEY: "nothing_in_clear",
    RunKind.DESTRUCTION: "destroyed",
    RunKind.RECONCILIATION: "in_order",
}


@dataclass
class Deployment:
    """A table of so many items per segment, and two functions that work on it.

    Attributes:
        before_sweep: called with the payload before each page; may raise, or do what another worker does meanwhile.
        before_rotation: the same for the rotation function.
        left: what a census finds, and what then makes the verdict bad.
        asked: every payload of the rotation function.
    """

    items_per_segment: int = 30
    barrier_seconds: float = 0.0
    clock: FakeClock = field(default_factory=FakeClock)
    runs: FakeRunStore = field(default_factory=FakeRunStore)
    before_sweep: Callable[[Mapping[str, Any]], None] = lambda payload: None
    before_rotation: Callable[[Mapping[str, Any]], None] = lambda payload: None
    left: tuple[Example, ...] = ()
    census_counts: Mapping[str, int] = field(default_factory=dict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    machine: Machine | None = None

    def ports(self) -> Ports:
        return Ports(
            runs=self.runs,
            rotation=self.rotation,
            workers={Worker.SWEEPER: self.sweeper, Worker.RECONCILER: self.sweeper},
            machine=self.machine,
            item_count=lambda: self.items_per_segment * 4,
            clock=Clock(self.clock.wall, self.clock.monotonic, self.clock.advance),
        )

    def rotation(self, payload: Mapping[str, Any]) -> Any:
        self.asked.append(payload)
        self.before_rotation(payload)
        if payload["operation"] == "begin":
            return self._begin(payload)
        run = self.runs.load(payload["run_id"])
        assert run is not None
        return self._cancel(run) if payload["operation"] == "cancel" else self._advance(run)

    def sweeper(self, payload: Mapping[str, Any]) -> Any:
        self.before_sweep(payload)
        run = self.runs.load(payload["run_id"])
        assert run is not None
        if run.phase not in {Phase.SWEEP, Phase.CENSUS}:
            return {"run_id": run.run_id, "segment": payload["segment"], "done": True, "overtaken": False}
        saved = self.sweep_a_page(run, payload["segment"])
        return {**payload, "done": saved, "overtaken": False}

    def sweep_a_page(self, run: Run, number: int) -> bool:
        """Whether the segment is done; raises FunctionFailed where another worker was faster."""
        segment = self.runs.segment(run.run_id, run.phase, number)
        counts = {"visited": PAGE}
        visited = segment.tally.counts.get("visited", 0) + PAGE
        done = visited >= self.items_per_segment
        last = Tally(self.census_counts, examples=self.left) if done and run.phase is Phase.CENSUS else Tally()
        tally = merged((segment.tally, Tally(counts), last if number == 0 else Tally()))
        if not self.runs.save_segment(replace(segment, cursor=str(visited), done=done, tally=tally)):
            raise FunctionFailed("overtaken")
        return done

    def _begin(self, payload: Mapping[str, Any]) -> Any:
        kind = RunKind(payload["kind"])
        number = sum(1 for one in self.asked if one["operation"] == "begin")
        key_id = payload.get("key_id")
        asked = Run(
            run_id=f"{number:032x}",
            kind=kind,
            phase=PHASES[kind][0],
            started_at=self.clock.wall(),
            segments=payload.get("segments", 3),
            workers=payload.get("workers", 2),
            scope=Scope(
                payload.get("due", True),
                payload.get("tenant_id", ""),
                payload.get("data_class", ""),
                None if key_id is None else int(key_id, 16),
            ),
            retire=payload.get("retire", True),
            abandon_backups=payload.get("abandon_backups", False),
            barrier_seconds=payload.get("barrier_seconds", self.barrier_seconds),
        )
        run = self.runs.begin(asked)
        return {"run_id": run.run_id, "phase": run.phase, "joined": run.run_id != asked.run_id}

    def _advance(self, run: Run) -> Any:
        if run.phase in {Phase.SWEEP, Phase.CENSUS} and self._open_segments(run):
            return self._answer(run)
        if run.phase is Phase.BARRIER and (run.barrier_until or 0) > self.clock.wall():
            return self._answer(run)
        if run.phase is not Phase.DONE:
            phases = PHASES[run.kind]
            run = self._entering(run, phases[phases.index(run.phase) + 1])
        return self._answer(run)

    def _cancel(self, run: Run) -> Any:
        if run.phase is not Phase.DONE:
            saved = self.runs.save(
                replace(run, phase=Phase.DONE, ended_at=self.clock.wall(), verdict=RunVerdict.CANCELLED)
            )
            assert saved is not None
            run = saved
        return self._answer(run)

    def _entering(self, run: Run, phase: Phase) -> Run:
        now = self.clock.wall()
        changed = replace(run, phase=phase)
        if phase is Phase.BARRIER:
            changed = replace(changed, barrier_until=now + run.barrier_seconds)
        elif phase is Phase.CENSUS:
            changed = replace(changed, census_at=now)
        elif phase is Phase.DONE:
            changed = replace(changed, ended_at=now, verdict="not_safe" if self.left else GOOD[run.kind])
        saved = self.runs.save(changed)
        assert saved is not None
        return saved

    def _open_segments(self, run: Run) -> list[int]:
        stored = {one.number for one in self.runs.segments(run.run_id, run.phase) if one.done}
        return [number for number in range(run.segments + 1) if number not in stored]

    def _answer(self, run: Run) -> Any:
        answer: dict[str, Any] = {
            "run_id": run.run_id,
            "kind": run.kind,
            "phase": run.phase,
            "counts": dict(run.counts),
        }
        if run.phase in {Phase.SWEEP, Phase.CENSUS}:
            answer["segments"] = self._open_segments(run)
        if run.phase is Phase.BARRIER:
            answer["wait_seconds"] = max(0, int((run.barrier_until or 0) - self.clock.wall()))
        if run.phase is Phase.DONE:
            answer["verdict"] = run.verdict
        return answer
