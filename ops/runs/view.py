"""A run with all that is stored of it: what is told at its end, and by `rotation status`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.clock import iso
from ops.runs.options import scope_text
from ops.runs.verdict import is_good
from ops.runs.watch import SCANS, scan_figures
from shared.runs.model import PHASES, Example, Phase, Run, Tally
from shared.runs.ports import RunStore
from shared.scan.tally import WOULD_SEAL, merged, shown_keys


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scan of a run came to so far."""

    tally: Tally
    counts: Mapping[str, int]
    segments_done: int
    segments: int


@dataclass(frozen=True, slots=True)
class RunView:
    """A run and its scans, those that began."""

    run: Run
    scans: Mapping[Phase, Scan]

    @classmethod
    def gather(cls, runs: RunStore, run: Run) -> RunView:
        """Read what is stored of the run; raises StoreUnavailable, RunsCorrupt."""
        phases = PHASES[run.kind]
        begun = [phase for phase in phases[: phases.index(run.phase) + 1] if phase in SCANS]
        scans = {}
        for phase in begun:
            segments = runs.segments(run.run_id, phase)
            if not segments and phase is not run.phase:
                continue  # it was not needed
            figures = scan_figures(run, segments)
            tally = merged(one.tally for one in segments)
            scans[phase] = Scan(tally, figures.counts, figures.segments_done, figures.segments)
        return cls(run, scans)

    @property
    def is_good(self) -> bool:
        """Whether the run is done and its verdict is what one hopes for."""
        return self.run.phase is Phase.DONE and is_good(self.run.verdict)

    @property
    def _last(self) -> Tally:
        return self.scans[Phase.CENSUS].tally if Phase.CENSUS in self.scans else Tally()

    @property
    def keys_in_use(self) -> Mapping[str, int]:
        """Values that the census found under keys that are not active, by `<tenant>/<key id>`."""
        return shown_keys(self._last)

    @property
    def examples(self) -> tuple[Example, ...]:
        """What keeps the verdict from being good: as the sweep says why, and as the census and the keys' turn found."""
        swept = self.scans[Phase.SWEEP].tally.examples if Phase.SWEEP in self.scans else ()
        return tuple(dict.fromkeys((*self._last.examples, *self.run.examples, *swept)))

    @property
    def would_seal(self) -> Mapping[tuple[str, str], int]:
        """Values that an adoption would seal, by path and class."""
        places = {}
        for name, number in self._last.counts.items():
            if name.startswith(WOULD_SEAL):
                path, _, data_class = name.removeprefix(WOULD_SEAL).rpartition(" (")
                places[(path, data_class.removesuffix(")")) if path else (name.removeprefix(WOULD_SEAL), "")] = number
        return places

    def average_rate(self, phase: Phase, now: float) -> float | None:
        """Items per second of a scan since its beginning, pauses included; None where either end is not stored."""
        run = self.run
        since = run.census_at if phase is Phase.CENSUS else run.started_at
        until = now if run.phase is phase else run.ended_at if phase is Phase.CENSUS else None
        if since is None or until is None or until <= since:
            return None
        return self.scans[phase].counts.get("visited", 0) / (until - since)

    def document(self, now: float) -> dict[str, Any]:
        """For programs."""
        run = self.run
        document: dict[str, Any] = {
            "run_id": run.run_id,
            "kind": str(run.kind),
            "scope": scope_text(run),
            "phase": str(run.phase),
            "started_at": iso(run.started_at),
            "barrier_until": iso(run.barrier_until),
            "census_at": iso(run.census_at),
            "ended_at": iso(run.ended_at),
            "verdict": run.verdict,
            "good": self.is_good,
            "counts": dict(run.counts),
            "scans": {str(phase): self._scan_document(phase, now) for phase in self.scans},
            "keys_in_use": dict(self.keys_in_use),
            "keys_overflow": self._last.keys_overflow,
            "examples": [
                {"tenant_id": one.tenant_id, "item_id": one.item_id, "where": one.where, "why": one.why}
                for one in self.examples
            ],
        }
        places = self.would_seal
        if places:
            document["would_seal"] = [
                {"path": path, "data_class": data_class, "values": number}
                for (path, data_class), number in places.items()
            ]
        return document

    def _scan_document(self, phase: Phase, now: float) -> dict[str, Any]:
        scan, rate = self.scans[phase], self.average_rate(phase, now)
        return {
            "segments": scan.segments,
            "segments_done": scan.segments_done,
            "average_items_per_second": None if rate is None else round(rate, 1),
            "counts": dict(scan.counts),
        }
