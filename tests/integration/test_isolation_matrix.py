"""The matrix of who reaches whose data, asked of the local AWS: each question a call with a session of the role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import pytest

from infra.tenant_tag import TAG
from shared.aws.clients import client
from tests.infra.isolation import (
    ATTRIBUTE_KEY,
    BECOME_LIMITED,
    BECOME_TENANT,
    DOORS,
    ENCRYPTED_KEYS,
    ENSURE_KEYS,
    GRANTS,
    ITEMS,
    KEY_STORE,
    OWN_TENANT,
    READ_CHANGES,
    READ_LANDING,
    READ_QUARANTINE,
    READ_SOURCE,
    READ_TRAIL,
    SESSIONS,
    STATES,
    WRITE_SOURCE,
    By,
    Cell,
    cells,
)
from tests.integration.principals import DENIED, acting_as, calls, refusal, role_arn, session_of, tenant_session
from tests.integration.support import Deployment

Calls = Mapping[str, Callable[[], Any]]

AT_ONCE: Final = 4
CHANGES_NOTHING: Final = frozenset({"ConditionalCheckFailedException", "ValidationException"})
"""How a call fails that was allowed: a put of a row on a false condition, or of a record with too long a key."""


class World:
    """What the questions are about, made with the rights of the root user; and how each is asked."""

    def __init__(self, deployment: Deployment) -> None:
        self._names = deployment
        self._data_keys: dict[Any, bytes] = {
            about: self._data_key(encryption_context(*about)) for about in By.CLASS.value
        }
        self._held, self._landed = self._put("QUARANTINE_BUCKET", b"held"), self._put("LANDING_BUCKET", b"\n")
        self._told = self._segment()
        self._of_source, self._of_changes = self._source_iterator(), self._changes_iterator()

    def remove(self) -> None:
        """Take away what somebody else's run would find in quarantine; the landed file has no lines."""
        client("s3").delete_object(**self._held)

    def ask(self, cell: Cell) -> bool:
        """Whether the session that is acting is allowed what the cell asks."""
        code = refusal(self._calls(cell)[cell.operation.name])
        assert not code or code in DENIED | CHANGES_NOTHING, f"{cell}: {code}"
        return code not in DENIED

    def _calls(self, cell: Cell) -> Calls:
        """By operation, those of the cell's place."""
        match cell.operation.place:
            case place if place == ITEMS:
                return on_rows(self._names["TABLE"], {"tenant_id": cell.tenant, "item_id": "isolation"})
            case place if place == KEY_STORE:
                return on_rows(self._names["KEY_STORE"], {"tenant_id": cell.tenant, "row": "isolation"})
            case place if place == ATTRIBUTE_KEY:
                return self._with_key(cell.tenant, cell.data_class)
            case place:
                assert place == DOORS
                return self._through_doors(cell.tenant)

    def _with_key(self, tenant: str | None, data_class: str | None) -> Calls:
        kms, key_id = calls("kms"), self._names["ATTRIBUTE_KEY"]
        context, blob = encryption_context(tenant, data_class), self._data_keys.get((tenant, data_class))
        key: dict[str, Any] = {"KeyId": key_id, "EncryptionContext": context}
        both = {
            f"{side}{name}": value
            for side in ("Source", "Destination")
            for name, value in (("KeyId", key_id), ("EncryptionContext", context))
        }
        grant = {"KeyId": key_id, "GranteePrincipal": role_arn("tenant"), "Operations": ["Decrypt"]}
        return {
            "Decrypt": partial(kms.decrypt, CiphertextBlob=blob, **key),
            "GenerateDataKey": partial(kms.generate_data_key, KeySpec="AES_256", **key),
            "GenerateDataKeyWithoutPlaintext": partial(
                kms.generate_data_key_without_plaintext, KeySpec="AES_256", **key
            ),
            "Encrypt": partial(kms.encrypt, Plaintext=b"x", **key),
            "ReEncrypt": partial(kms.re_encrypt, CiphertextBlob=blob, **both),
            "CreateGrant": partial(kms.create_grant, **grant),
        }

    def _through_doors(self, tenant: str | None) -> Calls:
        records = [{"Data": b"x", "PartitionKey": "x" * 257}]
        become = partial(calls("sts").assume_role, RoleSessionName="isolation", Tags=[{"Key": TAG, "Value": tenant}])
        kinesis, streams, s3, functions = map(calls, ("kinesis", "dynamodbstreams", "s3", "lambda"))
        return {
            READ_SOURCE: partial(kinesis.get_records, ShardIterator=self._of_source, Limit=1),
            WRITE_SOURCE: partial(kinesis.put_records, StreamName=self._names["STREAM"], Records=records),
            READ_CHANGES: partial(streams.get_records, ShardIterator=self._of_changes, Limit=1),
            READ_QUARANTINE: partial(s3.get_object, Bucket=self._held["Bucket"], Key=self._held["Key"]),
            READ_LANDING: partial(s3.get_object, **self._landed),
            READ_TRAIL: partial(s3.get_object, **self._told),
            BECOME_TENANT: partial(become, RoleArn=role_arn("tenant")),
            BECOME_LIMITED: partial(become, RoleArn=role_arn("tenant-limited")),
            ENSURE_KEYS: partial(functions.invoke, FunctionName=self._names["ENSURE_KEYS"], InvocationType="DryRun"),
        }

    def _data_key(self, context: Mapping[str, str]) -> bytes:
        answer = client("kms").generate_data_key_without_plaintext(
            KeyId=self._names["ATTRIBUTE_KEY"], KeySpec="AES_256", EncryptionContext=context
        )
        return answer["CiphertextBlob"]

    def _put(self, bucket: str, content: bytes) -> dict[str, Any]:
        s3, name, key = client("s3"), self._names[bucket], "isolation/matrix"
        return {"Bucket": name, "Key": key, "VersionId": s3.put_object(Bucket=name, Key=key, Body=content)["VersionId"]}

    def _segment(self) -> dict[str, Any]:
        """One that a function wrote: a put of one's own would be foreign to the trail."""
        about = {"shard_id": "isolation", "first": "1", "last": "1", "records": 1}
        payload = json.dumps({"operation": "skip", **about}).encode()
        client("lambda").invoke(FunctionName=self._names["REAUDITOR"], Payload=payload)
        bucket = self._names["AUDIT_BUCKET"]
        listed = client("s3").list_object_versions(Bucket=bucket, Prefix="segments/", MaxKeys=1)["Versions"][0]
        return {"Bucket": bucket, "Key": listed["Key"], "VersionId": listed["VersionId"]}

    def _source_iterator(self) -> str:
        name, kinesis = self._names["STREAM"], client("kinesis")
        shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
        answer = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="LATEST")
        return answer["ShardIterator"]

    def _changes_iterator(self) -> str:
        arn, streams = self._names["TABLE_STREAM"], client("dynamodbstreams")
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        return streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]


