"""Begins runs: two starts of one kind at once become one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Final

from consumers.rotation.answer import begin_answer
from consumers.rotation.options import MAX_SEGMENTS, Options, read_options
from consumers.rotation.pages import data_keys
from consumers.rotation.report import Report
from shared.errors import RunRefused
from shared.keys.rotation.decide import is_in_scope
from shared.keys.rotation.ports import ItemsHistory, RotatingKeyStore
from shared.policy.compiled import Policy
from shared.runs.model import PHASES, Phase, Run, RunKind, Scope
from shared.runs.ports import RunStore

_ITEMS_PER_SEGMENT: Final = 50_000
_RUN_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Beginner:
    """Begins runs.

    Attributes:
        is_local: whether this is the local AWS.
        wall: seconds since the epoch.
    """

    runs: RunStore
    store: RotatingKeyStore
    history: ItemsHistory
    policy: Policy
    report: Report
    is_local: bool
    wall: Callable[[], float]

    def begin(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Begin a run, or join the one of its kind that is not done; what that one was asked for stays.

        Raises:
            RunRefused: what is asked for cannot be done, and why.
        """
        options = read_options(event, self.policy, is_local=self.is_local)
        asked = self._run(options)
        run = self.runs.begin(asked)
        self.report.started(run)  # by each who joins too: the one who began it may not have come so far
        return begin_answer(run, joined=run.run_id != asked.run_id)

    def _run(self, options: Options) -> Run:
        now = self.wall()
        phase = PHASES[options.kind][0]
        return Run(
            run_id=token_hex(_RUN_ID_BYTES),
            kind=options.kind,
            phase=phase,
            started_at=now,
            segments=options.segments or self._segments(options.workers),
            workers=options.workers,
            scope=self._checked(options.scope, options.kind),
            items_per_second=options.items_per_second,
            retire=options.retire,
            abandon_backups=options.abandon_backups,
            barrier_seconds=options.barrier_seconds,
            census_at=now if phase is Phase.CENSUS else None,
        )

    def _segments(self, workers: int) -> int:
        """Enough for every worker, and none so long that its end keeps all others waiting."""
        return min(MAX_SEGMENTS, max(workers, self.history.item_count() // _ITEMS_PER_SEGMENT))

    def _checked(self, scope: Scope, kind: RunKind) -> Scope:
        """The scope, of which there is a data key at least; raises RunRefused."""
        if scope.key_id is not None:
            return self._with_tenant(scope)
        narrowed = [
            f"tenant {scope.tenant_id}" * bool(scope.tenant_id),
            f"class {scope.data_class}" * bool(scope.data_class),
        ]
        named = " and ".join(filter(None, narrowed))
        if named and not any(is_in_scope(row, scope) for row in data_keys(self.store, scope.tenant_id)):
            done = "destroyed" if kind is RunKind.DESTRUCTION else "renewed"
            raise RunRefused(f"there is no data key of {named}: nothing would be {done}")
        return scope

    def _with_tenant(self, scope: Scope) -> Scope:
        """The scope with the tenant of the one key that it names; ids are unique within a tenant only."""
        if scope.key_id is None:
            return scope
        what = f"data key {scope.key_id:08x}"
        if scope.tenant_id:
            if not self.store.rows(scope.tenant_id, [scope.key_id]):
                raise RunRefused(f"tenant {scope.tenant_id} has no {what}: look for its id in the audit log")
            return scope
        tenants = [row.tenant_id for row in data_keys(self.store) if row.key_id == scope.key_id]
        if not tenants:
            raise RunRefused(f"no tenant has a {what}: look for its id in the audit log")
        if len(tenants) > 1:
            raise RunRefused(f"{len(tenants)} tenants have a {what}: say which with 'tenant_id'")
        return replace(scope, tenant_id=tenants[0])
