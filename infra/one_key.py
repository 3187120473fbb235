"""A bucket whose objects all lie under the storage key."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from infra.denial import denied


def only_with(storage_key: kms.IKey, bucket: s3.Bucket) -> list[iam.PolicyStatement]:
    """Nothing is uploaded under another key; who names none gets the bucket's own, which is the storage key.

    S3 takes `aws:kms` without a key for its own one, so who names the way of encryption names the key, too.
    """
    named, key, own = (
        f"s3:x-amz-server-side-encryption{what}" for what in ("", "-aws-kms-key-id", "-customer-algorithm")
    )
    conditions: dict[str, dict[str, dict[str, str]]] = {
        "NoOtherEncryption": {"Null": {named: "false"}, "StringNotEquals": {named: "aws:kms"}},
        "NoOtherKey": {"Null": {named: "false"}, "StringNotEquals": {key: storage_key.key_arn}},
        "NoOtherKeyAlone": {"Null": {key: "false"}, "StringNotEquals": {key: storage_key.key_arn}},
        "NoKeyOfTheUploader": {"Null": {own: "false"}},
    }
    objects = bucket.arn_for_objects("*")
    return [denied(sid, ["s3:PutObject"], objects, condition) for sid, condition in conditions.items()]
