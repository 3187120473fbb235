"""A DynamoDB table that is not lost: recoverable to any second, hard to delete, encrypted with the storage key."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.settings import Settings


class ProtectedTable(Construct):
    """An on-demand table with string keys, point-in-time recovery, deletion protection and a retain policy."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        storage_key: kms.IKey,
        partition_key: str,
        sort_key: str | None = None,
        expires_at: str | None = None,
        stream: dynamodb.StreamViewType | None = None,
    ) -> None:
        super().__init__(scope, id)
        # not TableV2: with a customer-managed key it needs the region at synthesis
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_string(partition_key),
            sort_key=_string(sort_key) if sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=stream,
            time_to_live_attribute=expires_at,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=storage_key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=settings.protected,
            removal_policy=settings.removal_policy,
        )


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
