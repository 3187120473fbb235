"""How long the places keep what comes in, in clear, before it is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.aws.errors import AWS_ERRORS, error_code, store_error

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client


def stream_hours(client: KinesisClient, stream: str) -> int:
    """For how many hours the source stream keeps a record; raises StoreUnavailable."""
    try:
        return client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["RetentionPeriodHours"]
    except AWS_ERRORS as error:
        raise store_error(error, "asking for the source stream's retention") from None


def object_days(client: S3Client, bucket: str) -> int | None:
    """After how many days an object of the landing bucket is gone, its old versions too; None: no rule deletes it.

    Raises:
        StoreUnavailable: S3 does not answer.
    """
    try:
        rules = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except AWS_ERRORS as error:
        if error_code(error) == "NoSuchLifecycleConfiguration":
            return None
        raise store_error(error, "asking for the landing bucket's rules") from None
    enabled: list[Any] = [rule for rule in rules if rule["Status"] == "Enabled"]
    expires = [rule.get("Expiration", {}).get("Days", 0) for rule in enabled]
    kept = [rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays", 0) for rule in enabled]
    current, old = max(expires, default=0), max(kept, default=0)
    return current + old if current and old else None
