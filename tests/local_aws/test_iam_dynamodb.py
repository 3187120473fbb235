"""Fine-grained access control of DynamoDB on the repaired local AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra import rights
from shared.aws.runs import DynamoRunStore
from shared.errors import StoreUnavailable
from shared.runs.model import Phase, Run, RunKind
from tests.local_aws.support import ACCOUNT, REGION, LocalAws, make_role, unique

_KEYS = ("tenant_id", "row")
_VISIBLE = [*_KEYS, "state", "data_class"]


@pytest.fixture(scope="module")
def table(local_aws: LocalAws) -> str:
    name = unique("table")
    local_aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in (*_KEYS, "owner")],
        KeySchema=[{"AttributeName": "tenant_id", "KeyType": "HASH"}, {"AttributeName": "row", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return name


@pytest.fixture(scope="module")
def runs(local_aws: LocalAws) -> str:
    """The runs table."""
    name = unique("runs")
    local_aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("run_id", "row")],
        KeySchema=[{"AttributeName": "run_id", "KeyType": "HASH"}, {"AttributeName": "row", "KeyType": "RANGE"}],
    )
    return name


def _arn(table: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def _session(aws: LocalAws, *statements: Mapping[str, Any], **tags: str) -> Any:
    """A DynamoDB client with a session of a new role that has just these permissions."""
    role = make_role(aws, {"Version": "2012-10-17", "Statement": list(statements)})
    session_tags = [{"Key": name, "Value": value} for name, value in tags.items()]
    answer = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test", Tags=session_tags)
    return aws.client("dynamodb", answer["Credentials"])


def _code(call: Callable[[], Any]) -> str:
    """ "" or the error code."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def _key(tenant: str) -> dict[str, Any]:
    return {"tenant_id": {"S": tenant}, "row": {"S": "key#1"}}


#: Every operation that names partition keys: (client, table, tenants) -> request. More than one tenant where it may.
_OPERATIONS: dict[str, Callable[[Any, str, list[str]], Any]] = {
    "GetItem": lambda db, table, tenants: db.get_item(TableName=table, Key=_key(tenants[-1])),
    "PutItem": lambda db, table, tenants: db.put_item(TableName=table, Item=_key(tenants[-1])),
    "UpdateItem": lambda db, table, tenants: db.update_item(
        TableName=table,
        Key=_key(tenants[-1]),
        UpdateExpression="SET #s = :s",
        ExpressionAttributeNames={"#s": "state"},
        ExpressionAttributeValues={":s": {"S": "x"}},
    ),
    "DeleteItem": lambda db, table, tenants: db.delete_item(TableName=table, Key=_key(tenants[-1])),
    "Query": lambda db, table, tenants: db.query(
        TableName=table,
        KeyConditionExpression="#t = :t AND begins_with(#r, :r)",
        ExpressionAttributeNames={"#t": "tenant_id", "#r": "row"},
        ExpressionAttributeValues={":t": {"S": tenants[-1]}, ":r": {"S": "key#"}},
    ),
    "Query of an index": lambda db, table, tenants: db.query(
        TableName=table,
        IndexName="by_owner",
        KeyConditionExpression=":o = #o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": tenants[-1]}},
    ),
    "BatchGetItem": lambda db, table, tenants: db.batch_get_item(
        RequestItems={table: {"Keys": [_key(tenant) for tenant in tenants]}}
    ),
    "BatchWriteItem": lambda db, table, tenants: db.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": _key(tenant)}} for tenant in tenants]}
    ),
    "TransactGetItems": lambda db, table, tenants: db.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": _key(tenant)}} for tenant in tenants]
    ),
    "TransactWriteItems": lambda db, table, tenants: db.transact_write_items(
        TransactItems=[{"Put": {"TableName": table, "Item": _key(tenant)}} for tenant in tenants]
    ),
    "ExecuteStatement": lambda db, table, tenants: db.execute_statement(
        Statement=f'SELECT * FROM "{table}" WHERE tenant_id = ? AND "row" = ?',  # noqa: S608
        Parameters=[{"S": tenants[-1]}, {"S": "key#1"}],
    ),
    "BatchExecuteStatement": lambda db, table, tenants: db.batch_execute_statement(
        Statements=[
            {
                "Statement": f'UPDATE "{table}" SET state = ? WHERE tenant_id = ? AND "row" = ?',  # noqa: S608
                "Parameters": [{"S": "x"}, {"S": tenant}, {"S": "key#1"}],
            }
            for tenant in tenants
        ]
    ),
}


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_a_tenant_session_reaches_only_items_of_its_own_tenant(local_aws, table, operation):
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/TenantID}"]},
        "Null": {"dynamodb:LeadingKeys": "false"},  # without it, a request without leading keys passes
    }
    resources = [_arn(table), f"{_arn(table)}/index/*"]
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": resources, "Condition": condition}
    acme = _session(local_aws, statement, TenantID="acme")
    request = _OPERATIONS[operation]

    assert [
        _code(lambda: request(acme, table, ["acme"])),
        _code(lambda: request(acme, table, ["acme", "globex"])),
        _code(lambda: acme.scan(TableName=table)),
    ] == ["", "AccessDeniedException", "AccessDeniedException"]


