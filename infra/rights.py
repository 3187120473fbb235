"""What a role may do, one function for each right; the constructs of the consumers say who has which.

Written out instead of using the constructs' `grant_…` methods, which give more than is needed: a `grant_write` allows
deletes, a `grant_read` allows scans. KMS for encryption at rest is missing on purpose: the storage key's own policy
allows it to whoever may use the table, stream, bucket or queue.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from infra.tenant_tag import OWN_ROWS
from shared.aws import trail_end

AUDITOR_READS = (
    "tenant_id",
    "row",
    "data_class",
    "kms_key_arn",
    "key_material_id",
    "state",
    "created_at",
    "made_by",
    "closed_at",
    "rewrapped_by",
    "state_set_by",
    "state_set_at",
    "active_key_id",
    "source",
)
"""Every attribute of the key store but `encrypted_data_key`."""

_NOT_THE_TRAIL = {
    "ForAllValues:StringNotEquals": {"dynamodb:LeadingKeys": [trail_end.PARTITION]},
    "Null": {"dynamodb:LeadingKeys": "false"},
}

SEGMENT_ATTRIBUTES = ("run_id", "row", "phase", "number", "cursor", "done", "tally", "version")
"""Every attribute of a segment's row in the runs table; a run, and the name of a kind's latest, need others."""


def read_kinesis_stream(stream_arn: str) -> iam.PolicyStatement:
    """What an event source mapping needs of a Kinesis stream."""
    return iam.PolicyStatement(
        sid="ReadSourceStream",
        actions=[
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ],
        resources=[stream_arn],
    )


def reread_kinesis_stream(stream_arn: str) -> iam.PolicyStatement:
    """Read records of a Kinesis stream from any place on, and know how far back it goes."""
    return iam.PolicyStatement(
        sid="RereadSourceStream",
        actions=[
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ],
        resources=[stream_arn],
    )


def read_table_stream(stream_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """What an event source mapping needs of a table's stream; it gives no read of the table."""
    return (
        iam.PolicyStatement(
            sid="ReadTableStream",
            actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
            resources=[stream_arn],
        ),
        iam.PolicyStatement(sid="ListStreams", actions=["dynamodb:ListStreams"], resources=["*"]),
    )


def read_and_create_data_keys(key_store_arn: str) -> iam.PolicyStatement:
    """Read keys by id; write a key with its pointer in one transaction; publish the policy. No scan, no delete."""
    return iam.PolicyStatement(
        sid="ReadAndCreateDataKeys",
        actions=["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem"],
        resources=[key_store_arn],
    )


