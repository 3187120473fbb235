"""Who signs the audit trail's manifests, and who writes and reads them: rows of the table in `test_rights`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from infra.rights import SEGMENT_ATTRIBUTES
from shared.aws.trail_end import PARTITION
from tests.infra.simulator import ADMINISTRATOR, DEPLOYER

Row: TypeAlias = tuple[str, str, str, Mapping[str, Sequence[str]], str]

YES, NO = "allowed", "denied"
WHERE_NOTHING_IS: Final = {"s3:if-none-match": "*"}

TRAIL_ROW: Final = {"dynamodb:LeadingKeys": [PARTITION]}
RUN_ROW: Final = {"dynamodb:LeadingKeys": ["0" * 32]}
AS_A_SEGMENT: Final = {"dynamodb:Attributes": sorted(SEGMENT_ATTRIBUTES)}

WRITERS: Final = (
    *("landing-ingest", "encryptor", "redriver", "auditor", "reauditor", "reconciler", "reencryptor", "sweeper"),
    *("reopener", "rotation", "tenant-api", "ensure-keys"),
)
OF_THE_WRITERS: Final[list[Row]] = [
    row
    for one, other in zip(WRITERS, (*WRITERS[1:], WRITERS[0]), strict=True)
    for row in (
        # each puts segments of its own stage where nothing is, and does nothing else to the trail
        (one, "s3:PutObject", f"{one}'s segment", WHERE_NOTHING_IS, YES),
        (one, "s3:PutObject", f"{one}'s segment", {}, NO),
        (one, "s3:PutObject", f"{other}'s segment", WHERE_NOTHING_IS, NO),
        (one, "s3:GetObject", f"{one}'s segment", {}, NO),
        (one, "s3:GetObjectVersion", f"{one}'s segment", {}, NO),
        (one, "s3:DeleteObject", f"{one}'s segment", {}, NO),
        (one, "s3:DeleteObjectVersion", f"{one}'s segment", {}, NO),
        (one, "s3:BypassGovernanceRetention", f"{one}'s segment", {}, NO),
        (one, "s3:PutObjectRetention", f"{one}'s segment", {}, NO),
        (one, "s3:ListBucket", "audit bucket", {}, NO),
        # and nobody does it for it
        (ADMINISTRATOR, "s3:PutObject", f"{one}'s segment", WHERE_NOTHING_IS, NO),
        (DEPLOYER, "s3:PutObject", f"{one}'s segment", WHERE_NOTHING_IS, NO),
    )
]
_CONFIGURING: Final = (
    *("PutBucketObjectLockConfiguration", "PutBucketVersioning", "PutLifecycleConfiguration"),
    *("PutEncryptionConfiguration", "PutReplicationConfiguration"),
)
_REPLACING: Final = ("ReplicateObject", "ReplicateDelete", "ObjectOwnerOverrideToBucketOwner", "UpdateObjectEncryption")
OF_WHO_RUNS_THE_ACCOUNT: Final[list[Row]] = [
    # what the bucket and its key are, deployments say, and nobody by hand
    *((ADMINISTRATOR, f"s3:{action}", "audit bucket", {}, NO) for action in _CONFIGURING),
    *((DEPLOYER, f"s3:{action}", "audit bucket", {}, YES) for action in _CONFIGURING),
    (ADMINISTRATOR, "kms:DisableKey", "storage key", {}, NO),
    (ADMINISTRATOR, "kms:ScheduleKeyDeletion", "storage key", {}, NO),
    (DEPLOYER, "kms:ScheduleKeyDeletion", "storage key", {}, YES),
    # nothing comes by other ways than a put, or gets under another key
    *((who, f"s3:{action}", "manifest", {}, NO) for action in _REPLACING for who in (ADMINISTRATOR, DEPLOYER)),
    (ADMINISTRATOR, "s3:PutObject", "object of no stage", WHERE_NOTHING_IS, NO),
    (ADMINISTRATOR, "s3:PutObject", "segment of no stage", WHERE_NOTHING_IS, NO),
    # nobody is locked out of the policies that say so
    (ADMINISTRATOR, "s3:PutBucketPolicy", "audit bucket", {}, YES),
    (ADMINISTRATOR, "kms:PutKeyPolicy", "storage key", {}, YES),
]
OF_THE_NOTARY: Final[list[Row]] = [
    # the notary signs, and nobody else
    ("notary", "kms:Sign", "signing key", {}, YES),
    ("notary", "kms:GetPublicKey", "signing key", {}, YES),
    ("notary", "kms:DisableKey", "signing key", {}, NO),
    ("notary", "kms:ScheduleKeyDeletion", "signing key", {}, NO),
    ("notary", "kms:CreateGrant", "signing key", {}, NO),
    ("auditor", "kms:Sign", "signing key", {}, NO),
    ("encryptor", "kms:Sign", "signing key", {}, NO),
    ("rotation", "kms:Sign", "signing key", {}, NO),
    (ADMINISTRATOR, "kms:Sign", "signing key", {}, NO),
    (ADMINISTRATOR, "kms:CreateGrant", "signing key", {}, NO),
    (ADMINISTRATOR, "kms:GetPublicKey", "signing key", {}, YES),
    (ADMINISTRATOR, "kms:DisableKey", "signing key", {}, YES),
    (ADMINISTRATOR, "kms:ScheduleKeyDeletion", "signing key", {}, NO),
    (ADMINISTRATOR, "kms:PutKeyPolicy", "signing key", {}, YES),
    (DEPLOYER, "kms:ScheduleKeyDeletion", "signing key", {}, YES),
    (DEPLOYER, "kms:PutKeyPolicy", "signing key", {}, YES),
    # it writes manifests where nothing is, and its own segments; nobody else writes manifests
    ("notary", "s3:PutObject", "manifest", WHERE_NOTHING_IS, YES),
    ("notary", "s3:PutObject", "manifest", {}, NO),
    ("notary", "s3:PutObject", "notary's segment", WHERE_NOTHING_IS, YES),
    ("notary", "s3:PutObject", "auditor's segment", WHERE_NOTHING_IS, NO),
    ("auditor", "s3:PutObject", "manifest", WHERE_NOTHING_IS, NO),
    ("encryptor", "s3:PutObject", "manifest", WHERE_NOTHING_IS, NO),
    (ADMINISTRATOR, "s3:PutObject", "manifest", WHERE_NOTHING_IS, NO),
    # it reads the trail whole, and takes nothing away
    ("notary", "s3:ListBucketVersions", "audit bucket", {}, YES),
    ("notary", "s3:GetObject", "manifest", {}, YES),
    ("notary", "s3:GetObjectVersion", "auditor's segment", {}, YES),
    ("notary", "s3:DeleteObject", "manifest", {}, NO),
    ("notary", "s3:DeleteObjectVersion", "manifest", {}, NO),
    ("notary", "s3:PutObjectRetention", "manifest", {}, NO),
    (ADMINISTRATOR, "s3:DeleteObjectVersion", "manifest", {}, NO),
    (ADMINISTRATOR, "s3:BypassGovernanceRetention", "manifest", {}, NO),
    # it notes in the runs table how far the trail goes; nobody else writes that row, and it no other
    ("notary", "dynamodb:GetItem", "runs", TRAIL_ROW, YES),
    ("notary", "dynamodb:PutItem", "runs", TRAIL_ROW, YES),
    ("notary", "dynamodb:PutItem", "runs", RUN_ROW, NO),
    ("notary", "dynamodb:GetItem", "runs", RUN_ROW, NO),
    ("notary", "dynamodb:PutItem", "runs", {}, NO),
    ("notary", "dynamodb:DeleteItem", "runs", TRAIL_ROW, NO),
    ("notary", "dynamodb:UpdateItem", "runs", TRAIL_ROW, NO),
    ("rotation", "dynamodb:PutItem", "runs", RUN_ROW, YES),
    ("rotation", "dynamodb:PutItem", "runs", TRAIL_ROW, NO),
    *(
        (worker, "dynamodb:PutItem", "runs", AS_A_SEGMENT | row, may)
        for worker in ("sweeper", "reconciler")
        for row, may in ((RUN_ROW, YES), (TRAIL_ROW, NO))
    ),
    # and has nothing to do with what is sealed
    ("notary", "kms:Decrypt", "attribute key", {}, NO),
    ("notary", "dynamodb:GetItem", "items", {}, NO),
    ("notary", "dynamodb:GetItem", "key store", {}, NO),
    ("notary", "s3:GetObject", "quarantine object", {}, NO),
    ("notary", "kinesis:GetRecords", "source stream", {}, NO),
    ("notary", "logs:PutLogEvents", "notary's log", {}, YES),
    ("notary", "logs:PutLogEvents", "auditor's log", {}, NO),
]
