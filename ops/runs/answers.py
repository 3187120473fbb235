"""What the rotation function and the workers answer, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.functions import Invoke, not_understood
from shared.runs.model import Phase


@dataclass(frozen=True, slots=True)
class Begun:
    """A run was begun, or an unfinished one found."""

    run_id: str
    joined: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done next.

    Attributes:
        segments: those of the phase that are not done.
        wait_seconds: how long the barrier still stands.
    """

    phase: Phase
    segments: tuple[int, ...] = ()
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Scanned:
    """How a worker left a segment."""

    done: bool
    overtaken: bool


def begin(rotation: Invoke, payload: Mapping[str, Any]) -> Begun:
    """Begin a run, or join the unfinished one of its kind."""
    answer = rotation(payload)
    try:
        return Begun(str(answer["run_id"]), bool(answer["joined"]))
    except (KeyError, TypeError):
        raise not_understood("rotation function") from None


def advance(rotation: Invoke, run_id: str) -> Step:
    """Take a run as far as it goes without a scan."""
    answer = rotation({"operation": "advance", "run_id": run_id})
    try:
        segments = tuple(int(number) for number in answer.get("segments") or ())
        return Step(Phase(answer["phase"]), segments, float(answer.get("wait_seconds") or 0))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise not_understood("rotation function") from None


def cancel(rotation: Invoke, run_id: str) -> None:
    """Call a run off; one that is done stays as it is."""
    rotation({"operation": "cancel", "run_id": run_id})


def scan(worker: Invoke, run_id: str, segment: int, seconds: int) -> Scanned:
    """Go on with a segment for some seconds."""
    answer = worker({"run_id": run_id, "segment": segment, "seconds": seconds})
    try:
        return Scanned(bool(answer["done"]), bool(answer.get("overtaken", False)))
    except (AttributeError, KeyError, TypeError):
        raise not_understood("worker") from None
