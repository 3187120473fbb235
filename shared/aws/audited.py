"""Invocations whose events are in the audit trail before anybody is told that they succeeded (decision 0032)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, Final, TypeVar

from shared.aws.audit_bucket import AuditBucket
from shared.aws.clients import hurried_client
from shared.aws.segment_writer import SegmentWriter
from shared.runtime.audit_log import AuditLog, Trail
from shared.runtime.batch import NamedContext, answered
from shared.runtime.invocations import where_of
from shared.runtime.settings import TrailSettings

T = TypeVar("T")
Handler = Callable[[Mapping[str, Any], NamedContext], T]

_ANSWER_SECONDS: Final = 4


def audited(handler: Handler[T]) -> Handler[T]:
    """The handler, which succeeds only where what it told is kept; what one told that fails is kept too.

    Raises:
        RetryLater: it is not kept. Whatever was done is delivered again, and told under the same ids.
    """

    @wraps(handler)
    def invoked(event: Mapping[str, Any], context: NamedContext) -> T:
        log = audit_log()
        log.begin(where_of(event, context.aws_request_id))
        try:
            return handler(event, context)
        finally:
            answered(log.flush)

    return invoked


@cache
def audit_log() -> AuditLog:
    """The process's audit log; raises SettingsError."""
    settings = TrailSettings.from_environment(os.environ)
    return AuditLog(trail=_trail(settings), prints_all=settings.logs_every_event)


def _trail(settings: TrailSettings) -> Trail:
    # gives up before Lambda ends the invocation, which would not say why
    s3 = hurried_client("s3", lambda _seconds: None, read_timeout_seconds=_ANSWER_SECONDS)
    return SegmentWriter(AuditBucket(s3, settings.bucket), settings.stage)
