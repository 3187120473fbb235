"""The world behind the real adapters and botocore's own clients, on moto."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import boto3

from shared.aws.audit_bucket import AuditBucket
from shared.aws.clients import config
from shared.aws.findings_queue import SqsFindingsQueue
from shared.aws.items import DynamoItemTable
from shared.aws.key_rows import pointer_item
from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.quarantine import S3Quarantine
from shared.aws.shards import KinesisShards
from shared.keys.keyring import Keyring
from shared.model import Attributes
from tests.chaos.model import ItemKey, Order
from tests.chaos.records import SPOILED_TENANT
from tests.chaos.turns import CALLER, Killed, Step
from tests.chaos.wire import Wire, no_sleep
from tests.chaos.world import Ports, World
from tests.fakes.moto_aws import KEY_STORE_TABLE, REGION, dynamodb_with_key_store
from tests.fakes.rotation import replace_active_key

T = TypeVar("T")

ITEMS = "items"
INDEX = "quarantine"
BUCKET = "held"
TRAIL = "trail"


class CloudWorld(World):
    """To be made inside `moto.mock_aws()`."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._wire = Wire(self.turns, self._stored)
        self._dynamodb = self._wire.attach(dynamodb_with_key_store())
        self._kms, self._s3, self._kinesis, self._sqs = map(self._client, ("kms", "s3", "kinesis", "sqs"))
        self._queue = self._sqs.create_queue(QueueName="findings")["QueueUrl"]
        self._create()
        self.trail = AuditBucket(self._s3, TRAIL)
        self.kms_key_arn = self._kms.create_key()["KeyMetadata"]["Arn"]
        self._kinesis.create_stream(StreamName="records", ShardCount=len(self.stream.shards))
        described = self._kinesis.describe_stream_summary(StreamName="records")
        self.stream_arn = described["StreamDescriptionSummary"]["StreamARN"]
        self.store = DynamoKeyStore(self._dynamodb, KEY_STORE_TABLE, sleep=self.clock.advance)
        self.service = KmsKeyService(self._kms, self.kms_key_arn)
        self.store.publish_policy(order.policy.digest, order.source, self.clock.wall())
        for data_class in ("pii", "pci"):
            self._dynamodb.put_item(TableName=KEY_STORE_TABLE, Item=pointer_item(SPOILED_TENANT, data_class, 1))

    def _client(self, service: Any) -> Any:
        return self._wire.attach(boto3.client(service, region_name=REGION, config=config(service)))

    def _create(self) -> None:
        location: Any = {"LocationConstraint": REGION}
        for bucket in (BUCKET, TRAIL):
            self._s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=location)
        self._s3.put_bucket_versioning(Bucket=TRAIL, VersioningConfiguration={"Status": "Enabled"})
        for table, keys in ((ITEMS, ("tenant_id", "item_id")), (INDEX, ("quarantine_id",))):
            self._dynamodb.create_table(
                TableName=table,
                KeySchema=[
                    {"AttributeName": name, "KeyType": kind}
                    for name, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
                BillingMode="PAY_PER_REQUEST",
            )

    def ports(self, process: Any) -> Ports:
        return Ports(
            table=DynamoItemTable(self._dynamodb, ITEMS),
            quarantine=S3Quarantine(self._s3, self._dynamodb, bucket=BUCKET, table=INDEX, wall=self.clock.wall),
            store=self.store,
            service=self.service,
            shards=KinesisShards(self._kinesis),
        )

    def bucket(self, process: Any) -> Any:
        return self.trail

    def auditor_ports(self, process: Any) -> tuple[Any, Any]:
        sleep = self.clock.advance
        reader = DynamoKeyStatusReader(self._dynamodb, KEY_STORE_TABLE, sleep=sleep)
        return reader, SqsFindingsQueue(self._sqs, self._queue, sleep=sleep)

    def run(self, works: Sequence[Callable[[], T]], steps: Iterable[Step] = ()) -> list[T | Killed]:
        with no_sleep(self.clock.advance):
            results = super().run(works, steps)
        CALLER.set(None)
        return results

    def items(self) -> Mapping[ItemKey, Attributes]:
        return {(item["tenant_id"]["S"], item["item_id"]["S"]): item for item in self._all_of(ITEMS)}

    def entries(self) -> Iterator[tuple[str, int, str, bytes]]:
        for row in self._all_of(INDEX):
            content = self._s3.get_object(Bucket=BUCKET, Key=row["object_key"]["S"])["Body"].read()
            yield row["quarantine_id"]["S"], int(row["sequence_number"]["S"]), row["reason"]["S"], content

    def at_rest(self) -> Iterator[bytes]:
        for table in (ITEMS, INDEX, KEY_STORE_TABLE):
            yield repr(self._all_of(table)).encode()
        for found in self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            yield self._s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()

    def reader(self) -> Keyring:
        return Keyring(
            store=self.store,
            service=self.service,
            dataset=self.order.policy.dataset,
            trusted_kms_key_arns=frozenset({self.kms_key_arn}),
        )

    def messages(self) -> Iterator[str]:
        """What lies in the findings queue."""
        while found := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            yield from (message["Body"] for message in found)

    def renew(self, tenant_id: str, data_class: str) -> None:
        """What rotation does to an active key, if there is one."""
        if self.store.active_key_id(tenant_id, data_class) is not None:
            replace_active_key(self.store, self.service, tenant_id, data_class)  # type: ignore[arg-type]

    def _all_of(self, table: str) -> list[Any]:
        return [
            item for page in self._dynamodb.get_paginator("scan").paginate(TableName=table) for item in page["Items"]
        ]

    def _stored(self, item: dict[str, Any]) -> None:
        self.images[item["tenant_id"]["S"], item["item_id"]["S"]] = {
            name: _from_json(value) for name, value in item.items()
        }


def _from_json(value: Any) -> Any:
    """A DynamoDB-typed value of a request: binary is base64 there."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: b64decode(content)}
        case "M":
            return {kind: {name: _from_json(member) for name, member in content.items()}}
        case "L":
            return {kind: [_from_json(member) for member in content]}
    return value
