"""Where records lie that can never be written: the content sealed in a bucket, a row that leads to it in a table.

Nothing in it expires: a record stays until somebody has decided about it.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.private_bucket import private_bucket
from infra.protected_table import ProtectedTable
from infra.settings import Settings


class Quarantine(Construct):
    """The quarantine's bucket and index table."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, storage_key: kms.IKey) -> None:  # noqa: A002
        super().__init__(scope, id)
        self.bucket = private_bucket(
            self,
            settings=settings,
            storage_key=storage_key,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="what-was-deleted-or-replaced",
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
        )
        acknowledge(
            self.bucket,
            "S1",
            reason="No access log is kept: an object tells nothing without a data key that only KMS unwraps, which "
            "CloudTrail always records; reads of objects it records where its data events are switched on",
        )
        self.index = ProtectedTable(
            self, "Index", settings=settings, storage_key=storage_key, partition_key="quarantine_id"
        ).table
