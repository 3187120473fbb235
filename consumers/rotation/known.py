"""What stands open as far as is known: what waits in quarantine, and what the last look at every item found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.model import VerdictKind
from shared.runs.model import Phase, Run, Worker
from shared.runs.ports import RunStore
from shared.runtime.metrics import Metric
from shared.scan.tally import merged

_IN_CLEAR: Final[Mapping[Worker, str]] = {
    Worker.SWEEPER: "clear_values",
    Worker.RECONCILER: VerdictKind.PLAINTEXT,
}
"""What in the figures of a census, or of a reconciliation, stands in clear."""
_CENSUS: Final = {
    "sealed_values": Metric.CENSUS_VALUES,
    "stale_values": Metric.CENSUS_VALUES_STALE,
    "unknown_values": Metric.CENSUS_VALUES_UNKNOWN,
}


class HeldCount(Protocol):
    """The quarantine's index."""

    def held(self) -> int | None:
        """How many entries wait, at least; None where nobody can say; raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Known:
    """Reads what is known, and goes through no item.

    Attributes:
        counted: what each worker's last census counted, by its run's id: a census that is complete does not change.
    """

    runs: RunStore
    held: HeldCount
    counted: dict[Worker, tuple[str, Mapping[str, int]]] = field(default_factory=dict)

    def values(self, now: float) -> dict[Metric, float]:
        """As metrics; of what nobody knows there is none.

        Raises:
            StoreUnavailable, RunsCorrupt: as the stores do.
        """
        values: dict[Metric, float] = {}
        held = self.held.held()
        if held is not None:
            values[Metric.QUARANTINE_HELD] = held
        runs = {worker: run for worker in Worker if (run := self.runs.last_census(worker))}
        counts = {worker: self._counts(worker, run) for worker, run in runs.items()}
        if Worker.SWEEPER in runs:
            values |= {metric: counts[Worker.SWEEPER].get(name, 0) for name, metric in _CENSUS.items()}
        if runs:
            last = max(runs, key=lambda worker: runs[worker].census_at or 0.0)
            # a census does not see what is malformed, so none says that it is mended
            malformed = counts.get(Worker.RECONCILER, {}).get(VerdictKind.MALFORMED, 0)
            values[Metric.EXPOSURES_KNOWN] = counts[last].get(_IN_CLEAR[last], 0) + malformed
            values[Metric.CENSUS_AGE_SECONDS] = max(0.0, now - (runs[last].census_at or 0.0))
        return values

    def _counts(self, worker: Worker, run: Run) -> Mapping[str, int]:
        run_id, counts = self.counted.get(worker, ("", {}))
        if run_id != run.run_id:
            counts = merged(segment.tally for segment in self.runs.segments(run.run_id, Phase.CENSUS)).counts
            self.counted[worker] = run.run_id, counts
        return counts
