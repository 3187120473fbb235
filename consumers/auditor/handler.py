"""Entry point of the auditing Lambda: wire, call, report."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from consumers.auditor.again import OperatorCalls
from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from consumers.auditor.report import report
from shared.aws.clients import client
from shared.aws.findings_queue import SqsFindingsQueue
from shared.aws.key_store import DynamoKeyStatusReader
from shared.aws.table_stream import TableStream
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.batch import (
    BatchResponse,
    NamedContext,
    answered,
    partial_batch_response,
    seconds_left,
    whole_batch,
)
from shared.runtime.log import quiet_libraries
from shared.runtime.metrics import emit
from shared.runtime.settings import AuditorSettings


@cache
def _settings() -> AuditorSettings:
    return AuditorSettings.from_environment(os.environ)


@cache
def _auditor() -> Auditor:
    quiet_libraries()
    settings = _settings()
    reader = DynamoKeyStatusReader(client("dynamodb"), settings.key_store)
    findings = SqsFindingsQueue(client("sqs"), settings.findings_queue)
    return Auditor(load_policy(settings.policy_file), reader, KnownPolicies(reader), AuditLog(), findings)


def handler(event: Mapping[str, Any], context: NamedContext) -> BatchResponse | dict[str, Any]:
    """Audit the changes of one DynamoDB Streams event; what is none is an operator's call.

    Raises:
        RetryLater: the same call may succeed later; it stands for all that it has underneath, since Lambda tells a
            caller no more than the name of the class.
    """
    if "Records" in event:
        return whole_batch(lambda: _audit(event["Records"]))
    return answered(lambda: _answer(event, context))


def _answer(event: Mapping[str, Any], context: NamedContext) -> dict[str, Any]:
    stream = TableStream(client("dynamodbstreams"), _settings().table_stream)
    calls = OperatorCalls(_auditor(), stream)
    return calls.answer(event, request_id=context.aws_request_id, seconds_left=lambda: seconds_left(context))


def _audit(records: Sequence[Mapping[str, Any]]) -> BatchResponse:
    started = time.time()
    result = _auditor().audit(records)
    emit(report(result, started=started, ended=time.time()))
    return partial_batch_response(result.failed_sequence_numbers)
