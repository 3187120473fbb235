"""Entry point of the auditing Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from consumers.auditor.report import report
from shared.aws.clients import client
from shared.aws.findings_queue import SqsFindingsQueue
from shared.aws.key_store import DynamoKeyStatusReader
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.batch import BatchResponse, partial_batch_response, whole_batch
from shared.runtime.log import quiet_libraries
from shared.runtime.metrics import emit
from shared.runtime.settings import AuditorSettings


@cache
def _auditor() -> Auditor:
    quiet_libraries()
    settings = AuditorSettings.from_environment(os.environ)
    reader = DynamoKeyStatusReader(client("dynamodb"), settings.key_store)
    findings = SqsFindingsQueue(client("sqs"), settings.findings_queue)
    return Auditor(load_policy(settings.policy_file), reader, KnownPolicies(reader), AuditLog(), findings)


def handler(event: Mapping[str, Any], _context: object) -> BatchResponse:
    """Audit the changes of one DynamoDB Streams event."""
    return whole_batch(lambda: _audit(event["Records"]))


def _audit(records: Sequence[Mapping[str, Any]]) -> BatchResponse:
    started = time.time()
    result = _auditor().audit(records)
    emit(report(result, started=started, ended=time.time()))
    return partial_batch_response(result.failed_sequence_numbers)
