"""Nothing is lost, nothing lies about in clear: what the templates say of every store, stream, queue and log."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from fnmatch import fnmatch

import pytest

from consumers.auditor.lag import LAG_AT_MOST_SECONDS
from shared.keys.barrier import LONGEST_FUNCTION_SECONDS
from shared.landing import OUTCOME_TAG, State
from shared.runtime.settings import (
    AuditorSettings,
    EncryptorSettings,
    LandingIngestSettings,
    ReauditorSettings,
    ReconcilerSettings,
    RedriverSettings,
    ReencryptorSettings,
    ReopenerSettings,
    RotationSettings,
    SweeperSettings,
    TrailSettings,
)
from shared.trail.segments import SegmentName
from tests.infra.synthesis import ACCOUNT, REGION

DAY_SECONDS = 24 * 3600
PACKAGES = (
    *("landing_ingest", "encryptor", "auditor", "reencryptor", "sweeper", "rotation", "reopener", "tenant_api"),
    "notary",
)
"""Those of the consumers, each with a function of its name, with hyphens."""
OF_THE_TRAIL = {"SEALSTREAM_AUDIT_BUCKET", "SEALSTREAM_STAGE", "SEALSTREAM_LOG_EVERY_EVENT"}
STATEFUL = {
    "AWS::KMS::Key",
    "AWS::DynamoDB::Table",
    "AWS::Kinesis::Stream",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
}


def test_keys_and_data_outlive_their_stack_but_not_a_first_deployment_that_fails(cloud):
    left = {(r.logical_id, r.deletion_policy, r.replace_policy) for r in cloud.resources() if r.type in STATEFUL}

    assert {(name, "RetainExceptOnCreate", "Retain") for name, _, _ in left} == left
    assert len(left) == 33


@pytest.mark.parametrize("stack", ["SealstreamKeys", "SealstreamData"])
def test_a_stack_that_holds_keys_or_data_is_not_deleted_by_mistake(cloud, stack):
    manifest = json.loads((cloud.folder / "manifest.json").read_text(encoding="utf-8"))

    assert manifest["artifacts"][stack]["properties"]["terminationProtection"]


def test_every_table_is_recoverable_hard_to_delete_and_encrypted_with_the_storage_key(cloud):
    storage_key = cloud.one("AWS::KMS::Key", under="Storage").arn
    tables = cloud.resources("AWS::DynamoDB::Table")

    assert len(tables) == 5
    for table in tables:
        assert table.properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table.properties["DeletionProtectionEnabled"]
        assert table.properties["SSESpecification"] == {
            "KMSMasterKeyId": storage_key,
            "SSEEnabled": True,
            "SSEType": "KMS",
        }
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"


def test_the_items_table_streams_both_images_and_expires_tombstones(cloud):
    items = cloud.one("AWS::DynamoDB::Table", under="Items").properties

    assert items["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert items["TimeToLiveSpecification"] == {"AttributeName": "_expires_at", "Enabled": True}
    assert [(key["AttributeName"], key["KeyType"]) for key in items["KeySchema"]] == [
        ("tenant_id", "HASH"),
        ("item_id", "RANGE"),
    ]


def test_data_keys_never_expire(cloud):
    key_store = cloud.one("AWS::DynamoDB::Table", under="DataKeys").properties

    assert "TimeToLiveSpecification" not in key_store
    assert [(key["AttributeName"], key["KeyType"]) for key in key_store["KeySchema"]] == [
        ("tenant_id", "HASH"),
        ("row", "RANGE"),
    ]


def test_the_source_stream_scales_by_itself_is_encrypted_and_outlasts_the_encryptors_retries(cloud):
    stream = cloud.one("AWS::Kinesis::Stream").properties
    mapping = cloud.one("AWS::Lambda::EventSourceMapping", under="Sealing").properties

    assert stream["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert stream["StreamEncryption"]["KeyId"] == cloud.one("AWS::KMS::Key", under="Storage").arn
    assert stream["RetentionPeriodHours"] == 7 * 24
    assert stream["RetentionPeriodHours"] * 3600 > mapping["MaximumRecordAgeInSeconds"]


def test_runs_never_expire(cloud):
    runs = cloud.one("AWS::DynamoDB::Table", under="RunStore").properties

    assert "TimeToLiveSpecification" not in runs
    assert [(key["AttributeName"], key["KeyType"]) for key in runs["KeySchema"]] == [
        ("run_id", "HASH"),
        ("row", "RANGE"),
    ]


def test_both_keys_that_encrypt_rotate(cloud):
    assert [
        key.properties["EnableKeyRotation"]
        for key in cloud.resources("AWS::KMS::Key")
        if key.properties.get("KeyUsage") != "SIGN_VERIFY"
    ] == [True, True]


def test_the_key_that_signs_the_trail_is_one_that_anybody_can_check_with_and_signs_for_the_notary_alone(cloud):
    key = cloud.one("AWS::KMS::Key", under="Signing").properties
    notary = f"arn:aws:iam::{ACCOUNT}:role/sealstream-notary"

    assert ("ECC_NIST_P256", "SIGN_VERIFY") == (key["KeySpec"], key["KeyUsage"])
    signing = {s["Effect"]: s["Condition"] for s in key["KeyPolicy"]["Statement"] if "kms:Sign" in _list(s["Action"])}
    assert {
        "Allow": {"StringEquals": {"aws:PrincipalArn": notary}},
        "Deny": {"StringNotEquals": {"aws:PrincipalArn": notary}},
    } == signing


def test_the_notary_is_one_at_a_time_and_comes_every_five_minutes(cloud):
    function, rule = (
        cloud.one("AWS::Lambda::Function", under="Attesting"),
        cloud.one("AWS::Events::Rule", under="Attesting"),
    )

    assert 1 == function.properties["ReservedConcurrentExecutions"]
    assert {"SEALSTREAM_NOTARY_KEYS", "SEALSTREAM_RUNS"} == set(_environment(cloud, "Attesting"))
    assert ("rate(5 minutes)", "ENABLED") == (rule.properties["ScheduleExpression"], rule.properties["State"])
    assert function.properties["Timeout"] <= 5 * 60


def test_the_attribute_key_never_leaves_its_policy_to_iam_alone(cloud):
    statements = cloud.one("AWS::KMS::Key", under="Attribute").properties["KeyPolicy"]["Statement"]
    allowed = {action for s in statements if s["Effect"] == "Allow" for action in _list(s["Action"])}

    assert not {"kms:*", "*"} & allowed
    for statement in statements:
        operators = statement.get("Condition", {})
        assert not [name for name in operators if name.startswith("ForA")], (
            "a set operator passes when the key is absent"
        )


def test_the_quarantine_bucket_is_private_versioned_and_encrypted_with_the_storage_key(cloud):
    bucket = cloud.one("AWS::S3::Bucket", under="Quarantine").properties
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == (
        cloud.one("AWS::KMS::Key", under="Storage").arn
    )


def test_what_is_held_in_quarantine_never_expires(cloud):
    (rule,) = cloud.one("AWS::S3::Bucket", under="Quarantine").properties["LifecycleConfiguration"]["Rules"]
    index = cloud.one("AWS::DynamoDB::Table", under="Quarantine").properties

    assert {
        "Id": "what-was-deleted-or-replaced",
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    } == rule
    assert "TimeToLiveSpecification" not in index


def test_the_audit_bucket_is_private_locked_and_encrypted_with_the_storage_key(cloud, local):
    for synthesis, days in ((cloud, 400), (local, 1)):
        bucket = synthesis.one("AWS::S3::Bucket", under="Audit").properties
        (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

        assert [True] * 4 == list(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == (
            synthesis.one("AWS::KMS::Key", under="Storage").arn
        )
        assert bucket["ObjectLockConfiguration"] == {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}},
        }
        assert "LifecycleConfiguration" not in bucket, "nothing in it expires"


def test_nobody_writes_over_the_trail_deletes_from_it_or_locks_it_otherwise(cloud):
    bucket = cloud.one("AWS::S3::Bucket", under="Audit").arn
    denied = {
        statement["Sid"]: (set(_list(statement["Action"])), statement.get("Condition"))
        for policy in cloud.resources("AWS::S3::BucketPolicy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement.get("Resource") == f"{bucket}/*" and statement["Effect"] == "Deny"
        if statement["Principal"] in ("*", {"AWS": "*"})
    }

    other_keys = {"NoOtherEncryption", "NoOtherKey", "NoOtherKeyAlone", "NoKeyOfTheUploader"}
    assert other_keys < denied.keys()
    assert {
        "OnlyWhereNothingIs": ({"s3:PutObject"}, {"Null": {"s3:if-none-match": "true"}}),
        "NothingGoes": ({"s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"}, None),
        "NoOtherLock": ({"s3:PutObjectRetention", "s3:PutObjectLegalHold"}, None),
        "NoOtherWayIn": (
            {"s3:ReplicateObject", "s3:ReplicateDelete", "s3:ObjectOwnerOverrideToBucketOwner"},
            None,
        ),
        "NoKeyAfterwards": ({"s3:UpdateObjectEncryption"}, None),
    } == {name: said for name, said in denied.items() if name not in other_keys}


def test_each_part_of_the_trail_is_put_by_the_one_role_whose_it_is(cloud):
    bucket = cloud.one("AWS::S3::Bucket", under="Audit").arn
    statements = cloud.one("AWS::S3::BucketPolicy", under="Audit").properties["PolicyDocument"]["Statement"]
    stages = {
        function.properties["Environment"]["Variables"]["SEALSTREAM_STAGE"]: function.properties["Role"]
        for function in cloud.resources("AWS::Lambda::Function")
    }

    allowed = {f"{bucket}/segments/????/??/??/??/{stage}/*": role for stage, role in stages.items()}
    allowed[f"{bucket}/manifests/*"] = stages["notary"]
    assert allowed == {
        s["Resource"]: s["Condition"]["StringNotEquals"]["aws:PrincipalArn"]
        for s in statements
        if "aws:PrincipalArn" in s.get("Condition", {}).get("StringNotEquals", {}) and s["Action"] == "s3:PutObject"
    }
    (elsewhere,) = (s for s in statements if "NotResource" in s)
    assert ("Deny", {"AWS": "*"}, "s3:PutObject", set(allowed)) == (
        *(elsewhere[part] for part in ("Effect", "Principal", "Action")),
        set(elsewhere["NotResource"]),
    )


def test_what_deployments_alone_may_change_they_may_under_the_role_that_they_have(cloud, other_and_unacceptable):
    for synthesis in (cloud, other_and_unacceptable):
        manifest = json.loads((synthesis.folder / "manifest.json").read_text(encoding="utf-8"))
        roles = {
            of["properties"]["cloudFormationExecutionRoleArn"]
            for name, of in manifest["artifacts"].items()
            if name in synthesis.stacks
        }
        signing = [key for key in synthesis.resources("AWS::KMS::Key") if key.logical_id.startswith("Signing")]
        documents = [
            *(key.properties["KeyPolicy"] for key in (synthesis.one("AWS::KMS::Key", under="Storage"), *signing)),
            synthesis.one("AWS::S3::BucketPolicy", under="Audit").properties["PolicyDocument"],
        ]
        excepted = [
            (s["Sid"], s["Condition"]["StringNotEquals"]["aws:PrincipalArn"])
            for document in documents
            for s in document["Statement"]
            if s.get("Sid") in {"KeptByAll", "ConfiguredByDeploymentsAlone"}
        ]

        (role,) = (
            arn.replace("${AWS::Partition}", "aws")
            .replace("${AWS::AccountId}", ACCOUNT)
            .replace("${AWS::Region}", REGION)
            for arn in roles
        )
        assert [*(("KeptByAll", role) for _ in (0, *signing)), ("ConfiguredByDeploymentsAlone", role)] == excepted


def test_the_policy_of_the_audit_bucket_is_within_what_s3_takes(cloud, other_and_unacceptable):
    for synthesis in (cloud, other_and_unacceptable):
        policy = synthesis.one("AWS::S3::BucketPolicy", under="Audit").properties["PolicyDocument"]

        assert len(json.dumps(policy)) < 16 * 1024, "of 20"


def test_the_landing_bucket_is_private_versioned_encrypted_and_told_of_to_its_queue_alone(cloud):
    bucket = cloud.one("AWS::S3::Bucket", under="Landing").properties
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert bucket["BucketName"] == f"sealstream-landing-{ACCOUNT}-{REGION}"
    assert [True] * 4 == list(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert encryption["BucketKeyEnabled"]
    assert encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == (
        cloud.one("AWS::KMS::Key", under="Storage").arn
    )
    assert bucket["NotificationConfiguration"] == {
        "QueueConfigurations": [
            {"Event": "s3:ObjectCreated:*", "Queue": cloud.one("AWS::SQS::Queue", under="LandingQueue").arn}
        ]
    }


def test_what_was_ingested_expires_and_what_was_not_stays(cloud):
    ingested, replaced = cloud.one("AWS::S3::Bucket", under="Landing").properties["LifecycleConfiguration"]["Rules"]

    assert {
        "Id": "what-was-ingested",
        "Status": "Enabled",
        "TagFilters": [{"Key": OUTCOME_TAG, "Value": State.DONE.value}],
        "ExpirationInDays": 7,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
    } == ingested
    assert {
        "Id": "what-was-deleted-or-replaced",
        "Status": "Enabled",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 28},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        "ExpiredObjectDeleteMarker": True,
    } == replaced


def test_a_replaced_version_that_was_not_ingested_outlives_the_time_it_is_read_in_and_its_dead_letter(cloud):
    rules = cloud.one("AWS::S3::Bucket", under="Landing").properties["LifecycleConfiguration"]["Rules"]
    function = cloud.one("AWS::Lambda::Function", under="Landing").properties
    letters = cloud.one("AWS::SQS::Queue", under="LandingDeadLetters").properties
    read_days = int(function["Environment"]["Variables"]["SEALSTREAM_LANDING_MAX_AGE_DAYS"])
    (kept,) = (rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in rules if "TagFilters" not in rule)

    assert kept >= read_days + letters["MessageRetentionPeriod"] / 86_400


def test_s3_acts_for_the_landing_bucket_of_this_account_and_for_no_other(cloud):
    of_landing_bucket = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::sealstream-landing-{ACCOUNT}-{REGION}"},
    }
    documents = [
        *(key.properties["KeyPolicy"] for key in cloud.resources("AWS::KMS::Key")),
        *(policy.properties["PolicyDocument"] for policy in cloud.resources("AWS::SQS::QueuePolicy")),
    ]
    of_s3 = [
        (statement["Action"], statement["Condition"])
        for document in documents
        for statement in document["Statement"]
        if statement["Principal"] == {"Service": "s3.amazonaws.com"}
    ]

    assert [
        (["kms:Decrypt", "kms:GenerateDataKey"], of_landing_bucket),
        ("sqs:SendMessage", of_landing_bucket),
    ] == of_s3


def test_objects_reach_the_landing_ingest_one_by_one_and_come_again_soon_after_it_was_killed(cloud):
    mapping = cloud.one("AWS::Lambda::EventSourceMapping", under="Landing").properties
    queue = cloud.one("AWS::SQS::Queue", under="LandingQueue")
    function = cloud.one("AWS::Lambda::Function", under="Landing").properties

    assert mapping == {
        "FunctionName": "sealstream-landing-ingest",
        "EventSourceArn": queue.arn,
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 8},
    }
    assert queue.properties["VisibilityTimeout"] == function["Timeout"] + 60
    assert queue.properties["RedrivePolicy"] == {
        "deadLetterTargetArn": cloud.one("AWS::SQS::Queue", under="LandingDeadLetters").arn,
        "maxReceiveCount": 24,
    }


def test_findings_and_dead_letters_are_encrypted_and_kept_as_long_as_sqs_can(cloud):
    queues = cloud.resources("AWS::SQS::Queue")

    assert len(queues) == 6
    for queue in queues:
        assert queue.properties["KmsMasterKeyId"] == cloud.one("AWS::KMS::Key", under="Storage").arn
        assert queue.properties["MessageRetentionPeriod"] == 14 * DAY_SECONDS


@pytest.mark.parametrize(("consumer", "age_hours", "stream_keeps_hours"), [("Sealing", 6, 168), ("Auditing", 12, 24)])
def test_a_batch_is_tried_until_its_age_and_then_only_its_position_is_kept(
    cloud, consumer, age_hours, stream_keeps_hours
):
    mapping = cloud.one("AWS::Lambda::EventSourceMapping", under=consumer).properties
    queue = cloud.one("AWS::SQS::Queue", under=consumer).arn

    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["MaximumRecordAgeInSeconds"] == age_hours * 3600
    assert age_hours < stream_keeps_hours
    assert mapping["BisectBatchOnFunctionError"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": queue}}, "an S3 one would store the record"


def test_what_is_given_up_for_good_is_given_up_before_a_lag_stops_counting(cloud):
    ages = (
        cloud.one("AWS::Lambda::EventSourceMapping", under=consumer).properties["MaximumRecordAgeInSeconds"]
        for consumer in ("Sealing", "Auditing")
    )

    assert sum(ages) < LAG_AT_MOST_SECONDS


def test_a_finding_is_tried_ten_times_and_then_kept_apart(cloud):
    findings = cloud.one("AWS::SQS::Queue", under="FindingsQueue").properties
    dead_letters = cloud.one("AWS::SQS::Queue", under="FindingsDeadLetters").arn

    assert findings["RedrivePolicy"] == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 10}


def test_a_finding_is_hidden_for_as_long_as_lambda_may_need(cloud, local):
    for synthesis, times in ((cloud, 6), (local, 1)):
        findings = synthesis.one("AWS::SQS::Queue", under="FindingsQueue").properties
        reencryptor = synthesis.one("AWS::Lambda::Function", under="Reencrypting").properties
        assert findings["VisibilityTimeout"] == times * reencryptor["Timeout"]


def test_findings_reach_the_re_encryptor_and_one_that_fails_does_not_repeat_the_others(cloud):
    mapping = cloud.one("AWS::Lambda::EventSourceMapping", under="Reencrypting").properties

    assert mapping == {
        "FunctionName": "sealstream-reencryptor",
        "EventSourceArn": cloud.one("AWS::SQS::Queue", under="FindingsQueue").arn,
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 8},
    }


def test_who_seals_lives_no_longer_than_the_census_waits_for(cloud):
    sealing = {
        role.removeprefix("sealstream-")
        for policy in cloud.resources("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for role in policy.properties["Roles"]
        if "kms:Decrypt" in _list(statement["Action"])
    }
    timeouts = {
        function.properties["FunctionName"].removeprefix("sealstream-"): function.properties["Timeout"]
        for function in cloud.resources("AWS::Lambda::Function")
    }

    # whoever has a tenant session is the tenant API's function
    assert {"encryptor", "redriver", "reencryptor", "sweeper", "tenant", "tenant-limited"} == sealing
    longest = max(timeouts["tenant-api" if name.startswith("tenant") else name] for name in sealing)
    assert longest <= LONGEST_FUNCTION_SECONDS


def test_logs_are_encrypted_and_end(cloud):
    groups = cloud.resources("AWS::Logs::LogGroup")
    storage_key = cloud.one("AWS::KMS::Key", under="Storage")
    (for_logs,) = (s for s in storage_key.properties["KeyPolicy"]["Statement"] if s["Sid"] == "LogGroups")
    allowed = for_logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]

    assert len(groups) == 15
    for group in groups:
        assert group.properties["KmsKeyId"] == storage_key.arn
        assert any(fnmatch(group.arn.removesuffix(":*"), pattern) for pattern in allowed), "CloudWatch may use the key"
        assert group.properties["RetentionInDays"] == 365


def test_each_function_has_a_role_and_a_log_group_of_its_own(cloud):
    functions = cloud.resources("AWS::Lambda::Function")

    handlers = {name.replace("_", "-"): f"{name}.handler" for name in PACKAGES} | {
        "reconciler": "auditor.standing.handler",
        "reauditor": "auditor.again.handler",
        "redriver": "encryptor.again.handler",
        "ensure-keys": "rotation.ensure.handler",
    }
    assert {f"sealstream-{name}" for name in handlers} == {f.properties["FunctionName"] for f in functions}
    for function in functions:
        name = function.properties["FunctionName"]
        assert function.properties["Role"].endswith(f":role/{name}")
        assert function.properties["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{name}"
        assert function.properties["Runtime"] == "python3.13"
        assert function.properties["Architectures"] == ["arm64"]
        assert function.properties["Handler"] == f"consumers.{handlers[name.removeprefix('sealstream-')]}.handler"


def test_who_audits_does_not_even_know_the_attribute_key(cloud):
    known = {"SEALSTREAM_KEY_STORE", "SEALSTREAM_FINDINGS_QUEUE"}

    assert known == set(_environment(cloud, "Auditing"))
    assert known | {"SEALSTREAM_TABLE_STREAM"} == set(_environment(cloud, "Reauditing"))
    assert known | {"SEALSTREAM_TABLE", "SEALSTREAM_RUNS"} == set(_environment(cloud, "Reconciling"))


def test_each_function_finds_what_it_works_with_in_its_environment(cloud):
    table, key_store, runs, held = (
        cloud.one("AWS::DynamoDB::Table", under=name).logical_id
        for name in ("Items", "DataKeys", "RunStore", "Quarantine")
    )
    key_arn = cloud.one("AWS::KMS::Key", under="Attribute").arn
    keys = {"SEALSTREAM_KEY_STORE": key_store, "SEALSTREAM_ATTRIBUTE_KEY": key_arn, "SEALSTREAM_TABLE": table}

    assert _environment(cloud, "Reencrypting") == keys | {"SEALSTREAM_REOPENER": "sealstream-reopener"}
    assert _environment(cloud, "Reopening") == {"SEALSTREAM_KEY_STORE": key_store}
    assert _environment(cloud, "Rotating") == keys | {
        "SEALSTREAM_RUNS": runs,
        "SEALSTREAM_QUARANTINE_TABLE": held,
    }
    assert _environment(cloud, "Sweeping") == keys | {
        "SEALSTREAM_RUNS": runs,
        "SEALSTREAM_REOPENER": "sealstream-reopener",
        "SEALSTREAM_QUARANTINE_BUCKET": cloud.one("AWS::S3::Bucket", under="Quarantine").logical_id,
    }


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        ("Landing", LandingIngestSettings),
        ("Sealing", EncryptorSettings),
        ("Redriving", RedriverSettings),
        ("Auditing", AuditorSettings),
        ("Reauditing", ReauditorSettings),
        ("Reencrypting", ReencryptorSettings),
        ("Sweeping", SweeperSettings),
        ("Reconciling", ReconcilerSettings),
        ("Rotating", RotationSettings),
        ("Reopening", ReopenerSettings),
    ],
)
def test_each_function_reads_its_settings_from_its_environment(cloud, function, settings):
    read = settings.from_environment(_environment(cloud, function))

    assert all(value for field, value in asdict(read).items() if field != "attribute_keys")


def test_each_function_keeps_its_events_as_its_own_stage(cloud, local):
    for synthesis, logs_every_event in ((cloud, False), (local, True)):
        bucket = synthesis.one("AWS::S3::Bucket", under="Audit")
        puts = {
            policy.properties["Roles"][0]: statement["Resource"]
            for policy in synthesis.resources("AWS::IAM::Policy")
            for statement in policy.properties["PolicyDocument"]["Statement"]
            if statement.get("Sid") == "WriteSegments"
        }
        told = {
            function.properties["FunctionName"]: TrailSettings.from_environment(
                function.properties["Environment"]["Variables"]
            )
            for function in synthesis.resources("AWS::Lambda::Function")
        }
        assert told == {
            f"sealstream-{one.stage}": TrailSettings(bucket.logical_id, one.stage, logs_every_event)
            for one in told.values()
        }
        assert puts == {name: f"{bucket.arn}/segments/????/??/??/??/{one.stage}/*" for name, one in told.items()}
        name = SegmentName.of(b"e\n", written_at=0, stage="encryptor", where="w").key
        assert fnmatch(f"{bucket.arn}/{name}", puts["sealstream-encryptor"])


def test_former_attribute_keys_stay_in_use_under_the_same_policy(cloud, other_and_unacceptable):
    former, present = (
        key for key in other_and_unacceptable.resources("AWS::KMS::Key") if key.logical_id.startswith("Attribute")
    )
    alias = other_and_unacceptable.one("AWS::KMS::Alias", under="Attribute")
    uses = {
        policy.properties["Roles"][0]: statement["Resource"]
        for policy in other_and_unacceptable.resources("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement.get("Sid") in {"AttributeKey", "DescribeKeys"}
    }

    assert former.logical_id == cloud.one("AWS::KMS::Key", under="Attribute").logical_id, "it is not made anew"
    assert alias.logical_id == cloud.one("AWS::KMS::Alias", under="Attribute").logical_id, "one name, moved"
    assert alias.properties["TargetKeyId"] == present.arn
    assert former.properties["KeyPolicy"] == present.properties["KeyPolicy"]
    assert set(uses) == {"acme-encryptor", "acme-redriver", "acme-reencryptor", "acme-sweeper", "acme-rotation"}
    assert all([present.arn, former.arn] == keys for keys in uses.values())
    for function in ("Sealing", "Reencrypting", "Sweeping", "Rotating"):
        environment = _environment(other_and_unacceptable, function)
        assert environment["SEALSTREAM_ATTRIBUTE_KEY"] == present.arn
        assert environment["SEALSTREAM_FORMER_ATTRIBUTE_KEYS"] == former.arn
    assert other_and_unacceptable.outputs()["AttributeKey"] == present.arn
    assert other_and_unacceptable.outputs()["FormerAttributeKeys"] == former.arn


def test_former_signing_keys_stay_for_the_notary_to_hand_over_under_the_same_policy(cloud, other_and_unacceptable):
    first, second = (
        key for key in other_and_unacceptable.resources("AWS::KMS::Key") if key.logical_id.startswith("Signing")
    )
    alias = other_and_unacceptable.one("AWS::KMS::Alias", under="Signing")
    (signs,) = [
        statement["Resource"]
        for policy in other_and_unacceptable.resources("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement.get("Sid") == "SignManifests"
    ]

    assert first.logical_id == cloud.one("AWS::KMS::Key", under="Signing").logical_id, "it is not made anew"
    assert alias.logical_id == cloud.one("AWS::KMS::Alias", under="Signing").logical_id, "one name, moved"
    assert alias.properties["TargetKeyId"] == second.arn
    assert first.properties["KeyPolicy"] == second.properties["KeyPolicy"]
    assert {first.arn, second.arn} == set(signs)
    joined = f"{first.arn},{second.arn}"
    assert joined == _environment(other_and_unacceptable, "Attesting")["SEALSTREAM_NOTARY_KEYS"]
    assert joined == other_and_unacceptable.outputs()["NotaryKeys"]


def test_rights_name_their_resources(cloud):
    everything = {
        (role, action)
        for r in cloud.resources("AWS::IAM::Policy")
        for s in r.properties["PolicyDocument"]["Statement"]
        if "*" in _list(s["Resource"])
        for role in r.properties["Roles"]
        for action in _list(s["Action"])
    }

    know_no_resource = {
        ("sealstream-auditor", "dynamodb:ListStreams"),
        ("sealstream-reauditor", "dynamodb:ListStreams"),
        ("sealstream-rotation", "dynamodb:ListBackups"),
        ("sealstream-rotation", "backup:ListRecoveryPointsByResource"),
    }
    assert know_no_resource == {(role, action) for role, action in everything if not action.startswith("logs:")}
    assert {"sealstream-rotation-machine"} == {role for role, action in everything if action.startswith("logs:")}


def test_rights_name_their_actions(cloud):
    actions = [
        action
        for r in cloud.resources("AWS::IAM::Policy")
        for s in r.properties["PolicyDocument"]["Statement"]
        for action in _list(s["Action"])
    ]

    assert [action for action in actions if "*" in action] == []


def test_the_outputs_are_those_that_the_tools_read(cloud):
    assert {
        *("Stream", "Table", "TableStream", "KeyStore", "AttributeKey", "StorageKey", "Runs", "FindingsQueue"),
        *("QuarantineBucket", "QuarantineTable", "AuditBucket", "NotaryKeys", "AlarmTopic"),
        *("LandingBucket", "LandingQueue", "LandingDeadLetterQueue", "LandingRuns"),
        *("LandingIngest", "LandingIngestLogGroup"),
        *("Encryptor", "EncryptorLogGroup", "EncryptorDeadLetterQueue"),
        *("Redriver", "RedriverLogGroup"),
        *("Auditor", "AuditorLogGroup", "AuditorDeadLetterQueue"),
        *("Reauditor", "ReauditorLogGroup"),
        *("Reencryptor", "ReencryptorLogGroup", "ReencryptorDeadLetterQueue"),
        *("Sweeper", "SweeperLogGroup", "Reopener", "ReopenerLogGroup"),
        *("Reconciler", "ReconcilerLogGroup"),
        *("Rotation", "RotationLogGroup", "RotationMachine"),
        *("Notary", "NotaryLogGroup", "NotaryMinutes"),
        *("ApiUrl", "TenantApi", "TenantApiLogGroup", "TenantApiAccessLog", "EnsureKeys", "EnsureKeysLogGroup"),
    } == set(cloud.outputs())


def test_a_deployment_under_another_prefix_shares_no_name(other_and_unacceptable):
    templates = {stack: json.dumps(other_and_unacceptable.template(stack)) for stack in other_and_unacceptable.stacks}
    of_objects = OUTCOME_TAG.removeprefix("sealstream-") + '"'  # a tag of each deployment's own objects

    assert not [
        stack for stack, template in templates.items() if re.search(rf"\bsealstream-(?!{of_objects})", template)
    ]
    assert "acme-encryptor" in templates["SealstreamKeys"]


def _environment(synthesis, function):
    """Without what all functions are told."""
    environment = synthesis.one("AWS::Lambda::Function", under=function).properties["Environment"]["Variables"]
    return {name: value for name, value in environment.items() if name not in OF_THE_TRAIL}


def _list(value):
    return value if isinstance(value, list) else [value]
