"""What the audit trail's bucket asks of S3: locked versions, and a policy that everybody has to keep, root too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import LocalAws, make_role, unique

DENIED = (403, "AccessDenied")


@pytest.fixture
def s3(local_aws: LocalAws) -> Any:
    return local_aws.client("s3")


@pytest.fixture
def locked(s3: Any) -> str:
    """A bucket whose objects are locked for a day."""
    name = unique("locked")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket=name,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )
    return name


@pytest.fixture
def guarded(s3: Any, locked: str) -> Iterator[str]:
    """The same with the policy of the audit trail's bucket."""
    denials: list[tuple[list[str], dict[str, Any]]] = [
        (["s3:PutObject"], {"Null": {"s3:if-none-match": "true"}}),
        (["s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"], {}),
        (["s3:PutObjectRetention", "s3:PutObjectLegalHold"], {}),
    ]
    statements = [
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": actions,
            "Resource": f"arn:aws:s3:::{locked}/*",
            **({"Condition": condition} if condition else {}),
        }
        for actions, condition in denials
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=locked, Policy=json.dumps(policy))
    yield locked
    s3.delete_bucket_policy(Bucket=locked)  # which the root user always may


def refusal(call: Any, **parameters: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response: dict[str, Any] = dict(error.value.response)
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def somebody(local_aws: LocalAws, action: str) -> Any:
    """A client of a role that may do this to everything."""
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    role = make_role(local_aws, {"Version": "2012-10-17", "Statement": [statement]})
    session = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="somebody")
    return local_aws.client("s3", session["Credentials"])


@pytest.mark.also_on_stock
def test_what_is_put_is_locked_for_as_long_as_the_bucket_says(s3: Any, locked: str) -> None:
    put = s3.put_object(Bucket=locked, Key="k", Body=b"1")
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}

    retention = s3.get_object_retention(**version)["Retention"]
    assert "GOVERNANCE" == retention["Mode"]
    assert abs(retention["RetainUntilDate"] - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)
    assert DENIED == refusal(s3.delete_object, **version)
    s3.delete_object(Bucket=locked, Key="k")
    assert b"1" == s3.get_object(**version)["Body"].read(), "a delete marker deletes nothing"
    s3.delete_object(**version, BypassGovernanceRetention=True)
    assert (404, "NoSuchVersion") == refusal(s3.get_object, **version)


@pytest.mark.also_on_stock
def test_a_lock_in_compliance_mode_nobody_takes_off(s3: Any, locked: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=3)
    put = s3.put_object(Bucket=locked, Key="k", Body=b"1", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)

    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    assert DENIED == refusal(s3.delete_object, **version, BypassGovernanceRetention=True)


def test_where_objects_are_locked_versions_are_kept(s3: Any, locked: str) -> None:
    assert (409, "InvalidBucketState") == refusal(
        s3.put_bucket_versioning, Bucket=locked, VersioningConfiguration={"Status": "Suspended"}
    )
    assert "Enabled" == s3.get_bucket_versioning(Bucket=locked)["Status"]


def test_a_policy_may_ask_that_nothing_is_there(local_aws: LocalAws, s3: Any, guarded: str) -> None:
    for client in (s3, somebody(local_aws, "s3:*")):
        key = unique("key")
        assert DENIED == refusal(client.put_object, Bucket=guarded, Key=key, Body=b"1")
        assert DENIED == refusal(client.put_object, Bucket=guarded, Key=key, Body=b"1", IfMatch='"0"')
        assert DENIED == refusal(client.create_multipart_upload, Bucket=guarded, Key=key)
        client.put_object(Bucket=guarded, Key=key, Body=b"1", IfNoneMatch="*")
        assert (412, "PreconditionFailed") == refusal(
            client.put_object, Bucket=guarded, Key=key, Body=b"2", IfNoneMatch="*"
        )
        source = {"Bucket": guarded, "Key": key}
        assert DENIED == refusal(client.copy_object, Bucket=guarded, Key=key, CopySource=source)


def test_what_a_policy_denies_to_all_it_denies_to_the_root_user(s3: Any, guarded: str) -> None:
    put = s3.put_object(Bucket=guarded, Key="k", Body=b"1", IfNoneMatch="*")
    version = {"Bucket": guarded, "Key": "k", "VersionId": put["VersionId"]}
    soon = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(seconds=1)}

    assert DENIED == refusal(s3.delete_object, Bucket=guarded, Key="k")
    assert DENIED == refusal(s3.delete_object, **version)
    assert DENIED == refusal(s3.delete_object, **version, BypassGovernanceRetention=True)
    assert DENIED == refusal(s3.put_object_retention, **version, Retention=soon, BypassGovernanceRetention=True)
    assert DENIED == refusal(s3.put_object_legal_hold, **version, LegalHold={"Status": "ON"})
    assert b"1" == s3.get_object(Bucket=guarded, Key="k")["Body"].read()


def test_who_locks_what_he_puts_needs_the_right_to(local_aws: LocalAws, s3: Any, guarded: str) -> None:
    until = datetime.now(UTC) + timedelta(days=3)
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
    for client in (s3, somebody(local_aws, "s3:PutObject")):
        asked = {"Bucket": guarded, "Key": unique("key"), "Body": b"1", "IfNoneMatch": "*"}
        assert DENIED == refusal(client.put_object, **asked, **lock)
        assert DENIED == refusal(client.put_object, **asked, ObjectLockLegalHoldStatus="ON")
        client.put_object(**asked)
