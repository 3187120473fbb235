"""What a reconciler is made of, built once per process; but states of keys, which must not be too old."""

from __future__ import annotations

import time
from collections.abc import Sequence

from consumers.auditor.standing.visitor import StandingItems
from consumers.auditor.wiring import wire as wire_auditor
from shared.aws.clients import client
from shared.aws.item_scan import DynamoItemScan
from shared.aws.key_store import DynamoKeyStatusReader
from shared.aws.runs import DynamoRunStore
from shared.runs.model import Run, Worker
from shared.runtime.settings import ReconcilerSettings
from shared.scan.key_states import KeyStatesSince
from shared.scan.work import Scan, ScanWorker


class Nothing:
    """What is scanned of the quarantine: nothing in it is an item."""

    def page(self, **_where: object) -> tuple[Sequence[object], str]:
        """No element, and the end."""
        return (), ""


def wire(settings: ReconcilerSettings) -> ScanWorker:
    """Build the reconciler, which judges by what an auditor judges by.

    Raises:
        PolicyError: nothing was built; the invocation fails and is repeated.
    """
    auditor = wire_auditor(settings.auditor)
    dynamodb = client("dynamodb")
    statuses = DynamoKeyStatusReader(dynamodb, settings.auditor.key_store)

    def visitor(run: Run) -> StandingItems:
        return StandingItems(
            policy=auditor.policy,
            states=KeyStatesSince(statuses),
            known_policies=auditor.known_policies,
            log=auditor.log,
            findings=auditor.findings,
            run_id=run.run_id,
            wall=time.time,
        )

    # consistent, or a change just before the run that no stream record tells of might be passed over
    items = DynamoItemScan(dynamodb, settings.table, consistent=True)
    return ScanWorker(
        Worker.RECONCILER,
        DynamoRunStore(dynamodb, settings.runs),
        scan_items=lambda run: Scan(items, visitor(run)),
        scan_held=lambda run: Scan(Nothing(), visitor(run)),
        keep_events=auditor.log.flush,
    )
