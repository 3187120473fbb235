"""How a stream's records reach a function."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct


@dataclass(frozen=True, slots=True)
class Batching:
    """How records are gathered and how long they are tried.

    Attributes:
        batch_size: records at most.
        window: how long a batch is gathered.
        parallelization_factor: batches of one shard at a time; one partition key's records stay in order.
        give_up_after: the age at which a record's position goes to the dead letters.
    """

    batch_size: int
    window: cdk.Duration
    parallelization_factor: int
    give_up_after: cdk.Duration


class StreamMapping(Construct):
    """An event source mapping that loses nothing quietly.

    A batch is tried without limit until its age: what fails for an hour is an outage, not the record. Partial batch
    responses and bisection keep a record that cannot pass from holding its neighbours.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        function: lambda_.IFunction,
        stream_arn: str,
        dead_letters: sqs.IQueue,
        batching: Batching,
    ) -> None:
        super().__init__(scope, id)
        lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            function_name=function.function_name,
            event_source_arn=stream_arn,
            starting_position="TRIM_HORIZON",
            batch_size=batching.batch_size,
            maximum_batching_window_in_seconds=batching.window.to_seconds(),
            parallelization_factor=batching.parallelization_factor,
            function_response_types=["ReportBatchItemFailures"],
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=-1,
            maximum_record_age_in_seconds=batching.give_up_after.to_seconds(),
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=dead_letters.queue_arn)
            ),
        )
