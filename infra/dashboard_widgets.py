"""The few forms that everything on the dashboard has, in a grid of 24 columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.watch_settings import WatchSettings

WIDTH: Final = 24
_HEIGHT: Final = 6
_MANY: Final = 10
"""Lines whose legend would take half of a graph's height."""

Row = list[cloudwatch.IWidget]


def heading(question: str, note: str, *, watch: WatchSettings, sections: Sequence[str]) -> Row:
    """The question that a row answers, and the sections of the runbook for where the answer is bad."""
    named = "; ".join(watch.of_runbook(section, _anchor(section)) for section in sections)
    return [cloudwatch.TextWidget(markdown=f"## {question}\n{note} Runbook: {named}", width=WIDTH, height=2)]


def _anchor(section: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", section.lower()).replace(" ", "-")


def numbers(title: str, metrics: Sequence[cloudwatch.IMetric], *, width: int = WIDTH) -> cloudwatch.IWidget:
    """Each metric as one number for the whole time that is looked at."""
    return cloudwatch.SingleValueWidget(
        title=title, metrics=list(metrics), width=width, height=3, set_period_to_time_range=True
    )


def latest(title: str, metrics: Sequence[cloudwatch.IMetric], *, width: int) -> cloudwatch.IWidget:
    """Each metric as its latest value, with its course as a line; of no count: the last period has not ended."""
    return cloudwatch.SingleValueWidget(
        title=title, metrics=list(metrics), width=width, height=_HEIGHT, sparkline=True, full_precision=False
    )


def graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    width: int = 8,
    stacked: bool = False,
    limit: tuple[float, str] | None = None,
    most: float | None = None,
) -> cloudwatch.IWidget:
    """Lines over time, from 0 up.

    Args:
        title: with the unit of the left axis, where it is no count.
        metrics: of the left axis.
        right: of the other one.
        width: of 24.
        stacked: whether they add up to something.
        limit: a value at which it becomes bad, and what is told there.
        most: where the left axis ends.
    """
    lines = (
        [cloudwatch.HorizontalAnnotation(value=limit[0], label=limit[1], color=cloudwatch.Color.RED)] if limit else []
    )
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        right=list(right),
        width=width,
        height=_HEIGHT,
        stacked=stacked,
        legend_position=cloudwatch.LegendPosition.RIGHT if len(metrics) > _MANY else None,
        left_annotations=lines,
        left_y_axis=cloudwatch.YAxisProps(min=0, max=most, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
    )
