"""A run: work over a whole table that outlives any process, with what it was asked, how far it is and what it found.

| kind | phases, in order |
| --- | --- |
| rotation | prepare (rewrap, renew), sweep, barrier, census, done |
| retirement | sweep, barrier, census, done |
| adoption | sweep, census, done |
| survey | census, done |
| destruction | census, done |
| reconciliation | census, done |

A sweep mends items, a census only counts; in a reconciliation it has every item audited. Both are scans over the same
segments: those of the items table, and a last one for the quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class RunKind(StrEnum):
    """What a run is for."""

    ROTATION = "rotation"
    RETIREMENT = "retirement"
    ADOPTION = "adoption"
    SURVEY = "survey"
    DESTRUCTION = "destruction"
    RECONCILIATION = "reconciliation"


class Phase(StrEnum):
    """How far a run is."""

    PREPARE = "prepare"
    SWEEP = "sweep"
    BARRIER = "barrier"
    CENSUS = "census"
    DONE = "done"


PHASES: Final[Mapping[RunKind, tuple[Phase, ...]]] = {
    RunKind.ROTATION: (Phase.PREPARE, Phase.SWEEP, Phase.BARRIER, Phase.CENSUS, Phase.DONE),
    RunKind.RETIREMENT: (Phase.SWEEP, Phase.BARRIER, Phase.CENSUS, Phase.DONE),
    RunKind.ADOPTION: (Phase.SWEEP, Phase.CENSUS, Phase.DONE),
    RunKind.SURVEY: (Phase.CENSUS, Phase.DONE),
    RunKind.DESTRUCTION: (Phase.CENSUS, Phase.DONE),
    RunKind.RECONCILIATION: (Phase.CENSUS, Phase.DONE),
}


class Worker(StrEnum):
    """The function that works on a run's segments."""

    SWEEPER = "sweeper"
    RECONCILER = "reconciler"

    @classmethod
    def of(cls, kind: RunKind) -> Worker:
        """Who works on runs of this kind."""
        return cls.RECONCILER if kind is RunKind.RECONCILIATION else cls.SWEEPER


@dataclass(frozen=True, slots=True)
class Scope:
    """Which data keys a rotation renews, and a destruction destroys; "" or None means: not narrowed by this.

    Attributes:
        due: only those whose class's `rotate_after_days` are over; false: all that the rest of the scope leaves.
        key_id: this key alone, of `tenant_id`: a compromised one, or one to be destroyed.
    """

    due: bool = True
    tenant_id: str = ""
    data_class: str = ""
    key_id: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        run_id: 32 hex digits.
        started_at: seconds since the epoch, as all times here.
        segments: into how many the items table is divided; the quarantine is one more, the last.
        workers: how many segments are worked on at a time.
        items_per_second: for all workers together; None: as fast as it goes.
        retire: whether the census is followed by retirement (destruction: by destruction).
        abandon_backups: destroy although a backup still holds what was sealed under the key.
        barrier_seconds: what a census waits after a key was replaced (destruction: after it was retired).
        barrier_until: when the census may begin; None before the barrier phase.
        census_at: when the census began; None before it.
        ended_at: None before it is done.
        cursor: where prepare, retirement or destruction is in the key store; "" at its beginning.
        counts: what prepare, retirement and destruction did, by name.
        examples: some of the data keys that these left as they are.
        version: of what is stored; 0 where nothing is.
        verdict: "" before it is done, then one of the fixed words of `consumers.rotation`.
    """

    run_id: str
    kind: RunKind
    phase: Phase
    started_at: float
    segments: int
    workers: int
    scope: Scope = field(default_factory=Scope)
    items_per_second: float | None = None
    retire: bool = True
    abandon_backups: bool = False
    barrier_seconds: float = 0.0
    barrier_until: float | None = None
    census_at: float | None = None
    ended_at: float | None = None
    cursor: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    verdict: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """An item (or held object, or data key) that keeps a verdict from being good, and why; never a value.

    Attributes:
        item_id: of an item, or the quarantine id of a held object, or the id of a data key in 8 hex digits.
        where: a path in the policy's notation.
        why: a static sentence fragment, or the name of an error.
    """

    tenant_id: str
    item_id: str
    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What a scan counted so far; its size is bounded, whatever is scanned.

    Attributes:
        counts: by name, see `shared.scan`.
        keys: sealed values by data key, `<tenant>/<key id, 8 hex digits>`; only keys that are not active.
        keys_overflow: there were more such keys than are kept.
        examples: some of what was left as it is.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    keys_overflow: bool = False
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """How far one phase's scan of one segment is.

    Attributes:
        cursor: where to go on, as its source gave it; "" at the beginning.
        version: of what is stored; 0 where nothing is.
    """

    run_id: str
    phase: Phase
    number: int
    cursor: str = ""
    done: bool = False
    tally: Tally = field(default_factory=Tally)
    version: int = 0
