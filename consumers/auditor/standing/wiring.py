"""What a reconciler is made of, built once per process; but states of keys, which must not be too old."""

from __future__ import annotations

import time
from collections.abc import Sequence

from consumers.auditor.gather import KnownPolicies
from consumers.auditor.standing.visitor import StandingItems
from shared.aws.clients import client
from shared.aws.findings_queue import SqsFindingsQueue
from shared.aws.item_scan import DynamoItemScan
from shared.aws.key_store import DynamoKeyStatusReader
from shared.aws.runs import DynamoRunStore
from shared.policy.load import load_policy
from shared.runs.model import Run, Worker
from shared.runtime.audit_log import AuditLog
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import ReconcilerSettings
from shared.scan.key_states import KeyStatesSince
from shared.scan.work import Scan, ScanWorker


class Nothing:
    """What is scanned of the quarantine: nothing in it is an item."""

    def page(self, **_where: object) -> tuple[Sequence[object], str]:
        """No element, and the end."""
        return (), ""


def wire(settings: ReconcilerSettings) -> ScanWorker:
    """Build the reconciler.

    Raises:
        PolicyError: nothing was built; the invocation fails and is repeated.
    """
    quiet_libraries()
    policy = load_policy(settings.policy_file)
    dynamodb = client("dynamodb")
    reader = DynamoKeyStatusReader(dynamodb, settings.key_store)
    known_policies, log = KnownPolicies(reader), AuditLog()
    findings = SqsFindingsQueue(client("sqs"), settings.findings_queue)

    def visitor(run: Run) -> StandingItems:
        return StandingItems(policy, KeyStatesSince(reader), known_policies, log, findings, run.run_id, time.time)

    # consistent, or a change just before the run that no stream record tells of might be passed over
    items = DynamoItemScan(dynamodb, settings.table, consistent=True)
    return ScanWorker(
        Worker.RECONCILER,
        DynamoRunStore(dynamodb, settings.runs),
        scan_items=lambda run: Scan(items, visitor(run)),
        scan_held=lambda run: Scan(Nothing(), visitor(run)),
    )
