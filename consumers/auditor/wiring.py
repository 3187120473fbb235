"""What an auditor is made of, built once per process."""

from __future__ import annotations

from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from shared.aws.audited import audit_log
from shared.aws.clients import client
from shared.aws.findings_queue import SqsFindingsQueue
from shared.aws.key_store import DynamoKeyStatusReader
from shared.policy.load import load_policy
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import AuditorSettings


def wire(settings: AuditorSettings) -> Auditor:
    """Build it; raises PolicyError."""
    quiet_libraries()
    reader = DynamoKeyStatusReader(client("dynamodb"), settings.key_store)
    findings = SqsFindingsQueue(client("sqs"), settings.findings_queue)
    return Auditor(load_policy(settings.policy_file), reader, KnownPolicies(reader), audit_log(), findings)
