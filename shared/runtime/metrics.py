"""Metrics in CloudWatch's embedded metric format: one JSON line per batch, or per request of the tenant API.

The only dimension is `Function`, the deployed function's own name, which tells two deployments in one account apart.
What is counted by outcome, verdict or reason has one metric name for each. A tenant is never a dimension: its name
would leave the account's data plane, and each would be a metric of its own to pay for.
Source of the format: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TextIO, TypeAlias, TypeVar

from shared.errors import Reason
from shared.model import Outcome, VerdictKind
from shared.reencrypt.model import Fate
from shared.runtime.log import write_line

NAMESPACE: Final = "Sealstream"
MOST_OBSERVED: Final = 100
"""What was observed of one metric that CloudWatch takes from one line."""

_Name = TypeVar("_Name", bound=str)
Value: TypeAlias = float | Sequence[float]
"""A number, or all that was observed, so that CloudWatch knows percentiles of it."""


class Metric(StrEnum):
    """Every metric by its CloudWatch name, but those of the quarantine's reasons."""

    RECORDS_RECEIVED = "RecordsReceived"
    RECORDS_WRITTEN = "RecordsWritten"
    RECORDS_DUPLICATE = "RecordsDuplicate"
    RECORDS_SUPERSEDED = "RecordsSuperseded"
    RECORDS_QUARANTINED = "RecordsQuarantined"
    RECORDS_RETRIED = "RecordsRetried"
    ATTRIBUTES_SEALED = "AttributesSealed"
    KEY_CACHE_HITS = "KeyCacheHits"
    KEY_CACHE_MISSES = "KeyCacheMisses"
    KMS_CALLS = "KmsCalls"
    KMS_FAILURES = "KmsFailures"
    KEYS_CREATED = "KeysCreated"
    ITEMS_VERIFIED = "ItemsVerified"
    ITEMS_STALE = "ItemsStale"
    ITEMS_PLAINTEXT = "ItemsPlaintext"
    ITEMS_MALFORMED = "ItemsMalformed"
    ITEMS_UNDECLARED = "ItemsUndeclared"
    ITEMS_REMOVED = "ItemsRemoved"
    ITEMS_UNJUDGED = "ItemsUnjudged"
    FINDINGS_SENT = "FindingsSent"
    FINDINGS_RECEIVED = "FindingsReceived"
    ITEMS_CLEAN = "ItemsClean"
    ITEMS_MENDED = "ItemsMended"
    ITEMS_LEFT = "ItemsLeft"
    ITEMS_RETRIED = "ItemsRetried"
    ITEMS_SCANNED = "ItemsScanned"
    VALUES_COUNTED = "ValuesCounted"
    VALUES_STALE = "ValuesStale"
    VALUES_UNKNOWN = "ValuesUnknown"
    VALUES_IN_CLEAR = "ValuesInClear"
    VALUES_REENCRYPTED = "ValuesReencrypted"
    VALUES_SEALED = "ValuesSealed"
    KEYS_REWRAPPED = "KeysRewrapped"
    KEYS_RENEWED = "KeysRenewed"
    KEYS_RETIRED = "KeysRetired"
    KEYS_DESTROYED = "KeysDestroyed"
    KEYS_KEPT = "KeysKept"
    KEYS_FAILED = "KeysFailed"
    KEYS_CORRUPT = "KeysCorrupt"
    RUNS_UNDER_WAY = "RunsUnderWay"
    RUN_STEPS = "RunSteps"
    RUN_SEGMENTS = "RunSegments"
    RUN_SEGMENTS_DONE = "RunSegmentsDone"
    ROTATION_AGE_SECONDS = "RotationAgeSeconds"
    CENSUS_VALUES = "CensusValues"
    CENSUS_VALUES_STALE = "CensusValuesStale"
    CENSUS_VALUES_UNKNOWN = "CensusValuesUnknown"
    CENSUS_AGE_SECONDS = "CensusAgeSeconds"
    EXPOSURES_KNOWN = "ExposuresKnown"
    QUARANTINE_HELD = "QuarantineHeld"
    LANDING_LINES = "LandingLines"
    LANDING_REJECTED_LINES = "LandingRejectedLines"
    LANDING_OBJECTS = "LandingObjects"
    LANDING_FAILED_OBJECTS = "LandingFailedObjects"
    LANDING_UNTAGGED_OBJECTS = "LandingUntaggedObjects"
    LANDING_RETRIED = "LandingRetried"
    ACCESS_DENIED = "AccessDenied"
    PUT_TO_VERIFIED_SECONDS = "PutToVerifiedSeconds"
    SEGMENTS_WRITTEN = "SegmentsWritten"
    AUDIT_EVENTS_WRITTEN = "AuditEventsWritten"
    AUDIT_EVENTS_DROPPED = "AuditEventsDropped"
    MANIFESTS_WRITTEN = "ManifestsWritten"
    MANIFESTS_COMPLETE = "ManifestsComplete"
    SEGMENTS_ATTESTED = "SegmentsAttested"
    TRAIL_VERIFICATION_FAILED = "TrailVerificationFailed"
    OLDEST_RECORD_AGE_SECONDS = "OldestRecordAgeSeconds"
    BATCH_DURATION_MS = "BatchDurationMs"


