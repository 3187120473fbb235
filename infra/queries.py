"""Saved queries of CloudWatch Logs Insights, for what somebody asks at night; they stand there under the prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.settings import Settings
from shared.runtime.audit_log import AuditEvent


@dataclass(frozen=True, slots=True)
class Query:
    """One question.

    Attributes:
        name: after the deployment's prefix.
        asks: the functions whose logs it goes through.
        steps: of Logs Insights, one after another.
    """

    name: str
    asks: Sequence[str]
    steps: Sequence[str]


def _told(*events: AuditEvent) -> str:
    """The step that leaves these events."""
    names = ", ".join(f'"{event}"' for event in events)
    return f"filter event in [{names}]"


_JUDGING: Final = ("auditor", "reauditor", "reconciler")
_SEALING: Final = ("encryptor", "redriver", "reencryptor", "sweeper")
_ENDING: Final = ("rotation", "reopener")
_ALL: Final = ("landing-ingest", *_SEALING, *_JUDGING, *_ENDING, "notary")
_EXPOSED: Final = _told(
    AuditEvent.ITEM_PLAINTEXT_FOUND, AuditEvent.ITEM_MALFORMED, AuditEvent.ITEM_UNDECLARED_SENSITIVE
)
_LATEST_FIRST: Final = "sort at desc"
_FIRST_AND_LAST: Final = "min(at) as first, max(at) as latest"

QUERIES: Final = (
    Query(
        "exposed/what and where",
        _JUDGING,
        (
            "fields at, event, tenant_id, item_id, change, finding_count, findings.0.where, findings.0.why, policy",
            _EXPOSED,
            _LATEST_FIRST,
            "limit 1000",
        ),
    ),
    Query(
        "exposed/how long it lay open",
        _JUDGING,
        (
            "fields at, event, tenant_id, item_id, open_seconds, verdict, finding_count",
            _told(AuditEvent.ITEM_REMEDIATED, AuditEvent.ITEM_ADOPTED),
            "sort open_seconds desc",
            "limit 1000",
        ),
    ),
    Query(
        "exposed/by tenant",
        _JUDGING,
        (
            _EXPOSED,
            f"stats count_distinct(event_id) as events, {_FIRST_AND_LAST} by tenant_id, event",
            "sort events desc",
        ),
    ),
    Query(
        "exposed/left by the re-encryptor",
        ("reencryptor",),
        (
            "fields @timestamp, tenant_id, item_id, where, why",
            'filter event = "left"',
            "sort @timestamp desc",
            "limit 1000",
        ),
    ),
    Query(
        "stuck/failures by error and place",
        _ALL,
        (
            'filter event = "failure"',
            "stats count(*) as times, max(@timestamp) as latest by error, raised_at, message",
            "sort times desc",
        ),
    ),
    Query(
        "stuck/killed, by time or memory",
        _ALL,
        (
            "fields @timestamp, @log, @message",
            "filter @message like /Task timed out|Runtime exited|OutOfMemory/",
            "sort @timestamp desc",
            "limit 200",
        ),
    ),
    Query(
        "stuck/quarantined by reason",
        ("encryptor", "redriver"),
        (
            _told(AuditEvent.RECORD_QUARANTINED),
            "stats count_distinct(quarantine_id) as entries, max(at) as latest by reason, detail",
            "sort entries desc",
        ),
    ),
    Query(
        "stuck/decided by operators",
        ("redriver", "reauditor"),
        (
            "fields at, event, quarantine_id, reason, shard_id, record_count, written, superseded, retry, request_id",
            _told(
                AuditEvent.RECORD_REDRIVEN,
                AuditEvent.RECORD_DISCARDED,
                AuditEvent.RECORD_SKIPPED,
                AuditEvent.OBJECT_SKIPPED,
                AuditEvent.STREAM_REPLAYED,
            ),
            _LATEST_FIRST,
            "limit 1000",
        ),
    ),
    Query(
        "keeping up/slowest batches",
        ("encryptor", "auditor", "reencryptor"),
        (
            "fields @timestamp, Function, BatchDurationMs, RecordsReceived, RecordsWritten, KmsCalls, KeyCacheMisses",
            "filter ispresent(BatchDurationMs)",
            "sort BatchDurationMs desc",
            "limit 100",
        ),
    ),
    Query(
        "keys/life of data keys",
        (*_SEALING, *_ENDING),
        (
            "fields at, event, tenant_id, data_class, key_id, replaces, run_id",
            _told(
                AuditEvent.KEY_CREATED,
                AuditEvent.KEY_ROTATED,
                AuditEvent.KEY_REWRAPPED,
                AuditEvent.KEY_RETIRED,
                AuditEvent.KEY_REOPENED,
                AuditEvent.KEY_DESTROYED,
            ),
            _LATEST_FIRST,
            "limit 1000",
        ),
    ),
    Query(
        "keys/runs and their figures",
        ("rotation",),
        (
            "fields at, event, run_id, kind, verdict, visited, stale_values, clear_values, left, retired, kept, failed",
            _told(
                AuditEvent.ROTATION_STARTED,
                AuditEvent.CENSUS_COMPLETED,
                AuditEvent.ROTATION_COMPLETED,
                AuditEvent.RECONCILIATION_COMPLETED,
            ),
            _LATEST_FIRST,
            "limit 200",
        ),
    ),
)
API_QUERIES: Final = (
    Query(
        "exposed/who was turned away",
        ("tenant-api",),
        (
            _told(AuditEvent.ACCESS_DENIED),
            f"stats count(*) as times, {_FIRST_AND_LAST} by tenant_id, asked_tenant_id, operation, why",
            "sort times desc",
        ),
    ),
    Query(
        "stuck/failures of the tenant API",
        ("tenant-api", "ensure-keys"),
        (
            'filter event = "failure"',
            "stats count(*) as times, max(@timestamp) as latest by error, raised_at, message",
            "sort times desc",
        ),
    ),
)


class Queries(Construct):
    """These queries, over the logs of these functions."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        queries: Sequence[Query],
        log_groups: Mapping[str, logs.ILogGroup],
    ) -> None:
        super().__init__(scope, id)
        for query in queries:
            logs.CfnQueryDefinition(
                self,
                "".join(word.capitalize() for word in query.name.replace("/", " ").replace(",", "").split()),
                name=f"{settings.prefix}/{query.name}",
                log_group_names=[log_groups[name].log_group_name for name in query.asks],
                query_string="\n| ".join(query.steps),
            )
