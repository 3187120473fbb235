"""What a sweeper is made of, built once per process; but keyrings and states of keys, which must not be too old."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from consumers.sweeper.report import report_reencrypted_record
from shared.aws.audited import audit_log
from shared.aws.clients import client
from shared.aws.held_objects import S3HeldObjects, S3HeldVersions
from shared.aws.item_scan import DynamoItemScan
from shared.aws.item_updates import DynamoItemUpdates
from shared.aws.key_store import DynamoKeyStatusReader
from shared.aws.reopener_function import ReopenerFunction
from shared.aws.runs import DynamoRunStore
from shared.aws.sealing_keys import SealingKeys
from shared.keys.keyring import Keyring
from shared.reencrypt.reencryptor import Reencryptor
from shared.runs.model import Phase, Run, RunKind, Worker
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import SweeperSettings
from shared.scan.held_census import HeldCensus
from shared.scan.held_sweep import HeldSweep
from shared.scan.item_census import ItemCensus
from shared.scan.item_sweep import ItemSweep
from shared.scan.key_states import KeyStatesSince
from shared.scan.work import Scan, ScanWorker

_AT_ONCE: Final = 16
_ADOPTING: Final = frozenset({RunKind.ADOPTION, RunKind.SURVEY})
"""Kinds of run to which what someone else wrote is data that becomes sealstream's."""


def wire(settings: SweeperSettings) -> ScanWorker:
    """Build the sweeper; nothing is sealed before the policy it seals under is published.

    Raises:
        PolicyError, StoreUnavailable: nothing was built; the invocation fails and is repeated.
    """
    quiet_libraries()
    keys = SealingKeys.of(settings, audit_log()).publish_policy()
    scans = Scans(settings, keys)
    runs = DynamoRunStore(client("dynamodb"), settings.runs)
    return ScanWorker(Worker.SWEEPER, runs, scans.of_items, scans.of_held_objects, keys.audit_log.flush)


@dataclass(frozen=True, slots=True)
class Scans:
    """The scans that runs ask for."""

    settings: SweeperSettings
    keys: SealingKeys
    pool: Executor = field(default_factory=lambda: ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sweep"))
    _keyrings: dict[str, Keyring] = field(default_factory=dict)

    def of_items(self, run: Run) -> Scan:
        """The scan of the items table; that of a census sees every write that came before it."""
        table = self.settings.table
        source = DynamoItemScan(client("dynamodb"), table, consistent=run.phase is Phase.CENSUS)
        if run.phase is Phase.CENSUS:
            lists_places = run.kind is RunKind.SURVEY
            adopting = run.kind in _ADOPTING
            return Scan(
                source, ItemCensus(self.keys.policy, self._states(), adopting=adopting, lists_places=lists_places)
            )
        keyring, states = self._keyring(run), self._states()
        reencryptor = Reencryptor(
            policy=self.keys.policy,
            keyring=keyring,
            statuses=states,  # made by this run before its sweep, or of no concern to it
            updates=DynamoItemUpdates(client("dynamodb"), table),
            reopen=states.reopening(self._reopen),
            pool=self.pool,
        )
        return Scan(source, ItemSweep(reencryptor, adopting=run.kind in _ADOPTING), keyring.take_counts)

    def of_held_objects(self, run: Run) -> Scan:
        """The scan of the quarantine; before a data key is destroyed, of all that can still be had of it."""
        held = S3HeldObjects(client("s3"), self.settings.quarantine_bucket)
        if run.phase is Phase.CENSUS:
            versions = S3HeldVersions(client("s3"), self.settings.quarantine_bucket)
            source = versions if run.kind is RunKind.DESTRUCTION else held
            return Scan(source, HeldCensus(held, self._states(), self.pool))
        keyring = self._keyring(run)
        visitor = HeldSweep(
            held=held,
            keyring=keyring,
            statuses=self._statuses(),
            reopen=self._reopen,
            dataset=self.keys.policy.dataset,
            on_reencrypted=lambda entry, key_id: report_reencrypted_record(entry, key_id, self.keys.audit_log),
            pool=self.pool,
        )
        return Scan(held, visitor, keyring.take_counts)

    def _keyring(self, run: Run) -> Keyring:
        """The run's own: one that was filled before the run renewed data keys would seal under the replaced ones."""
        if run.run_id not in self._keyrings:
            self._keyrings.clear()
            self._keyrings[run.run_id] = self.keys.keyring(opens_retired=True)
        return self._keyrings[run.run_id]

    def _states(self) -> KeyStatesSince:
        return KeyStatesSince(self._statuses())

    def _statuses(self) -> DynamoKeyStatusReader:
        return DynamoKeyStatusReader(client("dynamodb"), self.settings.key_store)

    def _reopen(self, tenant_id: str, key_id: int) -> None:
        ReopenerFunction(client("lambda"), self.settings.reopener).reopen(tenant_id, key_id)
