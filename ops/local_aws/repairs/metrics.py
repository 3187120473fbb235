"""CloudWatch extracts metrics from log events in embedded metric format; MiniStack stores such events as mere text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs


@dataclass(frozen=True, slots=True)
class _DataPoint:
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    value: float
    unit: str
    timestamp: float


def apply() -> None:
    """AWS: a log event in embedded metric format, from a Lambda or from PutLogEvents, becomes metric data.

    One data point per metric, value and dimension set, at the event's own timestamp.
    """
    stock = cloudwatch_logs._append_log_events

    def append(stream: Any, events: list[dict[str, Any]]) -> None:
        stock(stream, events)
        for point in _data_points(events):
            key = (point.namespace, point.name, cloudwatch._dims_key(point.dimensions))
            cloudwatch._metric_bucket(key).append(
                {
                    "Timestamp": point.timestamp,
                    "Value": point.value,
                    "Unit": point.unit,
                    "Dimensions": dict(point.dimensions),
                }
            )

    cloudwatch_logs._append_log_events = append


def _data_points(events: Iterable[Mapping[str, Any]]) -> Iterator[_DataPoint]:
    for event in events:
        message = str(event.get("message", ""))
        if '"_aws"' not in message:
            continue
        try:
            document = json.loads(message)
        except ValueError:
            continue
        # A malformed document is no metric, on AWS as here.
        metadata = document.get("_aws") if isinstance(document, dict) else None
        if not isinstance(metadata, dict) or not isinstance(metadata.get("CloudWatchMetrics"), list):
            continue
        for directive in metadata["CloudWatchMetrics"]:
            if isinstance(directive, dict) and isinstance(directive.get("Namespace"), str):
                yield from _of_directive(document, directive, float(metadata.get("Timestamp", 0)) / 1000)


def _of_directive(document: Mapping[str, Any], directive: Mapping[str, Any], timestamp: float) -> Iterator[_DataPoint]:
    for names in directive.get("Dimensions") or [[]]:
        if not all(name in document for name in names):
            continue
        dimensions = {name: str(document[name]) for name in names}
        for metric in directive.get("Metrics") or []:
            values = document.get(metric.get("Name"))
            for value in values if isinstance(values, list) else [values]:
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield _DataPoint(
                        directive["Namespace"], metric["Name"], dimensions, value, metric.get("Unit", "None"), timestamp
                    )
