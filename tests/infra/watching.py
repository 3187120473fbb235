"""What alarms and the dashboard of a synthesis read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.runtime.metrics import NAMESPACE
from tests.infra.emitted import emitted_by
from tests.infra.synthesis import Synthesis


@dataclass(frozen=True, slots=True)
class Read:
    """One metric; `dimensions` by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = ""

    @property
    def own(self) -> tuple[str, str]:
        """Function and metric of one of the namespace of this project."""
        ((dimension, function),) = self.dimensions
        assert dimension == "Function"
        return function, self.name


def alarms_of(synthesis: Synthesis, prefix: str = "sealstream") -> dict[str, Mapping[str, Any]]:
    """Properties by name, without the deployment's prefix."""
    return {
        alarm.properties["AlarmName"].removeprefix(f"{prefix}-"): alarm.properties
        for alarm in synthesis.resources("AWS::CloudWatch::Alarm")
    }


def read_by(alarm: Mapping[str, Any]) -> list[Read]:
    """What an alarm watches: one metric, or those that its expression is of."""
    stats = [query["MetricStat"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    if not stats:
        return [_read(alarm, alarm.get("Statistic", ""))]
    return [_read(stat["Metric"], stat["Stat"]) for stat in stats]


def _read(metric: Mapping[str, Any], statistic: str) -> Read:
    dimensions = tuple(sorted((one["Name"], str(one["Value"])) for one in metric.get("Dimensions", [])))
    return Read(metric["Namespace"], metric["MetricName"], dimensions, statistic)


def body_of(synthesis: Synthesis) -> Mapping[str, Any]:
    """The dashboard's."""
    return json.loads(synthesis.one("AWS::CloudWatch::Dashboard").properties["DashboardBody"])


def infos_of(synthesis: Synthesis) -> set[str]:
    """What the synthesis told whoever ran it."""
    files = [json.loads(file.read_text(encoding="utf-8")) for file in synthesis.folder.glob("*.metadata.json")]
    told = [entry for by_construct in files for entries in by_construct.values() for entry in entries]
    return {entry["data"] for entry in told if entry["type"] == "aws:cdk:info"}


def widgets_of(synthesis: Synthesis) -> list[Mapping[str, Any]]:
    """The dashboard's, from top to bottom and left to right."""
    return sorted(body_of(synthesis)["widgets"], key=lambda widget: (widget["y"], widget["x"]))


def shown_in(widget: Mapping[str, Any]) -> Iterator[Read]:
    """The metrics of a widget, those that only an expression uses too."""
    for metric in widget["properties"].get("metrics", []):
        names = [part for part in metric if isinstance(part, str)]
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        if "expression" not in options:
            namespace, name, *dimensions = names
            pairs = sorted(zip(dimensions[::2], dimensions[1::2], strict=True))
            yield Read(namespace, name, tuple(pairs), options.get("stat", ""))


def expressions_in(widget: Mapping[str, Any]) -> Iterator[str]:
    """Of a widget."""
    for metric in widget["properties"].get("metrics", []):
        if "expression" in metric[-1]:
            yield metric[-1]["expression"]


def emitted(synthesis: Synthesis) -> set[tuple[str, str]]:
    """Function and metric of everything that the deployed functions can write."""
    return {
        (function.properties["FunctionName"], name)
        for function in synthesis.resources("AWS::Lambda::Function")
        for name in emitted_by(function.properties["Handler"])
    }


def own_of(reads: Iterator[Read]) -> set[tuple[str, str]]:
    """Of these, what functions of this project write."""
    return {read.own for read in reads if read.namespace == NAMESPACE}
