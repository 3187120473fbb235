"""Who can do what, as a policy simulator evaluates the synthesised policies. A row is one request and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import pytest

from infra.rights import AUDITOR_READS, SEGMENT_ATTRIBUTES
from shared.aws.key_rows import POLICY_ATTRIBUTES, STATUS_ATTRIBUTES, data_key_item, pointer_item, policy_item
from shared.aws.run_rows import current_row, run_row, segment_row
from shared.keys.ports import DataKeyRow
from shared.model import KeyState
from shared.runs.model import Phase, Run, RunKind, Segment
from tests.infra.rights_of_the_api import OF_THE_API
from tests.infra.rights_of_the_trail import OF_THE_NOTARY, OF_THE_WRITERS, OF_WHO_RUNS_THE_ACCOUNT, RUN_ROW, WRITERS
from tests.infra.simulator import ADMINISTRATOR, Account, Request
from tests.infra.synthesis import ACCOUNT, REGION

Circumstances: TypeAlias = dict[str, str | Sequence[str]]

YES, NO = "allowed", "denied"

CONTEXT = {
    "kms:EncryptionContext:tenant_id": "acme",
    "kms:EncryptionContext:data_class": "pii",
    "kms:EncryptionContext:dataset": "customers",
    "kms:EncryptionContext:key_id": "0000002a",
}
KEY_STATES: Circumstances = {"dynamodb:Attributes": ["tenant_id", "row", "data_class", "state"]}
ENCRYPTED_KEYS: Circumstances = {"dynamodb:Attributes": ["tenant_id", "row", "encrypted_data_key"]}
ONLY_KEY_CONDITION: Circumstances = {"dynamodb:Attributes": ["tenant_id", "row"]}
SEGMENT: Circumstances = {"dynamodb:Attributes": sorted(SEGMENT_ATTRIBUTES)}
RUN: Circumstances = {"dynamodb:Attributes": ["run_id", "row", "kind", "phase", "version"]}
CURRENT_RUN: Circumstances = {"dynamodb:Attributes": ["run_id", "row", "latest"]}
SELECTED: Circumstances = {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
EVERY_ATTRIBUTE: Circumstances = {"dynamodb:Select": "ALL_ATTRIBUTES"}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in CONTEXT.items() if not key.endswith(f":{name}")}


def through(service: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", "kms:CallerAccount": ACCOUNT}


ENCRYPTION = "s3:x-amz-server-side-encryption"
ENCRYPTION_KEY = f"{ENCRYPTION}-aws-kms-key-id"
OTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0123"
OTHER_DATASET = CONTEXT | {"kms:EncryptionContext:dataset": "payments"}

TABLE: list[tuple[str, str, str, Mapping[str, Sequence[str]], str]] = [
    # the encryptor makes and opens data keys of its dataset, whole context or not at all
    ("encryptor", "kms:GenerateDataKey", "attribute key", CONTEXT, YES),
    ("encryptor", "kms:Decrypt", "attribute key", CONTEXT, YES),
    ("encryptor", "kms:GenerateDataKey", "attribute key", OTHER_DATASET, NO),
    ("encryptor", "kms:Decrypt", "attribute key", OTHER_DATASET, NO),
    ("encryptor", "kms:Decrypt", "attribute key", {}, NO),
    ("encryptor", "kms:Decrypt", "attribute key", without("tenant_id"), NO),
    ("encryptor", "kms:Decrypt", "attribute key", without("data_class"), NO),
    ("encryptor", "kms:Decrypt", "attribute key", without("dataset"), NO),
    ("encryptor", "kms:Decrypt", "attribute key", without("key_id"), NO),
    ("encryptor", "kms:GenerateDataKey", "attribute key", without("key_id"), NO),
    ("encryptor", "kms:Encrypt", "attribute key", CONTEXT, NO),
    ("encryptor", "kms:ReEncryptFrom", "attribute key", CONTEXT, NO),
    ("encryptor", "kms:GenerateDataKeyWithoutPlaintext", "attribute key", CONTEXT, NO),
    ("encryptor", "kms:CreateGrant", "attribute key", {}, NO),
    ("encryptor", "kms:PutKeyPolicy", "attribute key", {}, NO),
    # so does the redriver, which is the encryptor for what comes again
    ("redriver", "kms:GenerateDataKey", "attribute key", CONTEXT, YES),
    ("redriver", "kms:Decrypt", "attribute key", CONTEXT, YES),
    ("redriver", "kms:Decrypt", "attribute key", OTHER_DATASET, NO),
    ("redriver", "kms:Decrypt", "attribute key", without("tenant_id"), NO),
    ("redriver", "kms:ReEncryptFrom", "attribute key", CONTEXT, NO),
    # the re-encryptor and the sweeper as well: they open what is old and seal it under what is new
    ("reencryptor", "kms:Decrypt", "attribute key", CONTEXT, YES),
    ("reencryptor", "kms:GenerateDataKey", "attribute key", CONTEXT, YES),
    ("reencryptor", "kms:Decrypt", "attribute key", OTHER_DATASET, NO),
    ("reencryptor", "kms:Decrypt", "attribute key", without("key_id"), NO),
    ("reencryptor", "kms:ReEncryptFrom", "attribute key", CONTEXT, NO),
    ("reencryptor", "kms:ReEncryptTo", "attribute key", CONTEXT, NO),
    ("reencryptor", "kms:DescribeKey", "attribute key", {}, NO),
    ("sweeper", "kms:Decrypt", "attribute key", CONTEXT, YES),
    ("sweeper", "kms:GenerateDataKey", "attribute key", CONTEXT, YES),
    ("sweeper", "kms:Decrypt", "attribute key", OTHER_DATASET, NO),
    ("sweeper", "kms:GenerateDataKey", "attribute key", without("tenant_id"), NO),
    ("sweeper", "kms:ReEncryptFrom", "attribute key", CONTEXT, NO),
    # rotation wraps and makes data keys of this dataset, and never sees one
    ("rotation", "kms:ReEncryptFrom", "attribute key", CONTEXT, YES),
    ("rotation", "kms:ReEncryptTo", "attribute key", CONTEXT, YES),
    ("rotation", "kms:GenerateDataKeyWithoutPlaintext", "attribute key", CONTEXT, YES),
    ("rotation", "kms:ReEncryptFrom", "attribute key", OTHER_DATASET, NO),
    ("rotation", "kms:ReEncryptTo", "attribute key", OTHER_DATASET, NO),
    ("rotation", "kms:ReEncryptTo", "attribute key", without("data_class"), NO),
    ("rotation", "kms:GenerateDataKeyWithoutPlaintext", "attribute key", without("key_id"), NO),
    ("rotation", "kms:GenerateDataKeyWithoutPlaintext", "attribute key", {}, NO),
    ("rotation", "kms:Decrypt", "attribute key", CONTEXT, NO),
    ("rotation", "kms:GenerateDataKey", "attribute key", CONTEXT, NO),
    ("rotation", "kms:Encrypt", "attribute key", CONTEXT, NO),
    ("rotation", "kms:DescribeKey", "attribute key", {}, YES),
    ("rotation", "kms:ScheduleKeyDeletion", "attribute key", {}, NO),
    # nobody else does
    ("reopener", "kms:Decrypt", "attribute key", CONTEXT, NO),
    ("reopener", "kms:GenerateDataKey", "attribute key", CONTEXT, NO),
    ("reopener", "kms:ReEncryptFrom", "attribute key", CONTEXT, NO),
    ("reopener", "kms:DescribeKey", "attribute key", {}, NO),
    ("auditor", "kms:Decrypt", "attribute key", CONTEXT, NO),
    ("auditor", "kms:GenerateDataKey", "attribute key", CONTEXT, NO),
    ("auditor", "kms:DescribeKey", "attribute key", {}, NO),
    ("reconciler", "kms:Decrypt", "attribute key", CONTEXT, NO),
    ("reconciler", "kms:GenerateDataKey", "attribute key", CONTEXT, NO),
    ("reconciler", "kms:ReEncryptFrom", "attribute key", CONTEXT, NO),
    ("reconciler", "kms:ReEncryptTo", "attribute key", CONTEXT, NO),
    ("reconciler", "kms:CreateGrant", "attribute key", {}, NO),
    ("reconciler", "kms:DescribeKey", "attribute key", {}, NO),
    (ADMINISTRATOR, "kms:Decrypt", "attribute key", CONTEXT, NO),
    (ADMINISTRATOR, "kms:Encrypt", "attribute key", CONTEXT, NO),
    (ADMINISTRATOR, "kms:GenerateDataKey", "attribute key", CONTEXT, NO),
    (ADMINISTRATOR, "kms:GenerateDataKeyPair", "attribute key", CONTEXT, NO),
    (ADMINISTRATOR, "kms:ReEncryptFrom", "attribute key", CONTEXT, NO),
    (ADMINISTRATOR, "kms:ReEncryptTo", "attribute key", CONTEXT, NO),
    (ADMINISTRATOR, "kms:CreateGrant", "attribute key", {}, NO),
    (ADMINISTRATOR, "kms:DescribeKey", "attribute key", {}, YES),
    (ADMINISTRATOR, "kms:DisableKey", "attribute key", {}, YES),
    (ADMINISTRATOR, "kms:RotateKeyOnDemand", "attribute key", {}, YES),
    (ADMINISTRATOR, "kms:PutKeyPolicy", "attribute key", {}, YES),
    # the storage key works for the services only, never for a caller
    ("encryptor", "kms:GenerateDataKey", "storage key", through("s3"), YES),
    ("encryptor", "kms:Decrypt", "storage key", through("dynamodb"), YES),
    ("auditor", "kms:GenerateDataKey", "storage key", through("sqs"), YES),
    ("auditor", "kms:DescribeKey", "storage key", through("dynamodb"), YES),
    ("auditor", "kms:DescribeKey", "storage key", {}, NO),
    ("auditor", "kms:Decrypt", "storage key", through("ssm"), NO),
    ("auditor", "kms:Decrypt", "storage key", {}, NO),
    (ADMINISTRATOR, "kms:Decrypt", "storage key", {}, NO),
    (ADMINISTRATOR, "kms:CreateGrant", "storage key", {}, NO),
    (ADMINISTRATOR, "kms:CreateGrant", "storage key", through("dynamodb") | {"kms:GrantIsForAWSResource": "true"}, YES),
    # items: the encryptor only puts, the auditor only reads the stream
    ("encryptor", "dynamodb:PutItem", "items", {}, YES),
    ("encryptor", "dynamodb:GetItem", "items", {}, NO),
    ("encryptor", "dynamodb:BatchGetItem", "items", {}, NO),
    ("encryptor", "dynamodb:Query", "items", {}, NO),
    ("encryptor", "dynamodb:Scan", "items", {}, NO),
    ("encryptor", "dynamodb:UpdateItem", "items", {}, NO),
    ("encryptor", "dynamodb:DeleteItem", "items", {}, NO),
    ("encryptor", "dynamodb:GetRecords", "items' stream", {}, NO),
    ("auditor", "dynamodb:PutItem", "items", {}, NO),
    ("auditor", "dynamodb:UpdateItem", "items", {}, NO),
    ("auditor", "dynamodb:DeleteItem", "items", {}, NO),
    ("auditor", "dynamodb:BatchWriteItem", "items", {}, NO),
    ("auditor", "dynamodb:PartiQLUpdate", "items", {}, NO),
    ("auditor", "dynamodb:GetItem", "items", {}, NO),
    ("auditor", "dynamodb:Scan", "items", {}, NO),
    ("auditor", "dynamodb:GetRecords", "items' stream", {}, YES),
    ("auditor", "dynamodb:GetShardIterator", "items' stream", {}, YES),
    ("auditor", "dynamodb:DescribeStream", "items' stream", {}, YES),
    # … the reconciler reads the table from end to end, and nothing else
    ("reconciler", "dynamodb:Scan", "items", {}, YES),
    ("reconciler", "dynamodb:GetItem", "items", {}, NO),
    ("reconciler", "dynamodb:Query", "items", {}, NO),
    ("reconciler", "dynamodb:PutItem", "items", {}, NO),
    ("reconciler", "dynamodb:UpdateItem", "items", {}, NO),
    ("reconciler", "dynamodb:DeleteItem", "items", {}, NO),
    ("reconciler", "dynamodb:BatchWriteItem", "items", {}, NO),
    ("reconciler", "dynamodb:PartiQLInsert", "items", {}, NO),
    ("reconciler", "dynamodb:PartiQLUpdate", "items", {}, NO),
    ("reconciler", "dynamodb:GetRecords", "items' stream", {}, NO),
    # … the re-encryptor and the sweeper read and update, and neither replaces an item whole nor deletes one
    ("reencryptor", "dynamodb:GetItem", "items", {}, YES),
    ("reencryptor", "dynamodb:BatchGetItem", "items", {}, YES),
    ("reencryptor", "dynamodb:UpdateItem", "items", {}, YES),
    ("reencryptor", "dynamodb:PutItem", "items", {}, NO),
    ("reencryptor", "dynamodb:BatchWriteItem", "items", {}, NO),
    ("reencryptor", "dynamodb:DeleteItem", "items", {}, NO),
    ("reencryptor", "dynamodb:Scan", "items", {}, NO),
    ("reencryptor", "dynamodb:Query", "items", {}, NO),
    ("reencryptor", "dynamodb:GetRecords", "items' stream", {}, NO),
    ("sweeper", "dynamodb:Scan", "items", {}, YES),
    ("sweeper", "dynamodb:GetItem", "items", {}, YES),
    ("sweeper", "dynamodb:BatchGetItem", "items", {}, YES),
    ("sweeper", "dynamodb:UpdateItem", "items", {}, YES),
    ("sweeper", "dynamodb:PutItem", "items", {}, NO),
    ("sweeper", "dynamodb:DeleteItem", "items", {}, NO),
    # … the redriver only puts, as the encryptor
    ("redriver", "dynamodb:PutItem", "items", {}, YES),
    ("redriver", "dynamodb:GetItem", "items", {}, NO),
    ("redriver", "dynamodb:Scan", "items", {}, NO),
    ("redriver", "dynamodb:Query", "items", {}, NO),
    ("redriver", "dynamodb:UpdateItem", "items", {}, NO),
    ("redriver", "dynamodb:DeleteItem", "items", {}, NO),
    ("redriver", "dynamodb:GetRecords", "items' stream", {}, NO),
    # … and rotation knows the table's backups and none of its items
    ("reopener", "dynamodb:GetItem", "items", {}, NO),
    ("reopener", "dynamodb:UpdateItem", "items", {}, NO),
    ("rotation", "dynamodb:DescribeTable", "items", {}, YES),
    ("rotation", "dynamodb:DescribeContinuousBackups", "items", {}, YES),
    ("rotation", "dynamodb:GetItem", "items", {}, NO),
    ("rotation", "dynamodb:Scan", "items", {}, NO),
    ("rotation", "dynamodb:UpdateItem", "items", {}, NO),
    ("rotation", "dynamodb:UpdateContinuousBackups", "items", {}, NO),
    ("rotation", "dynamodb:RestoreTableToPointInTime", "items", {}, NO),
    # data keys: who seals reads and creates them, rotation changes them, the auditor reads all but the encrypted keys
    ("encryptor", "dynamodb:GetItem", "key store", {}, YES),
    ("encryptor", "dynamodb:BatchGetItem", "key store", {}, YES),
    ("encryptor", "dynamodb:PutItem", "key store", {}, YES),
    ("encryptor", "dynamodb:UpdateItem", "key store", {}, NO),
    ("encryptor", "dynamodb:DeleteItem", "key store", {}, NO),
    ("encryptor", "dynamodb:Scan", "key store", {}, NO),
    ("encryptor", "dynamodb:Query", "key store", {}, NO),
    ("reencryptor", "dynamodb:GetItem", "key store", {}, YES),
    ("reencryptor", "dynamodb:BatchGetItem", "key store", {}, YES),
    ("reencryptor", "dynamodb:PutItem", "key store", {}, YES),
    ("reencryptor", "dynamodb:UpdateItem", "key store", {}, NO),
    ("reencryptor", "dynamodb:DeleteItem", "key store", {}, NO),
    ("sweeper", "dynamodb:GetItem", "key store", {}, YES),
    ("sweeper", "dynamodb:BatchGetItem", "key store", {}, YES),
    ("sweeper", "dynamodb:PutItem", "key store", {}, YES),
    ("sweeper", "dynamodb:UpdateItem", "key store", {}, NO),
    ("sweeper", "dynamodb:Scan", "key store", {}, NO),
    ("rotation", "dynamodb:Scan", "key store", {}, YES),
    ("rotation", "dynamodb:Query", "key store", {}, YES),
    ("rotation", "dynamodb:GetItem", "key store", {}, YES),
    ("rotation", "dynamodb:BatchGetItem", "key store", {}, YES),
    ("rotation", "dynamodb:PutItem", "key store", {}, YES),
    ("rotation", "dynamodb:UpdateItem", "key store", {}, YES),
    ("rotation", "dynamodb:ConditionCheckItem", "key store", {}, YES),
    ("rotation", "dynamodb:DeleteItem", "key store", {}, NO),
    ("rotation", "dynamodb:BatchWriteItem", "key store", {}, NO),
    ("rotation", "dynamodb:DeleteTable", "key store", {}, NO),
    ("redriver", "dynamodb:GetItem", "key store", {}, YES),
    ("redriver", "dynamodb:BatchGetItem", "key store", {}, YES),
    ("redriver", "dynamodb:PutItem", "key store", {}, YES),
    ("redriver", "dynamodb:UpdateItem", "key store", {}, NO),
    ("redriver", "dynamodb:Scan", "key store", {}, NO),
    # … the reopener reads a key by its id and changes its state
    ("reopener", "dynamodb:BatchGetItem", "key store", {}, YES),
    ("reopener", "dynamodb:UpdateItem", "key store", {}, YES),
    ("reopener", "dynamodb:ConditionCheckItem", "key store", {}, YES),
    ("reopener", "dynamodb:GetItem", "key store", {}, NO),
    ("reopener", "dynamodb:Query", "key store", {}, NO),
    ("reopener", "dynamodb:Scan", "key store", {}, NO),
    ("reopener", "dynamodb:PutItem", "key store", {}, NO),
    ("reopener", "dynamodb:DeleteItem", "key store", {}, NO),
    # … by batches of keys, whether or not AWS fills in a `Select` that they do not have
    ("auditor", "dynamodb:BatchGetItem", "key store", KEY_STATES, YES),
    ("auditor", "dynamodb:BatchGetItem", "key store", KEY_STATES | SELECTED, YES),
    ("auditor", "dynamodb:BatchGetItem", "key store", ENCRYPTED_KEYS, NO),
    ("auditor", "dynamodb:BatchGetItem", "key store", ENCRYPTED_KEYS | SELECTED, NO),
    ("auditor", "dynamodb:BatchGetItem", "key store", {}, NO),
    ("auditor", "dynamodb:BatchGetItem", "key store", EVERY_ATTRIBUTE, NO),
    ("auditor", "dynamodb:BatchGetItem", "key store", ONLY_KEY_CONDITION | EVERY_ATTRIBUTE, NO),
    # … and by queries that say what they select
    ("auditor", "dynamodb:Query", "key store", KEY_STATES | SELECTED, YES),
    ("auditor", "dynamodb:Query", "key store", ENCRYPTED_KEYS | SELECTED, NO),
    ("auditor", "dynamodb:Query", "key store", {}, NO),
    ("auditor", "dynamodb:Query", "key store", EVERY_ATTRIBUTE, NO),
    ("auditor", "dynamodb:Query", "key store", ONLY_KEY_CONDITION, NO),
    ("auditor", "dynamodb:Query", "key store", ONLY_KEY_CONDITION | EVERY_ATTRIBUTE, NO),
    ("auditor", "dynamodb:GetItem", "key store", KEY_STATES, NO),
    ("auditor", "dynamodb:GetItem", "key store", KEY_STATES | SELECTED, NO),
    ("auditor", "dynamodb:Scan", "key store", KEY_STATES | SELECTED, NO),
    ("auditor", "dynamodb:PutItem", "key store", {}, NO),
    ("auditor", "dynamodb:UpdateItem", "key store", {}, NO),
    # … the reconciler as the auditor
    ("reconciler", "dynamodb:BatchGetItem", "key store", KEY_STATES, YES),
    ("reconciler", "dynamodb:BatchGetItem", "key store", ENCRYPTED_KEYS, NO),
    ("reconciler", "dynamodb:BatchGetItem", "key store", ENCRYPTED_KEYS | SELECTED, NO),
    ("reconciler", "dynamodb:BatchGetItem", "key store", {}, NO),
    ("reconciler", "dynamodb:Query", "key store", KEY_STATES | SELECTED, YES),
    ("reconciler", "dynamodb:Query", "key store", ENCRYPTED_KEYS | SELECTED, NO),
    ("reconciler", "dynamodb:Query", "key store", EVERY_ATTRIBUTE, NO),
    ("reconciler", "dynamodb:GetItem", "key store", KEY_STATES | SELECTED, NO),
    ("reconciler", "dynamodb:Scan", "key store", KEY_STATES | SELECTED, NO),
    ("reconciler", "dynamodb:PutItem", "key store", {}, NO),
    ("reconciler", "dynamodb:UpdateItem", "key store", {}, NO),
    # runs: rotation keeps them, nobody forgets one, and the workers store how far they are and begin none
    ("rotation", "dynamodb:GetItem", "runs", RUN_ROW, YES),
    ("rotation", "dynamodb:GetItem", "runs", {}, NO),
    ("rotation", "dynamodb:Query", "runs", RUN_ROW, YES),
    ("rotation", "dynamodb:Query", "runs", {}, NO),
    ("rotation", "dynamodb:PutItem", "runs", RUN_ROW, YES),
    ("rotation", "dynamodb:PutItem", "runs", {}, NO),
    ("rotation", "dynamodb:DeleteItem", "runs", {}, NO),
    ("sweeper", "dynamodb:GetItem", "runs", {}, YES),
    ("sweeper", "dynamodb:Query", "runs", {}, NO),
    ("sweeper", "dynamodb:PutItem", "runs", {**SEGMENT, **RUN_ROW}, YES),
    ("sweeper", "dynamodb:PutItem", "runs", SEGMENT, NO),
    ("sweeper", "dynamodb:PutItem", "runs", RUN, NO),
    ("sweeper", "dynamodb:PutItem", "runs", CURRENT_RUN, NO),
    ("sweeper", "dynamodb:PutItem", "runs", {}, NO),
    ("sweeper", "dynamodb:DeleteItem", "runs", {}, NO),
    ("reconciler", "dynamodb:GetItem", "runs", {}, YES),
    ("reconciler", "dynamodb:Query", "runs", {}, NO),
    ("reconciler", "dynamodb:PutItem", "runs", {**SEGMENT, **RUN_ROW}, YES),
    ("reconciler", "dynamodb:PutItem", "runs", SEGMENT, NO),
    ("reconciler", "dynamodb:PutItem", "runs", RUN, NO),
    ("reconciler", "dynamodb:PutItem", "runs", CURRENT_RUN, NO),
    ("reconciler", "dynamodb:PutItem", "runs", {}, NO),
    ("reconciler", "dynamodb:DeleteItem", "runs", {}, NO),
    ("reencryptor", "dynamodb:GetItem", "runs", {}, NO),
    ("reopener", "dynamodb:GetItem", "runs", {}, NO),
    ("reopener", "dynamodb:PutItem", "runs", {}, NO),
    ("encryptor", "dynamodb:PutItem", "runs", {}, NO),
    # findings: from the auditor to the re-encryptor
    ("auditor", "sqs:SendMessage", "findings queue", {}, YES),
    ("auditor", "sqs:SendMessage", "findings queue", {"aws:SecureTransport": "false"}, NO),
    ("auditor", "sqs:ReceiveMessage", "findings queue", {}, NO),
    ("auditor", "sqs:PurgeQueue", "findings queue", {}, NO),
    ("reconciler", "sqs:SendMessage", "findings queue", {}, YES),
    ("reconciler", "sqs:ReceiveMessage", "findings queue", {}, NO),
    ("reconciler", "sqs:DeleteMessage", "findings queue", {}, NO),
    ("reencryptor", "sqs:ReceiveMessage", "findings queue", {}, YES),
    ("reencryptor", "sqs:DeleteMessage", "findings queue", {}, YES),
    ("reencryptor", "sqs:GetQueueAttributes", "findings queue", {}, YES),
    ("reencryptor", "sqs:SendMessage", "findings queue", {}, NO),
    ("sweeper", "sqs:ReceiveMessage", "findings queue", {}, NO),
    ("reencryptor", "sqs:ReceiveMessage", "findings' dead letters", {}, NO),
    ("auditor", "sqs:SendMessage", "findings' dead letters", {}, NO),
    # quarantine: one way in; the sweeper seals anew what is held
    ("encryptor", "s3:PutObject", "quarantine object", {}, YES),
    ("encryptor", "dynamodb:PutItem", "quarantine index", {}, YES),
    ("encryptor", "s3:GetObject", "quarantine object", {}, NO),
    ("encryptor", "s3:DeleteObject", "quarantine object", {}, NO),
    ("encryptor", "dynamodb:GetItem", "quarantine index", {}, NO),
    ("encryptor", "dynamodb:UpdateItem", "quarantine index", {}, NO),
    ("encryptor", "dynamodb:DeleteItem", "quarantine index", {}, NO),
    ("encryptor", "s3:ListBucket", "quarantine bucket", {}, NO),
    # … and one way out: the redriver's
    ("redriver", "s3:PutObject", "quarantine object", {}, YES),
    ("redriver", "s3:GetObject", "quarantine object", {}, YES),
    ("redriver", "s3:DeleteObject", "quarantine object", {}, YES),
    ("redriver", "s3:GetObjectVersion", "quarantine object", {}, NO),
    ("redriver", "s3:DeleteObjectVersion", "quarantine object", {}, NO),
    ("redriver", "s3:ListBucket", "quarantine bucket", {}, YES),
    ("redriver", "s3:PutLifecycleConfiguration", "quarantine bucket", {}, NO),
    ("redriver", "dynamodb:PutItem", "quarantine index", {}, YES),
    ("redriver", "dynamodb:GetItem", "quarantine index", {}, YES),
    ("redriver", "dynamodb:UpdateItem", "quarantine index", {}, YES),
    ("redriver", "dynamodb:DeleteItem", "quarantine index", {}, NO),
    ("redriver", "dynamodb:Scan", "quarantine index", {}, NO),
    ("redriver", "s3:GetObject", "quarantine object", {"aws:SecureTransport": "false"}, NO),
    ("auditor", "s3:GetObject", "quarantine object", {}, NO),
    ("auditor", "dynamodb:GetItem", "quarantine index", {}, NO),
    ("sweeper", "s3:ListBucket", "quarantine bucket", {}, YES),
    ("sweeper", "s3:ListBucketVersions", "quarantine bucket", {}, YES),
    ("sweeper", "s3:GetObject", "quarantine object", {}, YES),
    ("sweeper", "s3:GetObjectVersion", "quarantine object", {}, YES),
    ("sweeper", "s3:PutObject", "quarantine object", {}, YES),
    ("sweeper", "s3:DeleteObject", "quarantine object", {}, NO),
    ("sweeper", "s3:DeleteObjectVersion", "quarantine object", {}, NO),
    ("sweeper", "dynamodb:PutItem", "quarantine index", {}, NO),
    ("reconciler", "s3:GetObject", "quarantine object", {}, NO),
    ("reconciler", "s3:ListBucket", "quarantine bucket", {}, NO),
    ("reencryptor", "s3:GetObject", "quarantine object", {}, NO),
    ("rotation", "s3:GetObject", "quarantine object", {}, NO),
    # … and rotation counts what waits there
    ("rotation", "dynamodb:Scan", "quarantine index", {"dynamodb:Select": "COUNT"}, YES),
    ("rotation", "dynamodb:Scan", "quarantine index", {"dynamodb:Select": "ALL_ATTRIBUTES"}, NO),
    ("rotation", "dynamodb:Scan", "quarantine index", {}, NO),
    ("rotation", "dynamodb:GetItem", "quarantine index", {}, NO),
    ("encryptor", "s3:PutObject", "quarantine object", {"aws:SecureTransport": "false"}, NO),
    (ADMINISTRATOR, "s3:GetObject", "quarantine object", {"aws:SecureTransport": "false"}, NO),
    # the landing ingest reads objects and puts records; it opens, seals, writes and quarantines nothing
    ("landing-ingest", "s3:GetObjectVersion", "landing object", {}, YES),
    ("landing-ingest", "s3:GetObjectVersionTagging", "landing object", {}, YES),
    ("landing-ingest", "s3:PutObjectVersionTagging", "landing object", {}, YES),
    ("landing-ingest", "s3:GetObjectVersion", "landing object", {"aws:SecureTransport": "false"}, NO),
    ("landing-ingest", "s3:ListBucket", "landing bucket", {}, YES),
    ("landing-ingest", "s3:PutObject", "landing object", {}, NO),
    ("landing-ingest", "s3:DeleteObject", "landing object", {}, NO),
    ("landing-ingest", "s3:DeleteObjectVersion", "landing object", {}, NO),
    ("landing-ingest", "s3:PutBucketNotification", "landing bucket", {}, NO),
    ("landing-ingest", "s3:GetObjectVersion", "quarantine object", {}, NO),
    ("landing-ingest", "s3:PutObject", "quarantine object", {}, NO),
    ("landing-ingest", "dynamodb:PutItem", "quarantine index", {}, NO),
    ("landing-ingest", "kinesis:PutRecords", "source stream", {}, YES),
    ("landing-ingest", "kinesis:GetRecords", "source stream", {}, NO),
    ("landing-ingest", "dynamodb:GetItem", "landing progress", {}, YES),
    ("landing-ingest", "dynamodb:PutItem", "landing progress", {}, YES),
    ("landing-ingest", "dynamodb:Scan", "landing progress", {}, NO),
    ("landing-ingest", "dynamodb:DeleteItem", "landing progress", {}, NO),
    ("landing-ingest", "sqs:ReceiveMessage", "landing queue", {}, YES),
    ("landing-ingest", "sqs:DeleteMessage", "landing queue", {}, YES),
    ("landing-ingest", "sqs:GetQueueAttributes", "landing queue", {}, YES),
    ("landing-ingest", "sqs:SendMessage", "landing queue", {}, YES),
    ("landing-ingest", "sqs:PurgeQueue", "landing queue", {}, NO),
    ("landing-ingest", "sqs:SendMessage", "landing-ingest's dead letters", {}, YES),
    ("landing-ingest", "sqs:ReceiveMessage", "landing-ingest's dead letters", {}, NO),
    ("landing-ingest", "sqs:SendMessage", "findings queue", {}, NO),
    ("landing-ingest", "kms:Decrypt", "attribute key", CONTEXT, NO),
    ("landing-ingest", "kms:GenerateDataKey", "attribute key", CONTEXT, NO),
    ("landing-ingest", "kms:Decrypt", "storage key", through("s3"), YES),
    ("landing-ingest", "kms:Decrypt", "storage key", {}, NO),
    ("landing-ingest", "dynamodb:GetItem", "key store", {}, NO),
    ("landing-ingest", "dynamodb:PutItem", "items", {}, NO),
    ("landing-ingest", "dynamodb:GetItem", "items", {}, NO),
    ("landing-ingest", "sts:AssumeRole", "encryptor's role", {}, NO),
    ("landing-ingest", "logs:PutLogEvents", "landing-ingest's log", {}, YES),
    ("landing-ingest", "logs:PutLogEvents", "encryptor's log", {}, NO),
    ("encryptor", "s3:GetObjectVersion", "landing object", {}, NO),
    # what is uploaded lies under the storage key: the bucket's own, or named
    (ADMINISTRATOR, "s3:PutObject", "landing object", {}, YES),
    (ADMINISTRATOR, "s3:PutObject", "landing object", {ENCRYPTION: "AES256"}, NO),
    (ADMINISTRATOR, "s3:PutObject", "landing object", {ENCRYPTION: "aws:kms:dsse"}, NO),
    (ADMINISTRATOR, "s3:PutObject", "landing object", {ENCRYPTION: "aws:kms"}, NO),
    (ADMINISTRATOR, "s3:PutObject", "landing object", {ENCRYPTION: "aws:kms", ENCRYPTION_KEY: OTHER_KEY}, NO),
    (ADMINISTRATOR, "s3:PutObject", "landing object", {ENCRYPTION_KEY: OTHER_KEY}, NO),
    (ADMINISTRATOR, "s3:PutObject", "landing object", {f"{ENCRYPTION}-customer-algorithm": "AES256"}, NO),
    ("encryptor", "sqs:ReceiveMessage", "landing queue", {}, NO),
    ("auditor", "s3:GetObjectVersion", "landing object", {}, NO),
    # the source stream, the dead letters, the logs
    ("encryptor", "kinesis:GetRecords", "source stream", {}, YES),
    ("encryptor", "kinesis:PutRecord", "source stream", {}, NO),
    ("redriver", "kinesis:GetRecords", "source stream", {}, YES),
    ("redriver", "kinesis:GetShardIterator", "source stream", {}, YES),
    ("redriver", "kinesis:ListShards", "source stream", {}, YES),
    ("redriver", "kinesis:DescribeStreamSummary", "source stream", {}, YES),
    ("redriver", "kinesis:PutRecord", "source stream", {}, NO),
    ("redriver", "sqs:ReceiveMessage", "encryptor's dead letters", {}, NO),
    ("redriver", "sqs:SendMessage", "encryptor's dead letters", {}, NO),
    ("redriver", "sqs:SendMessage", "findings queue", {}, NO),
    ("redriver", "logs:PutLogEvents", "redriver's log", {}, YES),
    ("redriver", "logs:PutLogEvents", "encryptor's log", {}, NO),
    ("redriver", "lambda:InvokeFunction", "reopener function", {}, NO),
    ("redriver", "lambda:InvokeFunction", "encryptor", {}, NO),
    ("redriver", "dynamodb:GetItem", "runs", {}, NO),
    ("auditor", "kinesis:GetRecords", "source stream", {}, NO),
    ("encryptor", "sqs:SendMessage", "encryptor's dead letters", {}, YES),
    ("encryptor", "sqs:ReceiveMessage", "encryptor's dead letters", {}, NO),
    ("encryptor", "sqs:SendMessage", "auditor's dead letters", {}, NO),
    ("auditor", "sqs:SendMessage", "auditor's dead letters", {}, YES),
    ("auditor", "sqs:SendMessage", "auditor's dead letters", {"aws:SecureTransport": "false"}, NO),
    ("auditor", "logs:PutLogEvents", "auditor's log", {}, YES),
    ("auditor", "logs:PutLogEvents", "encryptor's log", {}, NO),
    ("auditor", "logs:DeleteLogStream", "auditor's log", {}, NO),
    ("rotation", "logs:PutLogEvents", "rotation's log", {}, YES),
    ("rotation", "logs:PutLogEvents", "auditor's log", {}, NO),
    ("reopener", "logs:PutLogEvents", "reopener's log", {}, YES),
    ("reopener", "logs:PutLogEvents", "rotation's log", {}, NO),
    ("reconciler", "logs:PutLogEvents", "reconciler's log", {}, YES),
    ("reconciler", "logs:PutLogEvents", "auditor's log", {}, NO),
    ("reconciler", "kinesis:GetRecords", "source stream", {}, NO),
    ("reencryptor", "kinesis:GetRecords", "source stream", {}, NO),
    # functions: who meets a retired key has it reopened, and begins no run; the state machine calls who drives one
    ("reencryptor", "lambda:InvokeFunction", "reopener function", {}, YES),
    ("sweeper", "lambda:InvokeFunction", "reopener function", {}, YES),
    ("reencryptor", "lambda:InvokeFunction", "rotation function", {}, NO),
    ("sweeper", "lambda:InvokeFunction", "rotation function", {}, NO),
    ("sweeper", "lambda:InvokeFunction", "sweeper function", {}, NO),
    ("reencryptor", "states:StartExecution", "rotation machine", {}, NO),
    ("sweeper", "states:StartExecution", "rotation machine", {}, NO),
    ("reencryptor", "lambda:UpdateFunctionCode", "reopener function", {}, NO),
    ("auditor", "lambda:InvokeFunction", "reopener function", {}, NO),
    ("encryptor", "lambda:InvokeFunction", "reopener function", {}, NO),
    ("reopener", "lambda:InvokeFunction", "rotation function", {}, NO),
    ("reopener", "states:StartExecution", "rotation machine", {}, NO),
    ("rotation", "lambda:InvokeFunction", "reopener function", {}, NO),
    ("rotation-machine", "lambda:InvokeFunction", "reopener function", {}, NO),
    ("reencryptor", "lambda:InvokeFunction", "sweeper function", {}, NO),
    ("rotation", "lambda:InvokeFunction", "sweeper function", {}, NO),
    ("rotation-machine", "lambda:InvokeFunction", "rotation function", {}, YES),
    ("rotation-machine", "lambda:InvokeFunction", "sweeper function", {}, YES),
    ("rotation-machine", "lambda:InvokeFunction", "reconciler function", {}, YES),
    ("reconciler", "lambda:InvokeFunction", "reopener function", {}, NO),
    ("reconciler", "lambda:InvokeFunction", "sweeper function", {}, NO),
    ("reconciler", "states:StartExecution", "rotation machine", {}, NO),
    ("rotation-machine", "lambda:InvokeFunction", "encryptor", {}, NO),
    ("rotation-machine", "dynamodb:GetItem", "runs", {}, NO),
    ("rotation-machine", "kms:Decrypt", "attribute key", CONTEXT, NO),
    # … and runs its own map; EventBridge only starts it
    ("rotation-machine", "states:StartExecution", "rotation machine", {}, YES),
    ("rotation-machine", "states:DescribeExecution", "execution of the machine", {}, YES),
    ("rotation-machine", "states:StopExecution", "execution of the machine", {}, YES),
    ("rotation-machine", "states:UpdateStateMachine", "rotation machine", {}, NO),
    ("rotation-start", "states:StartExecution", "rotation machine", {}, YES),
    ("rotation-start", "states:StopExecution", "execution of the machine", {}, NO),
    ("rotation-start", "lambda:InvokeFunction", "rotation function", {}, NO),
    ("rotation", "states:StartExecution", "rotation machine", {}, NO),
    # no role makes itself another
    ("encryptor", "sts:AssumeRole", "auditor's role", {}, NO),
    ("auditor", "sts:AssumeRole", "encryptor's role", {}, NO),
    ("reconciler", "sts:AssumeRole", "encryptor's role", {}, NO),
    ("auditor", "lambda:InvokeFunction", "encryptor", {}, NO),
    # the reauditor has the auditor's rights, and no dead letters
    ("reauditor", "kms:Decrypt", "attribute key", CONTEXT, NO),
    ("reauditor", "kms:GenerateDataKey", "attribute key", CONTEXT, NO),
    ("reauditor", "kms:DescribeKey", "attribute key", {}, NO),
    ("reauditor", "kms:GenerateDataKey", "storage key", through("sqs"), YES),
    ("reauditor", "kms:DescribeKey", "storage key", through("dynamodb"), YES),
    ("reauditor", "kms:DescribeKey", "storage key", {}, NO),
    ("reauditor", "kms:Decrypt", "storage key", through("ssm"), NO),
    ("reauditor", "kms:Decrypt", "storage key", {}, NO),
    ("reauditor", "dynamodb:PutItem", "items", {}, NO),
    ("reauditor", "dynamodb:UpdateItem", "items", {}, NO),
    ("reauditor", "dynamodb:DeleteItem", "items", {}, NO),
    ("reauditor", "dynamodb:BatchWriteItem", "items", {}, NO),
    ("reauditor", "dynamodb:PartiQLUpdate", "items", {}, NO),
    ("reauditor", "dynamodb:GetItem", "items", {}, NO),
    ("reauditor", "dynamodb:Scan", "items", {}, NO),
    ("reauditor", "dynamodb:GetRecords", "items' stream", {}, YES),
    ("reauditor", "dynamodb:GetShardIterator", "items' stream", {}, YES),
    ("reauditor", "dynamodb:DescribeStream", "items' stream", {}, YES),
    ("reauditor", "dynamodb:BatchGetItem", "key store", KEY_STATES, YES),
    ("reauditor", "dynamodb:BatchGetItem", "key store", KEY_STATES | SELECTED, YES),
    ("reauditor", "dynamodb:BatchGetItem", "key store", ENCRYPTED_KEYS, NO),
    ("reauditor", "dynamodb:BatchGetItem", "key store", ENCRYPTED_KEYS | SELECTED, NO),
    ("reauditor", "dynamodb:BatchGetItem", "key store", {}, NO),
    ("reauditor", "dynamodb:BatchGetItem", "key store", EVERY_ATTRIBUTE, NO),
    ("reauditor", "dynamodb:BatchGetItem", "key store", ONLY_KEY_CONDITION | EVERY_ATTRIBUTE, NO),
    ("reauditor", "dynamodb:Query", "key store", KEY_STATES | SELECTED, YES),
    ("reauditor", "dynamodb:Query", "key store", ENCRYPTED_KEYS | SELECTED, NO),
    ("reauditor", "dynamodb:Query", "key store", {}, NO),
    ("reauditor", "dynamodb:Query", "key store", EVERY_ATTRIBUTE, NO),
    ("reauditor", "dynamodb:Query", "key store", ONLY_KEY_CONDITION, NO),
    ("reauditor", "dynamodb:Query", "key store", ONLY_KEY_CONDITION | EVERY_ATTRIBUTE, NO),
    ("reauditor", "dynamodb:GetItem", "key store", KEY_STATES, NO),
    ("reauditor", "dynamodb:GetItem", "key store", KEY_STATES | SELECTED, NO),
    ("reauditor", "dynamodb:Scan", "key store", KEY_STATES | SELECTED, NO),
    ("reauditor", "dynamodb:PutItem", "key store", {}, NO),
    ("reauditor", "dynamodb:UpdateItem", "key store", {}, NO),
    ("reauditor", "sqs:SendMessage", "findings queue", {}, YES),
    ("reauditor", "sqs:SendMessage", "findings queue", {"aws:SecureTransport": "false"}, NO),
    ("reauditor", "sqs:ReceiveMessage", "findings queue", {}, NO),
    ("reauditor", "sqs:PurgeQueue", "findings queue", {}, NO),
    ("reauditor", "sqs:SendMessage", "findings' dead letters", {}, NO),
    ("reauditor", "s3:GetObject", "quarantine object", {}, NO),
    ("reauditor", "dynamodb:GetItem", "quarantine index", {}, NO),
    ("reauditor", "kinesis:GetRecords", "source stream", {}, NO),
    ("reauditor", "sqs:SendMessage", "auditor's dead letters", {}, NO),
    ("reauditor", "logs:PutLogEvents", "reauditor's log", {}, YES),
    ("reauditor", "logs:PutLogEvents", "encryptor's log", {}, NO),
    ("reauditor", "logs:DeleteLogStream", "reauditor's log", {}, NO),
    ("reauditor", "lambda:InvokeFunction", "reopener function", {}, NO),
    ("reauditor", "sts:AssumeRole", "encryptor's role", {}, NO),
    ("reauditor", "lambda:InvokeFunction", "encryptor", {}, NO),
    ("reauditor", "logs:PutLogEvents", "auditor's log", {}, NO),
    ("reauditor", "lambda:InvokeFunction", "auditor", {}, NO),
    *OF_THE_API,
    *OF_THE_WRITERS,
    *OF_THE_NOTARY,
    *OF_WHO_RUNS_THE_ACCOUNT,
]


@pytest.fixture(scope="module")
def arns(cloud) -> dict[str, str]:
    table = cloud.one("AWS::DynamoDB::Table", under="Items").arn
    machine = cloud.one("AWS::StepFunctions::StateMachine").arn
    trail = cloud.one("AWS::S3::Bucket", under="Audit").arn
    return {
        "attribute key": cloud.one("AWS::KMS::Key", under="Attribute").arn,
        "signing key": cloud.one("AWS::KMS::Key", under="Signing").arn,
        "audit bucket": trail,
        "manifest": f"{trail}/manifests/000000000001.json",
        "object of no stage": f"{trail}/x",
        "segment of no stage": f"{trail}/segments/2026/11/21/00/nobody/x-0",
        **{f"{stage}'s segment": f"{trail}/segments/2026/11/21/00/{stage}/x-0" for stage in (*WRITERS, "notary")},
        "notary's log": cloud.one("AWS::Logs::LogGroup", under="Attesting").arn.replace(":*", ":log-stream:x"),
        "storage key": cloud.one("AWS::KMS::Key", under="Storage").arn,
        "key store": cloud.one("AWS::DynamoDB::Table", under="DataKeys").arn,
        "items": table,
        "items' stream": cloud.outputs()["TableStream"],
        "runs": cloud.one("AWS::DynamoDB::Table", under="RunStore").arn,
        "findings queue": cloud.one("AWS::SQS::Queue", under="FindingsQueue").arn,
        "findings' dead letters": cloud.one("AWS::SQS::Queue", under="FindingsDeadLetters").arn,
        "quarantine bucket": cloud.one("AWS::S3::Bucket", under="Quarantine").arn,
        "quarantine object": f"{cloud.one('AWS::S3::Bucket', under='Quarantine').arn}/2026/11/21/0123",
        "quarantine index": cloud.one("AWS::DynamoDB::Table", under="Quarantine").arn,
        "landing bucket": cloud.one("AWS::S3::Bucket", under="Landing").arn,
        "landing object": f"{cloud.one('AWS::S3::Bucket', under='Landing').arn}/tenant=acme/a.json",
        "landing queue": cloud.one("AWS::SQS::Queue", under="LandingQueue").arn,
        "landing-ingest's dead letters": cloud.one("AWS::SQS::Queue", under="LandingDeadLetters").arn,
        "landing progress": cloud.one("AWS::DynamoDB::Table", under="Landing").arn,
        "landing-ingest's log": cloud.one("AWS::Logs::LogGroup", under="Landing").arn.replace(":*", ":log-stream:x"),
        "source stream": cloud.one("AWS::Kinesis::Stream").arn,
        "encryptor's dead letters": cloud.one("AWS::SQS::Queue", under="Sealing").arn,
        "auditor's dead letters": cloud.one("AWS::SQS::Queue", under="Auditing").arn,
        "encryptor's log": cloud.one("AWS::Logs::LogGroup", under="Sealing").arn.replace(":*", ":log-stream:x"),
        "redriver's log": cloud.one("AWS::Logs::LogGroup", under="Redriving").arn.replace(":*", ":log-stream:x"),
        "auditor's log": cloud.one("AWS::Logs::LogGroup", under="Auditing").arn.replace(":*", ":log-stream:x"),
        "rotation's log": cloud.one("AWS::Logs::LogGroup", under="Rotating").arn.replace(":*", ":log-stream:x"),
        "reopener's log": cloud.one("AWS::Logs::LogGroup", under="Reopening").arn.replace(":*", ":log-stream:x"),
        "encryptor's role": cloud.one("AWS::IAM::Role", under="Sealing").arn,
        "auditor's role": cloud.one("AWS::IAM::Role", under="Auditing").arn,
        "encryptor": cloud.one("AWS::Lambda::Function", under="Sealing").arn,
        "auditor": cloud.one("AWS::Lambda::Function", under="Auditing").arn,
        "reauditor's log": cloud.one("AWS::Logs::LogGroup", under="Reauditing").arn.replace(":*", ":log-stream:x"),
        "rotation function": cloud.one("AWS::Lambda::Function", under="Rotating").arn,
        "reopener function": cloud.one("AWS::Lambda::Function", under="Reopening").arn,
        "reconciler's log": cloud.one("AWS::Logs::LogGroup", under="Reconciling").arn.replace(":*", ":log-stream:x"),
        "reconciler function": cloud.one("AWS::Lambda::Function", under="Reconciling").arn,
        "sweeper function": cloud.one("AWS::Lambda::Function", under="Sweeping").arn,
        "tenant API's log": cloud.one("AWS::Logs::LogGroup", under="ServingConsumer").arn.replace(
            ":*", ":log-stream:x"
        ),
        "access log": cloud.one("AWS::Logs::LogGroup", under="ServingAccess").arn.replace(":*", ":log-stream:x"),
        "ensure-keys' log": cloud.one("AWS::Logs::LogGroup", under="Ensuring").arn.replace(":*", ":log-stream:x"),
        "tenant API": cloud.one("AWS::Lambda::Function", under="Serving").arn,
        "ensure-keys": cloud.one("AWS::Lambda::Function", under="Ensuring").arn,
        "tenant role": f"arn:aws:iam::{ACCOUNT}:role/sealstream-tenant",
        "limited tenant role": f"arn:aws:iam::{ACCOUNT}:role/sealstream-tenant-limited",
        "rotation machine": machine,
        "execution of the machine": f"{machine.replace(':stateMachine:', ':execution:')}:0123",
    }


@pytest.fixture(scope="module")
def answers(cloud, arns) -> list[str]:
    requests = [Request(role, action, arns[resource], context) for role, action, resource, context, _ in TABLE]
    return [YES if answer == "Allowed" else NO for answer in Account(cloud).decide(requests)]


def _row_id(row) -> str:
    role, action, resource, context, answer = row
    circumstances = ",".join(f"{key.rsplit(':', 1)[-1]}={value}" for key, value in context.items())
    return f"{role} {action} {resource} [{circumstances}] {answer}"


@pytest.mark.parametrize("index", range(len(TABLE)), ids=[_row_id(row) for row in TABLE])
def test_rights(answers, index):
    assert TABLE[index][-1] == answers[index]


def test_an_upload_that_names_the_storage_key_is_taken(cloud, arns):
    named: Circumstances = {ENCRYPTION: "aws:kms", ENCRYPTION_KEY: arns["storage key"]}

    assert ["Allowed"] == Account(cloud).decide([Request(ADMINISTRATOR, "s3:PutObject", arns["landing object"], named)])


def test_the_auditors_list_is_every_attribute_of_the_key_store_but_the_encrypted_key():
    row = DataKeyRow("acme", 1, "pii", b"", "arn", "", KeyState.RETIRED, 0.0, "", 0.0, "run", "run", 0.0)
    written = data_key_item(row) | pointer_item("acme", "pii", 1) | policy_item(bytes(8), "", 0.0)

    assert written.keys() - {"encrypted_data_key"} == set(AUDITOR_READS)
    assert {*STATUS_ATTRIBUTES, *POLICY_ATTRIBUTES} <= set(AUDITOR_READS), "what it asks for"


def test_who_may_write_a_segments_attributes_alone_writes_segments_and_neither_a_run_nor_the_name_of_one():
    run = Run("5" * 32, RunKind.DESTRUCTION, Phase.CENSUS, started_at=0.0, segments=1, workers=1)

    assert set(SEGMENT_ATTRIBUTES) == segment_row(Segment(run.run_id, Phase.SWEEP, 0)).keys()
    assert not run_row(run).keys() <= set(SEGMENT_ATTRIBUTES)
    assert not current_row(run.kind, run.run_id).keys() <= set(SEGMENT_ATTRIBUTES)