_OUTCOMES: Final[Mapping[Outcome, Metric]] = {
    Outcome.WRITTEN: Metric.RECORDS_WRITTEN,
    Outcome.DUPLICATE: Metric.RECORDS_DUPLICATE,
    Outcome.SUPERSEDED: Metric.RECORDS_SUPERSEDED,
    Outcome.QUARANTINED: Metric.RECORDS_QUARANTINED,
    Outcome.RETRY: Metric.RECORDS_RETRIED,
}
_VERDICTS: Final[Mapping[VerdictKind, Metric]] = {
    VerdictKind.VERIFIED: Metric.ITEMS_VERIFIED,
    VerdictKind.STALE: Metric.ITEMS_STALE,
    VerdictKind.PLAINTEXT: Metric.ITEMS_PLAINTEXT,
    VerdictKind.MALFORMED: Metric.ITEMS_MALFORMED,
    VerdictKind.UNDECLARED: Metric.ITEMS_UNDECLARED,
    VerdictKind.REMOVED: Metric.ITEMS_REMOVED,
}
_FATES: Final[Mapping[Fate, Metric]] = {
    Fate.CLEAN: Metric.ITEMS_CLEAN,
    Fate.MENDED: Metric.ITEMS_MENDED,
    Fate.LEFT: Metric.ITEMS_LEFT,
    Fate.RETRY: Metric.ITEMS_RETRIED,
}
_UNITS: Final[Mapping[str, str]] = {
    Metric.PUT_TO_VERIFIED_SECONDS: "Seconds",
    Metric.OLDEST_RECORD_AGE_SECONDS: "Seconds",
    Metric.ROTATION_AGE_SECONDS: "Seconds",
    Metric.CENSUS_AGE_SECONDS: "Seconds",
    Metric.BATCH_DURATION_MS: "Milliseconds",
}


def outcome_metrics(counts: Mapping[Outcome, int]) -> dict[str, float]:
    """All five outcomes, those that did not occur as 0."""
    return {metric: counts.get(outcome, 0) for outcome, metric in _OUTCOMES.items()}


def verdict_metrics(counts: Mapping[VerdictKind, int]) -> dict[str, float]:
    """All six verdicts, those that did not occur as 0."""
    return {metric: counts.get(kind, 0) for kind, metric in _VERDICTS.items()}


def fate_metrics(counts: Mapping[Fate, int]) -> dict[str, float]:
    """All four fates of items that were to be mended, those that did not occur as 0."""
    return {metric: counts.get(fate, 0) for fate, metric in _FATES.items()}


def reason_metrics(counts: Mapping[Reason, int]) -> dict[str, float]:
    """One metric per reason that occurred: `not_json` is `RecordsQuarantinedNotJson`."""
    return {reason_metric(reason): count for reason, count in counts.items() if count}


def reason_metric(reason: Reason) -> str:
    """The metric's name for one reason of the quarantine."""
    return Metric.RECORDS_QUARANTINED + "".join(word.capitalize() for word in reason.split("_"))


def batch_metrics(*, function: str, timestamp_ms: int, values: Mapping[_Name, Value]) -> dict[str, Any]:
    """The embedded metric document of one batch; of what was observed, at most `MOST_OBSERVED`.

    Args:
        function: the deployed function's name.
        timestamp_ms: when the batch ended, since the epoch.
        values: metric name (a `Metric`, or from `reason_metrics`) to value.
    """
    metrics = [{"Name": str(name), "Unit": _UNITS.get(name, "Count")} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": metrics}
    return {
        "_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]},
        "Function": function,
        **{str(name): value for name, value in values.items()},
    }


def emit(values: Mapping[_Name, Value], *, at: float, out: TextIO | None = None) -> None:
    """Write a batch's metrics to standard output, from which CloudWatch takes them.

    They are one line, and more only for what was observed that one has no room for.

    Args:
        values: metric name (a `Metric`, or from `reason_metrics`) to value.
        at: when the batch ended, seconds since the epoch.
        out: instead of standard output.
    """
    # set by Lambda for every function; from elsewhere no metric is taken
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "none")
    for line in _lines(values):
        write_line(batch_metrics(function=function, timestamp_ms=int(at * 1_000), values=line), out)


def _lines(values: Mapping[_Name, Value]) -> Iterator[dict[_Name, Value]]:
    """Every number and the first of what was observed, then the rest of that."""
    observed = {name: value for name, value in values.items() if isinstance(value, Sequence)}
    yield {name: value if name not in observed else observed[name][:MOST_OBSERVED] for name, value in values.items()}
    if rest := {name: value[MOST_OBSERVED:] for name, value in observed.items() if len(value) > MOST_OBSERVED}:
        yield from _lines(rest)
