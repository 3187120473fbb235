"""How long the places keep what comes in, in clear, before it is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.landing import OUTCOME_TAG, State

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client


_INGESTED: Final = {"Key": OUTCOME_TAG, "Value": State.DONE.value}


@dataclass(frozen=True, slots=True)
class ObjectDays:
    """How many days after its upload an object is gone, its old versions too; None where no rule deletes every such.

    Attributes:
        ingested: one that was ingested, every line of it.
        others: one that was not, or not yet.
    """

    ingested: int | None
    others: int | None


def stream_hours(client: KinesisClient, stream: str) -> int:
    """For how many hours the source stream keeps a record; raises StoreUnavailable."""
    try:
        return client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["RetentionPeriodHours"]
    except AWS_ERRORS as error:
        raise store_error(error, "asking for the source stream's retention") from None


def object_days(client: S3Client, bucket: str) -> ObjectDays:
    """How long the landing bucket keeps objects, by its lifecycle rules; raises StoreUnavailable."""
    try:
        rules: Sequence[Any] = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except AWS_ERRORS as error:
        if error_code(error) != "NoSuchLifecycleConfiguration":
            raise store_error(error, "asking for the landing bucket's rules") from None
        rules = ()
    ingested, others = ([one for one in rules if _holds(one, tags)] for tags in ([_INGESTED], []))
    return ObjectDays(_days(ingested), _days(others))


def _holds(rule: Any, tags: Sequence[Any]) -> bool:
    """Whether an enabled rule holds for every object with these tags; what else it asks for, only some have."""
    asked = rule.get("Filter", {"Prefix": rule.get("Prefix", "")})
    asked = asked.get("And", asked)
    asked_tags = [*asked.get("Tags", ()), *([asked["Tag"]] if "Tag" in asked else ())]
    more = any(value for name, value in asked.items() if name not in {"Tag", "Tags"})
    return rule["Status"] == "Enabled" and not more and all(tag in tags for tag in asked_tags)


def _days(rules: Sequence[Any]) -> int | None:
    """Of rules that hold for the same object the earliest counts. Some keep a number of old versions for ever."""
    expires = [rule["Expiration"]["Days"] for rule in rules if "Days" in rule.get("Expiration", ())]
    old = [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule]
    kept = [one["NoncurrentDays"] for one in old if not one.get("NewerNoncurrentVersions")]
    return min(expires) + min(kept) if expires and kept else None
