"""What a run is begun with, and whether an unfinished one is what was asked for; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.runs.model import Run, RunKind, Scope

_NOT_NARROWED: Final[Mapping[RunKind, str]] = {
    RunKind.ROTATION: "all data keys",
    RunKind.RETIREMENT: "all replaced data keys",
    RunKind.ADOPTION: "all items",
    RunKind.SURVEY: "all items",
    RunKind.DESTRUCTION: "all retired data keys",
    RunKind.RECONCILIATION: "all items",
}
"""What a run is about that names no tenant, class or key."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator asked for; None: what the rotation function takes by itself.

    Attributes:
        retire: False ends a rotation with its verdict, and leaves the keys as they are.
        barrier_seconds: shorter than the real one is refused but on the local AWS.
    """

    scope: Scope = field(default_factory=Scope)
    workers: int | None = None
    segments: int | None = None
    items_per_second: float | None = None
    retire: bool = True
    abandon_backups: bool = False
    barrier_seconds: float | None = None


def begin_payload(kind: RunKind, options: Options) -> dict[str, Any]:
    """What the rotation function is asked to begin; only what differs from its own defaults."""
    scope = options.scope
    asked: dict[str, Any] = {
        "workers": options.workers,
        "segments": options.segments,
        "items_per_second": options.items_per_second,
        "retire": None if options.retire else False,
        "abandon_backups": options.abandon_backups or None,
        "barrier_seconds": options.barrier_seconds,
        "due": None if scope.due else False,
        "tenant_id": scope.tenant_id or None,
        "data_class": scope.data_class or None,
        "key_id": None if scope.key_id is None else f"{scope.key_id:08x}",
    }
    chosen = {name: value for name, value in asked.items() if value is not None}
    return {"operation": "begin", "kind": str(kind), **chosen}


def contradictions(options: Options, run: Run) -> list[str]:
    """In what an unfinished run would do something else than was asked.

    Who narrows nothing takes it as it is; only a destruction must be just what was asked for.
    """
    asked, has = options.scope, run.scope
    is_exact = run.kind is RunKind.DESTRUCTION
    narrowed = (asked.data_class, asked.key_id) != (has.data_class, has.key_id)
    if asked.tenant_id or asked.key_id is None:  # a run that is narrowed to a key names its tenant, too
        narrowed |= asked.tenant_id != has.tenant_id
    found = []
    if narrowed if is_exact else asked != Scope() and (narrowed or asked.due < has.due):
        found.append("scope")
    if run.retire != options.retire and (is_exact or run.retire):
        found.append("end (destroying)" if is_exact else "end (retiring)")
    if options.abandon_backups != run.abandon_backups:
        found.append("mind of backups")
    return found


def scope_text(run: Run) -> str:
    """What a run is about, for people."""
    scope = run.scope
    named = [
        f"tenant {scope.tenant_id}" * bool(scope.tenant_id),
        f"class {scope.data_class}" * bool(scope.data_class),
        "" if scope.key_id is None else f"key {scope.key_id:08x}",
    ]
    narrowed = ", ".join(filter(None, named))
    if run.kind is RunKind.ROTATION and scope.due:
        return f"{narrowed}: data keys that are due" if narrowed else "data keys that are due"
    return narrowed or _NOT_NARROWED[run.kind]
