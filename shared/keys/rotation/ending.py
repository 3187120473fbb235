"""The end of a data key: retired when nothing is left under it, reopened when something turns up, destroyed for good.

All three are safe to repeat: the row says which run did it and when, so a repeated step gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from shared.errors import KeyUnknown, StoreUnavailable
from shared.keys.ports import DataKeyRow
from shared.keys.rotation.decide import (
    Obstacle,
    against_another_state,
    against_destruction,
    against_retirement,
    is_in_scope,
)
from shared.keys.rotation.ports import RotatingKeyStore
from shared.keys.rotation.renewal import ATTEMPTS, read_again
from shared.model import KeyState
from shared.runs.model import Run, Tally

Ended: TypeAlias = DataKeyRow | Obstacle | None
"""The row of a key that is (or, where the run only asks, could be) ended; or what keeps it; None: not concerned."""


@dataclass(frozen=True, slots=True)
class KeyEnder:
    """Ends data keys.

    Attributes:
        wall: seconds since the epoch.
    """

    store: RotatingKeyStore
    wall: Callable[[], float]

    def retire(self, row: DataKeyRow, run: Run, census: Tally) -> Ended:
        """Retire a key that only opens, if the census allows it.

        Raises:
            KeyStoreCorrupt: the class's pointer names it.
            StoreUnavailable: no answer, or lost too many races.
        """
        return self._end(
            row,
            run,
            KeyState.DECRYPT_ONLY,
            KeyState.RETIRED,
            lambda now: against_retirement(now, run, census),
        )

    def destroy(self, row: DataKeyRow, run: Run, census: Tally, earliest_restore_point: float | None) -> Ended:
        """Destroy a retired key of the run's scope, if the census and the backups allow it; raises as `retire`."""
        if not is_in_scope(row, run.scope):
            return None
        return self._end(
            row,
            run,
            KeyState.RETIRED,
            KeyState.DESTROYED,
            lambda now: against_destruction(now, run, census, earliest_restore_point),
        )

    def reopen(self, tenant_id: str, key_id: int) -> DataKeyRow:
        """Take a retirement back, since something under the key turned up; a key in another state stays as it is.

        The next census must wait for the barrier again: nobody knows what else is on its way.

        Raises:
            KeyUnknown: the tenant has no such key.
            KeyStoreCorrupt: the class's pointer names it.
            StoreUnavailable: no answer, or lost too many races.
        """
        for _ in range(ATTEMPTS):
            row = self.store.rows(tenant_id, [key_id]).get(key_id)
            if row is None:
                raise KeyUnknown(f"tenant {tenant_id} has no data key {key_id:08x}")
            if row.state is not KeyState.RETIRED:
                return row
            now = self.wall()
            reopened = replace(row, state=KeyState.DECRYPT_ONLY, closed_at=now, state_set_at=now)
            if self.store.replace_row(row, reopened):
                return reopened
        raise _lost(tenant_id, key_id)

    def _end(
        self,
        row: DataKeyRow,
        run: Run,
        since: KeyState,
        end: KeyState,
        obstacle_to: Callable[[DataKeyRow], Obstacle | None],
    ) -> Ended:
        for _ in range(ATTEMPTS):
            if row.state is end and row.state_set_by == run.run_id:
                return row
            if row.state is not since:
                return against_another_state(row, run)
            obstacle = obstacle_to(row)
            if obstacle or not run.retire:
                return obstacle or row
            ended = replace(row, state=end, state_set_by=run.run_id, state_set_at=self.wall())
            if end is KeyState.DESTROYED:
                ended = replace(ended, encrypted_data_key=b"")
            if self.store.replace_row(row, ended):
                return ended
            row = read_again(self.store, row)
        raise _lost(row.tenant_id, row.key_id)


def _lost(tenant_id: str, key_id: int) -> StoreUnavailable:
    return StoreUnavailable(f"changing the state of data key {key_id:08x} of {tenant_id}: lost {ATTEMPTS} races")
