"""Changes of the items table and what the auditor said of each: how much of it was verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.audit.exposure_events import shows_clear
from ops.report.timeline import Steps, Timeline
from shared.model import VerdictKind

MENDINGS: Final = ("item.reencrypted", "item.remediated", "item.adopted")
OVERFLOW: Final = ("", "", "places beyond the first thousand", "")
_MOST_PLACES: Final = 1_000
_STANDING: Final = "standing"
_VERDICTS: Final = frozenset(VerdictKind)
_FINDING: Final = ("kind", "where", "why", "data_class")

Place = tuple[str, str, str, str]
"""What was found, where, why, and the data class."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of the changes of a period.

    Attributes:
        by_verdict: changes.
        steps: the same over time.
        undated: changes whose time nobody knows; they are in no step.
        mendings: changes that put something in order, by event.
        findings: how often something was found, by place; in standing items too.
        policies: changes by the digest of the policy that they name, in hex.
        latest_policy: that of the last change that was verified, as only what is under the present one is; "" without.
        in_clear: events after which an item stands in clear, of standing items too.
        told_otherwise: further tellings of changes, which say something else than the one that counts.
    """

    by_verdict: Mapping[str, int]
    steps: Steps
    undated: int
    mendings: Mapping[str, int]
    findings: Mapping[Place, int]
    policies: Mapping[str, int]
    latest_policy: str
    in_clear: int = 0
    told_otherwise: int = 0

    @property
    def changes(self) -> int:
        """How many there were."""
        return sum(self.by_verdict.values())

    @property
    def verifiable(self) -> int:
        """Those that left something to be verified: all but removals."""
        return self.changes - self.by_verdict.get(VerdictKind.REMOVED, 0)

    @property
    def verified(self) -> int:
        """Those that left nothing sensitive in clear, and everything sealed as it should be."""
        return self.by_verdict.get(VerdictKind.VERIFIED, 0)


class CoverageCount:
    """Takes events one by one."""

    def __init__(self) -> None:
        self._by_verdict: Counter[str] = Counter()
        self._timeline = Timeline()
        self._undated = 0
        self._in_clear = 0
        self._told_otherwise = 0
        self._mendings: Counter[str] = Counter()
        self._findings: Counter[Place] = Counter()
        self._policies: Counter[str] = Counter()
        self._latest_policy = ""

    def add(self, event: Mapping[str, Any], at: float) -> None:
        """An event of whatever name; `at` 0 where nobody knows when it happened."""
        verdict = event.get("verdict")
        if not event["event"].startswith("item.") or verdict not in _VERDICTS:
            return
        self._find(event.get("findings", ()))
        self._in_clear += shows_clear(event)
        if event.get("change") == _STANDING:
            return
        self._by_verdict[verdict] += 1
        if at:
            self._timeline.add(at, verdict)
        else:
            self._undated += 1
        if event["event"] in MENDINGS:
            self._mendings[event["event"]] += 1
        if "policy" in event:
            policy = str(event["policy"])
            self._policies[policy] += 1
            if verdict == VerdictKind.VERIFIED:
                self._latest_policy = policy

    def add_otherwise(self, event: Mapping[str, Any]) -> None:
        """One that says something else than an event which counts."""
        self._told_otherwise += event["event"].startswith("item.") and event.get("change") != _STANDING

    def result(self) -> Coverage:
        """What was counted."""
        return Coverage(
            by_verdict=self._by_verdict,
            steps=self._timeline.steps(),
            undated=self._undated,
            mendings=self._mendings,
            findings=self._findings,
            policies=self._policies,
            latest_policy=self._latest_policy,
            in_clear=self._in_clear,
            told_otherwise=self._told_otherwise,
        )

    def _find(self, findings: Iterable[Mapping[str, str]]) -> None:
        for finding in findings:
            kind, where, why, data_class = (str(finding.get(name, "")) for name in _FINDING)
            place = (kind, where, why, data_class)
            known = place in self._findings or len(self._findings) < _MOST_PLACES
            self._findings[place if known else OVERFLOW] += 1
