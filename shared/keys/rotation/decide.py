"""What is to be done with a data key: pure decisions of rotation, from its row and what a census counted."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from shared.keys.ports import DataKeyRow
from shared.keys.rotation.ports import UnreadableRow
from shared.model import KeyState
from shared.policy.compiled import DataClass
from shared.runs.model import Run, RunKind, Scope, Tally

DESTRUCTION_SECONDS: Final = 24 * 3600.0
"""How long a key must have been retired when the census begins after which it is destroyed."""
_DAY_SECONDS: Final = 24 * 3600


class Obstacle(StrEnum):
    """Why a key is neither retired nor destroyed."""

    REFERENCED = "values under it were found"
    NOT_ALL_COUNTED = "the census met more keys than it counts by name"
    TOO_RECENT = "too recent when the census began: a late write could still have come"
    TIME_UNKNOWN = "its row does not say since when"
    BACKED_UP = "a backup still holds what was sealed under it"
    NOT_RETIRED = "it is not retired"


def name_of(row: DataKeyRow) -> str:
    """How a census names a key."""
    return f"{row.tenant_id}/{row.key_id:08x}"


def is_wrapped_now(row: DataKeyRow, kms_key_arn: str, material_id: str) -> bool:
    """Whether the present attribute key wraps it, with its current key material where KMS tells which that is."""
    return row.kms_key_arn == kms_key_arn and material_id in {"", row.key_material_id}


def is_in_scope(row: DataKeyRow, scope: Scope) -> bool:
    """Whether tenant, class and key are those that the run was narrowed to."""
    return (
        scope.tenant_id in {"", row.tenant_id}
        and scope.data_class in {"", row.data_class}
        and scope.key_id in {None, row.key_id}
    )


def may_be_in_scope(row: UnreadableRow, scope: Scope) -> bool:
    """Whether a row of which only tenant and name are known may be of a key that the run was narrowed to."""
    is_named = scope.key_id is None or row.name.endswith(f"#{scope.key_id:08x}")
    return scope.tenant_id in {"", row.tenant_id} and is_named


def is_to_renew(row: DataKeyRow, run: Run, classes: Mapping[str, DataClass], now: float) -> bool:
    """Whether another key is to take its place: it is active, in scope, not of this run, and due where that counts."""
    if row.state is not KeyState.ACTIVE or row.made_by == run.run_id or not is_in_scope(row, run.scope):
        return False
    if not run.scope.due:
        return True
    known = classes.get(row.data_class)
    days = known.rotate_after_days if known else None
    return days is not None and now - row.created_at >= days * _DAY_SECONDS


def against_retirement(row: DataKeyRow, run: Run, census: Tally) -> Obstacle | None:
    """What keeps a key from being retired that only opens."""
    return _against(row, row.closed_at, run, census)


def against_destruction(
    row: DataKeyRow, run: Run, census: Tally, earliest_restore_point: float | None
) -> Obstacle | None:
    """What keeps a retired key from being destroyed."""
    obstacle = _against(row, row.state_set_at, run, census)
    if obstacle or earliest_restore_point is None or run.abandon_backups:
        return obstacle
    return Obstacle.BACKED_UP if earliest_restore_point < (row.state_set_at or 0.0) else None


def against_another_state(row: DataKeyRow, run: Run) -> Obstacle | None:
    """What keeps a key that is in no state to be ended: nothing to be told, unless the run is to destroy just this one.

    One that is destroyed already is what was asked for.
    """
    is_named = run.kind is RunKind.DESTRUCTION and run.scope.key_id is not None
    return Obstacle.NOT_RETIRED if is_named and row.state is not KeyState.DESTROYED else None


def _against(row: DataKeyRow, since: float | None, run: Run, census: Tally) -> Obstacle | None:
    if name_of(row) in census.keys:
        return Obstacle.REFERENCED
    if census.keys_overflow:
        return Obstacle.NOT_ALL_COUNTED
    if since is None or run.census_at is None:
        return Obstacle.TIME_UNKNOWN
    return Obstacle.TOO_RECENT if since + run.barrier_seconds > run.census_at else None
