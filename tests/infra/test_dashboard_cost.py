"""The estimate of what it costs: nobody is to believe that a price counts which does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra import prices
from infra.dashboard_cost import Cost
from infra.metrics import Metrics
from infra.watch_settings import WatchSettings


def counted(name: str) -> Any:
    """Stands for a stream, a table or a queue."""
    return SimpleNamespace(
        metric=lambda metric, **how: cloudwatch.Metric(
            namespace="AWS", metric_name=metric, dimensions_map={"Name": name}, **how
        )
    )


def shown(**own: float) -> str:
    """What the dashboard's last row is made of, with some prices of one's own."""
    settings: Any = SimpleNamespace(
        name_of=str, retention_hours=168, watch=WatchSettings("", {**prices.LIST, **own}, "", "")
    )
    cost = Cost(
        Metrics(settings),
        SimpleNamespace(stream=counted("source")),  # type: ignore[arg-type]
        functions={"encryptor": 1024, "tenant-api": 512},
        tables={"items": counted("items")},
        queues={"findings": counted("findings")},
        log_groups={"encryptor": "/aws/lambda/encryptor"},
    )
    stack = cdk.Stack()
    return str(
        stack.resolve(cloudwatch.Dashboard(stack, "Board", widgets=cost.rows()).node.default_child.dashboard_body)
    )


def test_every_price_moves_something():
    at_list_prices = shown()

    assert at_list_prices == shown()
    assert [] == [name for name, price in prices.LIST.items() if at_list_prices == shown(**{name: price + 1})]
