"""What a landing ingest is made of, built once per process."""

from __future__ import annotations

from functools import partial

from consumers.landing_ingest.batch import LandingConsumer
from consumers.landing_ingest.ingest import Ingest
from consumers.landing_ingest.report import report_ended
from shared.aws.audited import audit_log
from shared.aws.clients import client
from shared.aws.landing_objects import S3LandingObjects
from shared.aws.landing_progress import DynamoLandingProgress
from shared.aws.landing_queue import SqsLandingQueue
from shared.aws.landing_stream import KinesisLandingStream
from shared.policy.load import load_policy
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import LandingIngestSettings


def wire(settings: LandingIngestSettings) -> LandingConsumer:
    """Build the landing ingest; raises PolicyError."""
    quiet_libraries()
    sqs = client("sqs")
    ingest = Ingest(
        objects=S3LandingObjects(client("s3")),
        store=DynamoLandingProgress(client("dynamodb"), settings.progress_table),
        stream=KinesisLandingStream(client("kinesis"), settings.stream),
        send=SqsLandingQueue(sqs, settings.queue).send,
        tell=partial(report_ended, audit_log=audit_log()),
        item=load_policy(settings.policy_file).item,
        max_age_seconds=settings.max_age_seconds,
    )
    return LandingConsumer(ingest, settings.bucket, SqsLandingQueue(sqs, settings.dead_letters).send_body)
