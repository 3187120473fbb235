"""What it costs: an estimate from what AWS and sealstream count anyway, times the list prices.

An estimate: what no metric counts is left out, and what is counted by the message, or by the record, is too much where
one request has several. docs/runbook.md says of what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs

from infra.alarms import SEALING
from infra.dashboard_widgets import Row, graph, heading, latest
from infra.data_stack import DataStack
from infra.metrics import PERIOD, Metrics, calculated
from shared.runtime.metrics import Metric

_GB: Final = 2**30
_HOURS_A_MONTH: Final = 730
_API: Final = "tenant-api"
_HALF_A_KB: Final = 512
"""Kinesis counts each record's bytes up to the next whole KB: on average by so much more."""
_QUEUE_CALLS: Final = (
    "NumberOfMessagesSent",
    "NumberOfMessagesReceived",
    "NumberOfMessagesDeleted",
    "NumberOfEmptyReceives",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """The last row.

    Attributes:
        functions: memory by name, MiB.
    """

    metrics: Metrics
    data: DataStack
    functions: Mapping[str, int]
    tables: Mapping[str, dynamodb.ITable]
    queues: Mapping[str, sqs.IQueue]
    log_groups: Mapping[str, str]

    def rows(self) -> list[Row]:
        """Cost."""
        services = {
            "kinesis": self._kinesis(),
            "lambda": self._lambda(),
            "dynamodb": self._dynamodb(),
            "kms": self._kms(),
            "logs": self._logs(),
            "sqs": self._sqs(),
            "s3": self._s3(),
        }
        if _API in self.functions:
            services["gateway"] = self._gateway()
        total = calculated(" + ".join(services), services, label="US$ an hour")
        written = self.metrics.own("encryptor", Metric.RECORDS_WRITTEN)
        # of the whole time that is looked at: the last period has not ended, and what it cost is not what it will cost
        average = calculated("TIME_SERIES(AVG(dollars))", {"dollars": total}, label="US$ an hour")
        by_record = calculated(
            "TIME_SERIES(1000000 * AVG(dollars) / (AVG(FILL(writtenrecords, 0)) * 3600 / PERIOD(writtenrecords)))",
            {"dollars": total, "writtenrecords": written},
            label="US$ a million records written",
        )
        watch = self.metrics.settings.watch
        return [
            heading(
                "5 · What does it cost?",
                f"What is counted times {watch.priced_as}, held against no bill, but for storage and monthly fees.",
                watch=watch,
                sections=["Cost"],
            ),
            [
                graph("US$ an hour, by service", list(services.values()), stacked=True, width=16),
                latest("On average, over the time that you look at", [average, by_record], width=8),
            ],
        ]

    def _price(self, name: str) -> float:
        return self.metrics.settings.watch.prices[name]

    def _million(self, name: str) -> str:
        return _number(self._price(name) / 1e6)

    def _kinesis(self) -> cloudwatch.MathExpression:
        stream = self.data.stream
        using = {
            "inbytes": stream.metric("IncomingBytes", statistic="Sum", period=PERIOD),
            "inrecords": stream.metric("IncomingRecords", statistic="Sum", period=PERIOD),
            "outbytes": stream.metric("GetRecords.Bytes", statistic="Sum", period=PERIOD),
        }
        older_than_a_day = min(self.metrics.settings.retention_hours, 7 * 24) - 24
        kept = self._price("Kinesis on demand, kept a month") * older_than_a_day / _HOURS_A_MONTH
        incoming = _number((self._price("Kinesis on demand, in") + kept) / _GB)
        outgoing = _number(self._price("Kinesis on demand, out") / _GB)
        moved = f"(inbytes + {_HALF_A_KB} * inrecords) * {incoming} + outbytes * {outgoing}"
        stream_hour = _number(self._price("Kinesis on demand, stream"))
        return calculated(f"TIME_SERIES({stream_hour}) + ({moved}) * 3600 / PERIOD(inbytes)", using, label="Kinesis")

    def _lambda(self) -> cloudwatch.MathExpression:
        names = {name: name.replace("-", "") for name in self.functions}
        using = {f"ms{short}": self.metrics.of_lambda(name, "Duration") for name, short in names.items()} | {
            f"calls{short}": self.metrics.of_lambda(name, "Invocations") for name, short in names.items()
        }
        second = self._price("Lambda GB-second, arm64") / 1e6
        lasted = [f"ms{names[name]} * {_number(mib / 1024 / 1000 * second)}" for name, mib in self.functions.items()]
        called = f"({_sum(using, 'calls')}) * {self._million('Lambda request')}"
        return self._hourly(" + ".join([*lasted, called]), using, label="Lambda")

    def _dynamodb(self) -> cloudwatch.MathExpression:
        using = {
            f"{kind}{name}": table.metric(f"Consumed{kind.title()}CapacityUnits", statistic="Sum", period=PERIOD)
            for name, table in self.tables.items()
            for kind in ("write", "read")
        }
        priced = [
            f"({_sum(using, kind)}) * {self._million(f'DynamoDB {kind} request unit')}" for kind in ("write", "read")
        ]
        return self._hourly(" + ".join(priced), using, label="DynamoDB")

    def _kms(self) -> cloudwatch.MathExpression:
        """Keys that were made or wrapped anew are a call each; each manifest is a signature."""
        own = self.metrics.own
        asking = [name for name in (*SEALING, _API) if name in self.functions]
        using = {f"kms{name.replace('-', '')}": own(name, Metric.KMS_CALLS) for name in asking}
        using |= {f"kms{one}": own("rotation", one) for one in (Metric.KEYS_REWRAPPED, Metric.KEYS_RENEWED)}
        if _API in self.functions:
            using["kmsensurekeys"] = own("ensure-keys", Metric.KEYS_CREATED)
        using["signatures"] = own("notary", Metric.MANIFESTS_WRITTEN)
        called = f"({_sum(using, 'kms')}) * {self._million('KMS request')}"
        return self._hourly(f"{called} + signatures * {self._million('KMS signature')}", using, label="KMS")

    def _gateway(self) -> cloudwatch.MathExpression:
        """Whatever the gateway itself turns away costs nothing, and never comes to the function."""
        using = {"requests": self.metrics.of_lambda(_API, "Invocations")}
        return self._hourly(f"requests * {self._million('API Gateway HTTP request')}", using, label="API Gateway")

    def _logs(self) -> cloudwatch.MathExpression:
        using = {
            f"log{name.replace('-', '')}": cloudwatch.Metric(
                namespace="AWS/Logs",
                metric_name="IncomingBytes",
                dimensions_map={"LogGroupName": log_group},
                statistic="Sum",
                period=PERIOD,
            )
            for name, log_group in self.log_groups.items()
        }
        price = _number(self._price("CloudWatch Logs, taken in") / _GB)
        return self._hourly(f"({_sum(using)}) * {price}", using, label="CloudWatch Logs")

    def _sqs(self) -> cloudwatch.MathExpression:
        using = {
            f"{name}{call}": queue.metric(call, statistic="Sum", period=PERIOD)
            for name, queue in self.queues.items()
            for call in _QUEUE_CALLS
        }
        return self._hourly(f"({_sum(using)}) * {self._million('SQS request')}", using, label="SQS")

    def _s3(self) -> cloudwatch.MathExpression:
        using: dict[str, cloudwatch.IMetric] = {
            f"puts{name.replace('-', '')}": self.metrics.own(name, Metric.SEGMENTS_WRITTEN) for name in self.functions
        }
        using["putsmanifests"] = self.metrics.own("notary", Metric.MANIFESTS_WRITTEN)
        using["putsquarantine"] = self.metrics.own("encryptor", Metric.RECORDS_QUARANTINED)
        return self._hourly(f"({_sum(using)}) * {self._million('S3 put')}", using, label="S3, puts")

    @staticmethod
    def _hourly(expression: str, using: Mapping[str, cloudwatch.IMetric], *, label: str) -> cloudwatch.MathExpression:
        """What a period cost, as if it went on so for an hour."""
        return calculated(f"({expression}) * 3600 / PERIOD({next(iter(using))})", using, label=label)


def _sum(ids: Iterable[str], prefix: str = "") -> str:
    return " + ".join(one for one in ids if one.startswith(prefix))


def _number(value: float) -> str:
    """Written out, to ten digits: an expression knows no exponents."""
    return f"{Decimal(f'{value:.10g}'):f}"
