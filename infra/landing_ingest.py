"""The landing ingest: objects of the landing bucket into the source stream, line by line."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge, imported
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.landing import INGEST_TIMEOUT_SECONDS
from infra.settings import Settings

_MOST_AT_ONCE = 8
"""Objects. Files come in floods; they wait in their bucket, the stream does not have to take them all at once."""


class LandingIngest(Construct):
    """The landing ingest's function and its event source mapping; it holds no right to any key of the data."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        bundler: Bundler,
        data: DataStack,
        storage_key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        landing = data.landing
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="landing-ingest",
            package="landing_ingest",
            memory_mib=1769,  # one whole processor: lines are decoded one after the other
            timeout=cdk.Duration.seconds(INGEST_TIMEOUT_SECONDS),
            environment={
                "SEALSTREAM_LANDING_BUCKET": landing.bucket.bucket_name,
                "SEALSTREAM_STREAM": data.stream.stream_name,
                "SEALSTREAM_LANDING_RUNS": landing.progress.table_name,
                "SEALSTREAM_LANDING_QUEUE": landing.queue.queue_url,
                "SEALSTREAM_LANDING_DEAD_LETTER_QUEUE": landing.dead_letters.queue_url,
                "SEALSTREAM_LANDING_MAX_AGE_DAYS": str(settings.landing_max_age_days),
            },
            rights=[
                rights.work_off_landing(landing.queue.queue_arn),
                *rights.read_landing_objects(landing.bucket.bucket_arn),
                rights.put_records(data.stream.stream_arn),
                rights.keep_progress(landing.progress.table_arn),
                rights.send_dead_letters(landing.dead_letters.queue_arn),
            ],
            storage_key=storage_key,
            audit=data.audit,
        )
        acknowledge(
            self.consumer.role,
            f"IAM5[Resource::{imported(data, landing.bucket.bucket_arn)}/*]",
            reason="Every object of the landing bucket: which of them, those who upload say",
        )
        lambda_.CfnEventSourceMapping(
            self,
            "FromLanding",
            function_name=self.consumer.function.function_name,
            event_source_arn=landing.queue.queue_arn,
            batch_size=1,  # one object, of any size: none waits for another
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=_MOST_AT_ONCE),
        )
