"""The few forms that everything on the dashboard has, in a grid of 24 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

WIDTH: Final = 24
_HEIGHT: Final = 6

Row = list[cloudwatch.IWidget]


def heading(question: str, where: str) -> Row:
    """The question that a row answers, and what to do where the answer is bad."""
    return [cloudwatch.TextWidget(markdown=f"## {question}\n{where}", width=WIDTH, height=2)]


def numbers(title: str, metrics: Sequence[cloudwatch.IMetric], *, width: int = WIDTH) -> cloudwatch.IWidget:
    """Each metric as one number for the whole time that is looked at."""
    return cloudwatch.SingleValueWidget(
        title=title, metrics=list(metrics), width=width, height=3, set_period_to_time_range=True
    )


def latest(title: str, metrics: Sequence[cloudwatch.IMetric], *, width: int) -> cloudwatch.IWidget:
    """Each metric as its latest value, with its course as a line."""
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
        left_annotations=lines,
        left_y_axis=cloudwatch.YAxisProps(min=0, max=most, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
    )