@pytest.fixture(scope="module")
def auditor(local_aws: LocalAws, table: str) -> Any:
    """A session that may read all of the key store but the encrypted keys."""
    return _session(
        local_aws,
        {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"],
            "Resource": _arn(table),
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:Attributes": _VISIBLE},
                "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
            },
        },
    )


_PROJECTED: list[Callable[[Any, str, dict[str, Any]], Any]] = [
    lambda db, table, more: db.get_item(TableName=table, Key=_key("acme"), **more),
    lambda db, table, more: db.batch_get_item(RequestItems={table: {"Keys": [_key("acme")], **more}}),
    lambda db, table, more: db.query(
        TableName=table,
        KeyConditionExpression="tenant_id = :t",
        ExpressionAttributeValues={":t": {"S": "acme"}},
        **more,
    ),
]


def test_a_reader_sees_only_the_attributes_that_its_policy_names(auditor, table):
    def outcomes(expression: str, **names: str) -> set[str]:
        more: dict[str, Any] = {"ProjectionExpression": expression} if expression else {}
        more |= {"ExpressionAttributeNames": {f"#{name}": value for name, value in names.items()}} if names else {}
        return {_code(partial(read, auditor, table, more)) for read in _PROJECTED}

    allowed, denied = {""}, {"AccessDeniedException"}
    assert allowed == outcomes("#r, #s, data_class", r="row", s="state")
    assert allowed == outcomes("data_class.encrypted_data_key")
    assert denied == outcomes("data_class, encrypted_data_key")
    assert denied == outcomes("data_class, #0", **{"0": "encrypted_data_key"})
    assert denied == outcomes("")


def test_a_reader_cannot_ask_for_a_hidden_attribute_in_a_filter(auditor, table):
    def outcome(expression: str) -> str:
        return _code(
            lambda: auditor.query(
                TableName=table,
                KeyConditionExpression="tenant_id = :t",
                FilterExpression=expression,
                ProjectionExpression="data_class",
                ExpressionAttributeValues={":t": {"S": "acme"}, ":v": {"S": "v"}},
            )
        )

    assert outcome("attribute_exists(data_class) AND data_class <> :v") == ""
    assert outcome("begins_with(encrypted_data_key, :v)") == "AccessDeniedException"


@pytest.mark.also_on_stock
def test_a_scan_reads_only_the_attributes_that_its_policy_names(local_aws, table):
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": _VISIBLE},
        "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    }
    statement = {"Effect": "Allow", "Action": "dynamodb:Scan", "Resource": _arn(table), "Condition": condition}
    scanner = _session(local_aws, statement)

    def outcome(**more: Any) -> str:
        return _code(lambda: scanner.scan(TableName=table, Segment=0, TotalSegments=2, Limit=5, **more))

    assert outcome(ProjectionExpression="data_class") == ""
    assert outcome(ProjectionExpression="data_class, encrypted_data_key") == "AccessDeniedException"
    assert outcome() == "AccessDeniedException"


def test_a_writer_writes_only_the_attributes_that_its_policy_names(local_aws, table):
    writer = _session(
        local_aws,
        {
            "Effect": "Allow",
            "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"],
            "Resource": _arn(table),
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:Attributes": _VISIBLE},
                "StringEqualsIfExists": {
                    "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
                    "dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"],
                },
            },
        },
    )

    def put(**attributes: str) -> str:
        item = _key("acme") | {name: {"S": value} for name, value in attributes.items()}
        return _code(lambda: writer.put_item(TableName=table, Item=item))

    def update(expression: str, **options: Any) -> str:
        values = {":v": {"S": "v"}}
        return _code(
            lambda: writer.update_item(
                TableName=table,
                Key=_key("acme"),
                UpdateExpression=expression,
                ExpressionAttributeValues=values,
                **options,
            )
        )

    denied = "AccessDeniedException"
    assert [put(data_class="pii"), put(data_class="pii", encrypted_data_key="x")] == ["", denied]
    assert [update("SET data_class = :v"), update("SET data_class = :v REMOVE encrypted_data_key")] == ["", denied]
    assert update("SET data_class = :v", ConditionExpression="attribute_exists(encrypted_data_key)") == denied
    assert update("SET data_class = :v", ReturnValues="ALL_OLD") == denied


