"""The rows of the runs table, written and read; what is read has exactly the form that writing gives.

| partition key `run_id` | sort key `row` | what |
| --- | --- | --- |
| run id | `run` | the run |
| run id | phase, `#` and the segment's number in 4 digits | how far that segment is |
| `current` | kind | which run of the kind began last |
| `current` | `census-` and the worker | which run's census this worker completed last |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from shared.aws.typed_fields import COUNT, FLAG, SECONDS, TEXT, listed, mapped, matching, one_of, optional, record
from shared.errors import RunsCorrupt
from shared.runs.model import Example, Phase, Run, RunKind, Scope, Segment, Tally, Worker

Row = Mapping[str, Any]
T = TypeVar("T")

CURRENT: Final = "current"
RUN: Final = "run"
MAX_SEGMENTS: Final = 10_000
"""Numbers of segments have four digits."""

_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_KEY_NAMES: Final = ("run_id", "row")

_SCOPE: Final = record(Scope, due=FLAG, tenant_id=TEXT, data_class=TEXT, key_id=optional(COUNT))
_EXAMPLE: Final = record(Example, tenant_id=TEXT, item_id=TEXT, where=TEXT, why=TEXT)
_RUN: Final = record(
    Run,
    run_id=matching(_RUN_ID),
    kind=one_of(RunKind),
    phase=one_of(Phase),
    started_at=SECONDS,
    segments=COUNT,
    workers=COUNT,
    scope=_SCOPE,
    items_per_second=optional(SECONDS),
    retire=FLAG,
    abandon_backups=FLAG,
    barrier_seconds=SECONDS,
    barrier_until=optional(SECONDS),
    census_at=optional(SECONDS),
    ended_at=optional(SECONDS),
    cursor=TEXT,
    counts=mapped(COUNT),
    examples=listed(_EXAMPLE),
    verdict=TEXT,
    version=COUNT,
)
_TALLY: Final = record(Tally, counts=mapped(COUNT), keys=mapped(COUNT), keys_overflow=FLAG, examples=listed(_EXAMPLE))
_SEGMENT: Final = record(
    Segment,
    run_id=matching(_RUN_ID),
    phase=one_of(Phase),
    number=COUNT,
    cursor=TEXT,
    done=FLAG,
    tally=_TALLY,
    version=COUNT,
)
_CURRENT: Final = record(dict, run_id=TEXT, row=TEXT, latest=matching(_RUN_ID))


def row_key(run_id: str, row: str) -> dict[str, Any]:
    """The primary key of a row."""
    return {"run_id": {"S": run_id}, "row": {"S": row}}


def segments_prefix(phase: Phase) -> str:
    """What the sort keys of a phase's segments begin with."""
    return f"{phase}#"


def segment_name(phase: Phase, number: int) -> str:
    """The sort key of a segment; raises ValueError for a number of more than four digits."""
    if not 0 <= number < MAX_SEGMENTS:
        raise ValueError(f"a segment's number is 0 to {MAX_SEGMENTS - 1}")
    return f"{segments_prefix(phase)}{number:04}"


def run_row(run: Run) -> dict[str, Any]:
    """A run as its row."""
    return {**_RUN.write(run)["M"], **row_key(run.run_id, RUN)}


def segment_row(segment: Segment) -> dict[str, Any]:
    """A segment as its row."""
    return {**_SEGMENT.write(segment)["M"], **row_key(segment.run_id, segment_name(segment.phase, segment.number))}


def census_name(worker: Worker) -> str:
    """The sort key of the row that names a worker's last census."""
    return f"census-{worker}"


def current_row(name: str, run_id: str) -> dict[str, Any]:
    """The row that names a kind's latest run, or a worker's last census."""
    return {**row_key(CURRENT, name), "latest": {"S": run_id}}


def read_run(row: Row) -> Run:
    """A run from its row; raises RunsCorrupt."""
    try:
        run: Run = _RUN.read(_fields(row))
        return _if_named(row, RUN, run)
    except (KeyError, TypeError, ValueError):
        raise _corrupt(row) from None


def read_segment(row: Row) -> Segment:
    """A segment from its row; raises RunsCorrupt."""
    try:
        segment: Segment = _SEGMENT.read(_fields(row))
        return _if_named(row, segment_name(segment.phase, segment.number), segment)
    except (KeyError, TypeError, ValueError):
        raise _corrupt(row) from None


def read_current(row: Row) -> str:
    """The id of the run that a row names as the latest; raises RunsCorrupt."""
    try:
        named: dict[str, str] = _CURRENT.read({"M": row})
    except (KeyError, TypeError, ValueError):
        raise _corrupt(row) from None
    return named["latest"]


def _fields(row: Row) -> dict[str, Any]:
    return {"M": {name: value for name, value in row.items() if name != "row"}}


def _if_named(row: Row, name: str, read: T) -> T:
    if row["row"] != {"S": name}:
        raise ValueError
    return read


def _corrupt(row: Row) -> RunsCorrupt:
    names = " ".join(str(row.get(name, {}).get("S", "(without a name)")) for name in _KEY_NAMES)
    return RunsCorrupt(f"row {names} of the runs table has not the form that it was written in")