def read_key_states(key_store_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """Read key rows without the encrypted keys, and past policies.

    A request must name the attributes that it wants, all of them from the list. `ForAllValues` alone would pass a
    request that names none and so gets all: hence the `Null`. The names in a query's key condition may count as
    named, so a query must say what it selects, too; `Select` is no parameter of a batch read.
    """
    named = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": list(AUDITOR_READS)},
        "Null": {"dynamodb:Attributes": "false"},
    }
    selected = {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
    return (
        iam.PolicyStatement(
            sid="ReadKeyStates",
            actions=["dynamodb:BatchGetItem"],
            resources=[key_store_arn],
            conditions={**named, "StringEqualsIfExists": selected},
        ),
        iam.PolicyStatement(
            sid="ReadPastPolicies",
            actions=["dynamodb:Query"],
            resources=[key_store_arn],
            conditions={**named, "StringEquals": selected},
        ),
    )


def renew_data_keys(key_store_arn: str) -> iam.PolicyStatement:
    """Read every key, write new ones and new wrappings, move pointers, change states. No delete."""
    return iam.PolicyStatement(
        sid="RenewDataKeys",
        actions=[
            "dynamodb:Scan",
            "dynamodb:Query",
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:ConditionCheckItem",
        ],
        resources=[key_store_arn],
    )


def reopen_data_keys(key_store_arn: str) -> iam.PolicyStatement:
    """Read a key by its id and change its state, if the class's pointer does not name it. No put, no delete."""
    return iam.PolicyStatement(
        sid="ReopenDataKeys",
        actions=["dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"],
        resources=[key_store_arn],
    )


def describe_keys(key_arns: Sequence[str]) -> iam.PolicyStatement:
    """Ask which key material is the current one; for that KMS has no encryption context."""
    return iam.PolicyStatement(sid="DescribeKeys", actions=["kms:DescribeKey"], resources=list(key_arns))


def put_items(table_arn: str) -> iam.PolicyStatement:
    """Put, on condition or not; no read, no update, no delete: a deletion is the put of a tombstone."""
    return iam.PolicyStatement(sid="PutItems", actions=["dynamodb:PutItem"], resources=[table_arn])


def mend_items(table_arn: str) -> iam.PolicyStatement:
    """Read items by key and update what is in them; no put that replaces one whole, no delete, no scan."""
    return iam.PolicyStatement(
        sid="MendItems",
        actions=["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"],
        resources=[table_arn],
    )


def scan_items(table_arn: str) -> iam.PolicyStatement:
    """Read the whole table, segment by segment."""
    return iam.PolicyStatement(sid="ScanItems", actions=["dynamodb:Scan"], resources=[table_arn])


def see_backups(table_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """How far back the table's backups reach, DynamoDB's own and AWS Backup's; nothing of what is in them."""
    return (
        iam.PolicyStatement(
            sid="DescribeBackups",
            actions=["dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups"],
            resources=[table_arn],
        ),
        iam.PolicyStatement(
            sid="ListBackups",
            actions=["dynamodb:ListBackups", "backup:ListRecoveryPointsByResource"],
            resources=["*"],
        ),
    )


def keep_runs(table_arn: str) -> iam.PolicyStatement:
    """Begin runs, load them, store how far they and their segments are; no scan, no delete."""
    return iam.PolicyStatement(
        sid="KeepRuns",
        actions=["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"],
        resources=[table_arn],
        conditions=_NOT_THE_TRAIL,
    )


def note_trail_end(table_arn: str) -> iam.PolicyStatement:
    """Note in the runs table how far the audit trail goes, and read it; no other row, no delete."""
    return iam.PolicyStatement(
        sid="NoteTrailEnd",
        actions=["dynamodb:GetItem", "dynamodb:PutItem"],
        resources=[table_arn],
        conditions={
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [trail_end.PARTITION]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    )


def keep_segments(table_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """Load runs, store how far their segments are; what has another attribute than a segment, as a run, is no put."""
    return (
        iam.PolicyStatement(sid="LoadRuns", actions=["dynamodb:GetItem"], resources=[table_arn]),
        iam.PolicyStatement(
            sid="KeepSegments",
            actions=["dynamodb:PutItem"],
            resources=[table_arn],
            conditions={
                **_NOT_THE_TRAIL,
                "ForAllValues:StringEquals": {"dynamodb:Attributes": list(SEGMENT_ATTRIBUTES)},
                "Null": {"dynamodb:Attributes": "false", "dynamodb:LeadingKeys": "false"},
            },
        ),
    )


def reseal_quarantine(bucket_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """List and read what is held, in all its versions, and put it anew; no delete."""
    return (
        iam.PolicyStatement(
            sid="ListQuarantine", actions=["s3:ListBucket", "s3:ListBucketVersions"], resources=[bucket_arn]
        ),
        iam.PolicyStatement(
            sid="ResealQuarantine",
            actions=["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            resources=[f"{bucket_arn}/*"],
        ),
    )


def quarantine_records(bucket_arn: str, index_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """Put an object and its index row; what is in quarantine cannot be read back."""
    return (
        iam.PolicyStatement(sid="QuarantinePayload", actions=["s3:PutObject"], resources=[f"{bucket_arn}/*"]),
        iam.PolicyStatement(sid="QuarantineIndex", actions=["dynamodb:PutItem"], resources=[index_arn]),
    )


def decide_about_quarantine(bucket_arn: str, index_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """Read an entry, change its row, delete its content; who may not list is not told that an object is missing."""
    return (
        iam.PolicyStatement(sid="ListQuarantine", actions=["s3:ListBucket"], resources=[bucket_arn]),
        iam.PolicyStatement(
            sid="TakeOutOfQuarantine", actions=["s3:GetObject", "s3:DeleteObject"], resources=[f"{bucket_arn}/*"]
        ),
        iam.PolicyStatement(
            sid="DecideAboutQuarantine", actions=["dynamodb:GetItem", "dynamodb:UpdateItem"], resources=[index_arn]
        ),
    )


def count_quarantine(index_arn: str) -> iam.PolicyStatement:
    """Have DynamoDB count entries by a condition; it gives no row of them."""
    return iam.PolicyStatement(
        sid="CountQuarantine",
        actions=["dynamodb:Scan"],
        resources=[index_arn],
        conditions={"StringEquals": {"dynamodb:Select": "COUNT"}},
    )


def use_own_items(table_arn: str) -> iam.PolicyStatement:
    """A tenant session's: read and put the tenant's own items, on condition or not; no update, no delete, no scan."""
    return iam.PolicyStatement(
        sid="OwnItems",
        actions=["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem"],
        resources=[table_arn],
        conditions=OWN_ROWS,
    )


def read_own_data_keys(key_store_arn: str) -> iam.PolicyStatement:
    """A tenant session's: read the tenant's own data keys and pointers by key; none is made, and none listed."""
    return iam.PolicyStatement(
        sid="OwnDataKeys",
        actions=["dynamodb:GetItem", "dynamodb:BatchGetItem"],
        resources=[key_store_arn],
        conditions=OWN_ROWS,
    )


def assume(*role_arns: str) -> iam.PolicyStatement:
    """Become these roles, for the tenant that a session tag names; what tags there may be, their trust says."""
    return iam.PolicyStatement(sid="Assume", actions=["sts:AssumeRole", "sts:TagSession"], resources=list(role_arns))


def read_landing_objects(bucket_arn: str) -> tuple[iam.PolicyStatement, ...]:
    """Read objects in a version, and put their tags; who may not list is not told that an object is missing."""
    return (
        iam.PolicyStatement(sid="ListLanding", actions=["s3:ListBucket"], resources=[bucket_arn]),
        iam.PolicyStatement(
            sid="ReadLanding",
            actions=["s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:PutObjectVersionTagging"],
            resources=[f"{bucket_arn}/*"],
        ),
    )


def put_records(stream_arn: str) -> iam.PolicyStatement:
    """Put records to a stream, many at once."""
    return iam.PolicyStatement(sid="PutRecords", actions=["kinesis:PutRecords"], resources=[stream_arn])


def keep_progress(table_arn: str) -> iam.PolicyStatement:
    """Read how far an object is, and store it, on condition; no scan, no delete."""
    return iam.PolicyStatement(
        sid="KeepProgress", actions=["dynamodb:GetItem", "dynamodb:PutItem"], resources=[table_arn]
    )


def work_off_landing(queue_arn: str) -> iam.PolicyStatement:
    """What an event source mapping needs of a queue, and to ask for an object once more."""
    return iam.PolicyStatement(
        sid="WorkOffLanding",
        actions=["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"],
        resources=[queue_arn],
    )


def send_dead_letters(queue_arn: str) -> iam.PolicyStatement:
    """The event source mapping sends with the function's role."""
    return iam.PolicyStatement(sid="DeadLetters", actions=["sqs:SendMessage"], resources=[queue_arn])


def send_findings(queue_arn: str) -> iam.PolicyStatement:
    """Tell which items are to be looked at again; not what others told."""
    return iam.PolicyStatement(sid="SendFindings", actions=["sqs:SendMessage"], resources=[queue_arn])


def receive_findings(queue_arn: str) -> iam.PolicyStatement:
    """What an event source mapping needs of a queue."""
    return iam.PolicyStatement(
        sid="ReceiveFindings",
        actions=["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        resources=[queue_arn],
    )


def segments(bucket_arn: str, stage: str) -> str:
    """The segments of one stage, in any hour."""
    return f"{bucket_arn}/segments/????/??/??/??/{stage}/*"


def write_segments(bucket_arn: str, stage: str) -> iam.PolicyStatement:
    """Put segments of one stage into the audit bucket, where nothing is: its policy allows no other put; no read."""
    return iam.PolicyStatement(sid="WriteSegments", actions=["s3:PutObject"], resources=[segments(bucket_arn, stage)])


def sign_manifests(key_arns: Sequence[str]) -> iam.PolicyStatement:
    """Sign with these keys, and know their public halves."""
    return iam.PolicyStatement(sid="SignManifests", actions=["kms:Sign", "kms:GetPublicKey"], resources=list(key_arns))


def read_audit_trail(bucket_arn: str) -> list[iam.PolicyStatement]:
    """List the audit bucket with all versions, and read what is of the trail."""
    return [
        iam.PolicyStatement(sid="ListTrail", actions=["s3:ListBucketVersions"], resources=[bucket_arn]),
        iam.PolicyStatement(
            sid="ReadTrail",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[f"{bucket_arn}/segments/*", f"{bucket_arn}/manifests/*"],
        ),
    ]


def write_manifests(bucket_arn: str) -> iam.PolicyStatement:
    """Put manifests into the audit bucket, where nothing is: its policy allows no other put."""
    return iam.PolicyStatement(sid="WriteManifests", actions=["s3:PutObject"], resources=[f"{bucket_arn}/manifests/*"])


def invoke(*function_arns: str) -> iam.PolicyStatement:
    """Call these functions, in the version that is deployed."""
    return iam.PolicyStatement(sid="Invoke", actions=["lambda:InvokeFunction"], resources=list(function_arns))


def run_machine(machine_arn: str) -> iam.PolicyStatement:
    """Start executions of a state machine."""
    return iam.PolicyStatement(sid="RunMachine", actions=["states:StartExecution"], resources=[machine_arn])


def control_executions(execution_arns: str) -> iam.PolicyStatement:
    """What a distributed map needs beside starting its child executions, as AWS documents it."""
    return iam.PolicyStatement(
        sid="ControlExecutions",
        actions=["states:DescribeExecution", "states:StopExecution"],
        resources=[execution_arns],
    )


def deliver_machine_log() -> iam.PolicyStatement:
    """What Step Functions needs to set up a log; none of these actions knows a resource."""
    return iam.PolicyStatement(
        sid="DeliverLog",
        actions=[
            "logs:CreateLogDelivery",
            "logs:GetLogDelivery",
            "logs:UpdateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
        ],
        resources=["*"],
    )