def on_rows(table: str, names: Mapping[str, str | None]) -> Calls:
    """By operation, calls about the row of these names; those that write change nothing."""
    dynamodb = calls("dynamodb")
    key = {name: {"S": value} for name, value in names.items()}
    (tenant, sort_key) = key
    never = {"ConditionExpression": "attribute_exists(never)"}
    statement = partial(dynamodb.execute_statement, Parameters=list(key.values()))
    queried = {"KeyConditionExpression": f"{tenant} = :t", "ExpressionAttributeValues": {":t": key[tenant]}}

    def partiql(verb: str, change: str = "") -> str:
        return f'{verb} "{table}" {change} WHERE {tenant} = ? AND "{sort_key}" = ?'

    def batch(*wanted: str) -> Callable[[], Any]:
        names = {f"#{number}": name for number, name in enumerate((sort_key, *wanted))}
        projected = {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names} if wanted else {}
        return partial(dynamodb.batch_get_item, RequestItems={table: {"Keys": [key], **projected}})

    return {
        "GetItem": partial(dynamodb.get_item, TableName=table, Key=key),
        "BatchGetItem": batch(),
        STATES: batch("data_class", "state"),
        ENCRYPTED_KEYS: batch("encrypted_data_key"),
        "Query": partial(dynamodb.query, TableName=table, **queried),
        "Scan": partial(dynamodb.scan, TableName=table, Limit=1),
        "PutItem": partial(dynamodb.put_item, TableName=table, Item=key, **never),
        "UpdateItem": partial(dynamodb.update_item, TableName=table, Key=key, UpdateExpression="REMOVE never", **never),
        "DeleteItem": partial(dynamodb.delete_item, TableName=table, Key=key, **never),
        "PartiQLSelect": partial(statement, Statement=partiql("SELECT * FROM")),
        "PartiQLUpdate": partial(statement, Statement=partiql("UPDATE", "SET never = 1")),
    }


def encryption_context(tenant: str | None, data_class: str | None) -> dict[str, str]:
    """Of a data key."""
    pairs = {"tenant_id": tenant, "data_class": data_class, "dataset": "customers", "key_id": "0000002a"}
    return {name: str(value) for name, value in pairs.items()}


@pytest.fixture(scope="module")
def answers(deployment: Deployment) -> Iterator[Mapping[Cell, bool]]:
    world = World(deployment)

    def asked(role: str) -> dict[Cell, bool]:
        with acting_as(tenant_session(OWN_TENANT, role) if role in SESSIONS else session_of(role)):
            return {cell: world.ask(cell) for cell in cells(role)}

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield {cell: answer for of_role in pool.map(asked, GRANTS) for cell, answer in of_role.items()}
    finally:
        world.remove()


@pytest.mark.parametrize("role", GRANTS)
def test_a_session_of_a_role_is_given_what_the_matrix_says_and_refused_all_else(
    answers: Mapping[Cell, bool], role: str
):
    assert [] == [cell for cell in cells(role) if answers[cell] is not cell.is_allowed]
