"""The real adapters' clients on moto, in process; call these inside `moto.mock_aws()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

from shared.aws.clients import config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

REGION = "eu-central-1"
KEY_STORE_TABLE = "key-store"


def dynamodb_with_key_store() -> DynamoDBClient:
    """A DynamoDB that holds an empty key store table."""
    client = boto3.client("dynamodb", region_name=REGION, config=config("dynamodb"))
    client.create_table(
        TableName=KEY_STORE_TABLE,
        KeySchema=[{"AttributeName": "tenant_id", "KeyType": "HASH"}, {"AttributeName": "row", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "tenant_id", "AttributeType": "S"},
            {"AttributeName": "row", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def kms_with_attribute_key() -> tuple[KMSClient, str]:
    """A KMS and the ARN of its one key."""
    client = boto3.client("kms", region_name=REGION, config=config("kms"))
    return client, client.create_key(Description="attribute key")["KeyMetadata"]["Arn"]
