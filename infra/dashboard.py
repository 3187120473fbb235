"""The dashboard: one page, which answers from top to bottom what somebody asks who was woken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import api_alarms
from infra.consumer import Consumer
from infra.dashboard_cost import Cost
from infra.dashboard_rows import Rows
from infra.dashboard_widgets import WIDTH, Row
from infra.data_stack import DataStack
from infra.metrics import Metrics
from infra.settings import Settings

_HOW_TO_READ = (
    "# {prefix}: read from top to bottom\n"
    "Red below is an alarm; its description names the section of {runbook}. No line where nothing came: "
    "counts are written only with a batch. Sums are of five minutes, unless a title says otherwise."
)
_NO_LINKS = "without context runbook_url alarms and dashboard name sections of docs/runbook.md, and link to none"


class Dashboard(Construct):
    """One dashboard for all stacks.

    Args:
        alarms: the names of those of this stack, without the deployment's prefix.
        consumers: the functions of this stack.
        api_functions: those of the tenant API, memory by name, MiB; empty where there is none.
        dead_letters: each consumer's queue.
        key_store: the table of data keys.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        data: DataStack,
        alarms: Sequence[str],
        consumers: Sequence[Consumer],
        api_functions: Mapping[str, int],
        dead_letters: Mapping[str, sqs.IQueue],
        key_store: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, id)
        if not settings.watch.has_address and not settings.local:
            cdk.Annotations.of(self).add_info(_NO_LINKS)
        metrics = Metrics(settings)
        functions = {one.name: one.memory_mib for one in consumers} | dict(api_functions)
        rows = Rows(metrics, data, list(functions), dead_letters, has_api=bool(api_functions))
        cost = Cost(
            metrics,
            data,
            functions,
            tables={
                "items": data.items,
                "keys": key_store,
                "runs": data.runs,
                "quarantine": data.quarantine.index,
                "landing": data.landing.progress,
            },
            queues={"findings": data.findings.queue, "landing": data.landing.queue},
            log_groups={name: f"/aws/lambda/{settings.name_of(name)}" for name in functions}
            | {"states": f"/aws/vendedlogs/states/{settings.name_of('rotation')}"}
            | ({"apis": f"/aws/vendedlogs/apis/{settings.name_of('tenant-api')}"} if api_functions else {}),
        )
        shown = (*alarms, *(api_alarms.NAMES if api_functions else ()))
        cloudwatch.Dashboard(
            self,
            "Board",
            dashboard_name=settings.prefix,
            default_interval=cdk.Duration.hours(3),
            # or the console has each graph's period grow with the time that is looked at
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                _top(self, settings, shown),
                *rows.exposed(),
                *rows.stuck(),
                *rows.keeping_up(),
                *rows.keys(),
                *cost.rows(),
            ],
        )


def _top(scope: Construct, settings: Settings, alarms: Sequence[str]) -> Row:
    """All alarms at a glance, those that ring first."""
    stack = cdk.Stack.of(scope)
    arns = [
        stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=settings.name_of(name),
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        for name in alarms
    ]
    return [
        cloudwatch.TextWidget(
            markdown=_HOW_TO_READ.format(prefix=settings.prefix, runbook=settings.watch.of_runbook("the runbook")),
            width=WIDTH,
            height=2,
        ),
        cloudwatch.AlarmStatusWidget(
            title="Alarms",
            alarms=[cloudwatch.Alarm.from_alarm_arn(scope, f"Shown{index}", arn) for index, arn in enumerate(arns)],
            width=WIDTH,
            height=5,
            sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
        ),
    ]