def test_a_worker_stores_segments_of_a_run_and_neither_a_run_nor_the_name_of_one(local_aws, runs):
    statements = [one.to_statement_json() for one in rights.keep_segments(_arn(runs))]
    worker = DynamoRunStore(_session(local_aws, *statements), runs)
    rotation = DynamoRunStore(local_aws.client("dynamodb"), runs)
    run = rotation.begin(Run("5" * 32, RunKind.ROTATION, Phase.SWEEP, started_at=1.0, segments=1, workers=1))

    stored = worker.save_segment(worker.segment(run.run_id, run.phase, 0))
    assert stored is not None
    assert worker.save_segment(replace(stored, done=True)) == rotation.segment(run.run_id, run.phase, 0)
    assert run == worker.load(run.run_id)
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        worker.save(replace(run, phase=Phase.DONE))
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        worker.begin(replace(run, run_id="6" * 32, kind=RunKind.DESTRUCTION))


def test_each_partiql_statement_needs_its_own_permission(local_aws, table):
    db = _session(local_aws, {"Effect": "Allow", "Action": "dynamodb:PartiQLInsert", "Resource": _arn(table)})
    name = unique("tenant")
    insert = f"INSERT INTO \"{table}\" VALUE {{'tenant_id': '{name}', 'row': 'key#1'}}"
    update = f"UPDATE \"{table}\" SET state = 'x' WHERE tenant_id = '{name}' AND \"row\" = 'key#1'"  # noqa: S608

    assert [
        _code(lambda: db.batch_execute_statement(Statements=[{"Statement": insert}])),
        _code(lambda: db.batch_execute_statement(Statements=[{"Statement": insert}, {"Statement": update}])),
    ] == ["", "AccessDeniedException"]


def test_a_refusal_names_principal_action_and_resource(local_aws, table):
    db = _session(local_aws, {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": _arn(table)})
    with pytest.raises(ClientError) as caught:
        db.put_item(TableName=table, Item=_key("acme"))
    response = caught.value.response

    assert (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
    ) == (400, "AccessDeniedException")
    assert response["Error"]["Message"].startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert response["Error"]["Message"].endswith(
        f"/test is not authorized to perform: dynamodb:PutItem on resource: {_arn(table)} "
        "because no identity-based policy allows the dynamodb:PutItem action"
    )


def test_a_policy_that_insists_on_tls_lets_local_requests_pass(local_aws, table):
    allow = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    db = _session(local_aws, allow, allow | {"Effect": "Deny", "Condition": insecure})

    assert db.get_item(TableName=table, Key=_key("nobody"))


def test_a_bucket_that_enforces_tls_serves_local_requests(local_aws):
    name, root = unique("bucket"), local_aws.client("s3")
    root.create_bucket(Bucket=name)
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    enforce_tls = {  # as the CDK's enforce_ssl writes it
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    root.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [enforce_tls]}))
    policy = [{"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": resources}]
    role = make_role(local_aws, {"Version": "2012-10-17", "Statement": policy})
    session = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    s3 = local_aws.client("s3", session)

    s3.put_object(Bucket=name, Key="object", Body=b"content")
    assert s3.get_object(Bucket=name, Key="object")["Body"].read() == b"content"
    assert _code(lambda: s3.delete_object(Bucket=name, Key="object")) == "AccessDenied"  # policies are in force


def test_the_right_to_read_one_stream_covers_what_its_shard_iterator_reads(local_aws):
    name = unique("stream")
    key = {"AttributeName": "id", "AttributeType": "S"}
    stream = local_aws.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[key],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]["LatestStreamArn"]
    actions = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
    role = make_role(
        local_aws,
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": stream}]},
    )
    session = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    streams = local_aws.client("dynamodbstreams", session)
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")

    assert streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"] == []


@pytest.mark.also_on_stock
def test_aws_backup_tells_who_may_ask_that_a_table_has_no_recovery_points(local_aws: LocalAws, table: str) -> None:
    def asked_with(action: str) -> list[Any]:
        allowed = {"Effect": "Allow", "Action": action, "Resource": "*"}
        role = make_role(local_aws, {"Version": "2012-10-17", "Statement": [allowed]})
        answer = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
        backup = local_aws.client("backup", answer["Credentials"])
        found: list[Any] = backup.list_recovery_points_by_resource(ResourceArn=_arn(table))["RecoveryPoints"]
        return found

    assert not asked_with("backup:ListRecoveryPointsByResource")
    assert "AccessDeniedException" == _code(lambda: asked_with("dynamodb:ListBackups"))
