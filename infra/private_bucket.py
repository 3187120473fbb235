"""A bucket of the deployment's own: private, versioned, by TLS alone, under the storage key."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings


def private_bucket(scope: Construct, *, settings: Settings, storage_key: kms.IKey, **others: Any) -> s3.Bucket:
    """The bucket; `others` are further arguments of the construct."""
    return s3.Bucket(
        scope,
        "Bucket",
        encryption=s3.BucketEncryption.KMS,
        encryption_key=storage_key,
        bucket_key_enabled=True,  # one KMS call for many objects
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        versioned=True,
        removal_policy=settings.removal_policy,
        **others,
    )
