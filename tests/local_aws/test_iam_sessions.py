"""Sessions of AssumeRole: who may assume a role, with which tags, for how long, and what its policies see of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, invoke, make_function, make_role, unique, wait_until

NOTHING = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
#: Assumes a role for a tenant, and answers with the error codes that it gets for tables.
FUNCTION = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    tags = [{"Key": "TenantID", "Value": event["tenant"]}]
    it = boto3.client("sts").assume_role(RoleArn=event["role"], RoleSessionName="api", Tags=tags)["Credentials"]
    dynamodb = boto3.client(
        "dynamodb",
        aws_access_key_id=it["AccessKeyId"],
        aws_secret_access_key=it["SecretAccessKey"],
        aws_session_token=it["SessionToken"],
    )
    codes = []
    for table in event["tables"]:
        try:
            dynamodb.describe_table(TableName=table)
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return codes
"""
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
#: A tenant's role takes sessions of one tenant each, and nothing else said about them.
ONE_TENANT = {
    "StringLike": {"aws:RequestTag/TenantID": "?*"},
    "ForAllValues:StringEquals": {"aws:TagKeys": ["TenantID"]},
    "Null": {"aws:TagKeys": "false"},
}


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusting(principal: str, *actions: str, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The statement of a trust policy."""
    return {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": list(actions or ("sts:AssumeRole", "sts:TagSession")),
        **({"Condition": dict(condition)} if condition else {}),
    }


def role_trusting(aws: LocalAws, *statements: Mapping[str, Any], **options: Any) -> str:
    """The ARN of a new role; its policy lets it ask for tables that are named like its tenant."""
    iam, name = aws.client("iam"), unique("tenant")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(*statements)), **options)[
        "Role"
    ]["Arn"]
    own = "arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/TenantID}"
    describe = {"Effect": "Allow", "Action": "dynamodb:DescribeTable", "Resource": own}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy(describe)))
    return arn


def caller(aws: LocalAws, *statements: Mapping[str, Any]) -> tuple[str, Any]:
    """A new role, and an STS client with a session of it."""
    arn = make_role(aws, policy(*(statements or [NOTHING])))
    credentials = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="caller")["Credentials"]
    return arn, aws.client("sts", credentials)


def may(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def outcome(sts: Any, role: str, tags: Mapping[str, str] | None = None, **options: Any) -> str:
    """ "" or the code of the refusal, with what was refused."""
    session_tags = [{"Key": name, "Value": value} for name, value in (tags or {}).items()]
    try:
        sts.assume_role(RoleArn=role, RoleSessionName="tenant", Tags=session_tags, **options)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        refused = message.partition("not authorized to perform: ")[2].partition(" ")[0]
        return " ".join(filter(None, [error.response["Error"]["Code"], refused]))
    return ""


@pytest.mark.also_on_stock
def test_a_role_is_assumed_only_as_its_trust_policy_says(local_aws: LocalAws) -> None:
    arn, sts = caller(local_aws, may("sts:*", "*"))
    _, stranger = caller(local_aws, may("sts:*", "*"))
    role = role_trusting(local_aws, trusting(arn, condition=ONE_TENANT))

    assert {
        "its caller": "",
        "a stranger": "AccessDenied sts:AssumeRole",
        "an empty tenant": "AccessDenied sts:AssumeRole",
        "another tag": "AccessDenied sts:AssumeRole",
        "a further tag": "AccessDenied sts:AssumeRole",
    } == {
        "its caller": outcome(sts, role, {"TenantID": "acme"}),
        "a stranger": outcome(stranger, role, {"TenantID": "acme"}),
        "an empty tenant": outcome(sts, role, {"TenantID": ""}),
        "another tag": outcome(sts, role, {"Tenant": "acme"}),
        "a further tag": outcome(sts, role, {"TenantID": "acme", "admin": "yes"}),
    }


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param({"StringLike": {"aws:RequestTag/TenantID": "?*"}}, marks=pytest.mark.also_on_stock),
        {"Null": {"aws:TagKeys": "false"}},
    ],
)
def test_a_session_without_tags_has_no_tag_keys(local_aws: LocalAws, missing: dict[str, Any]) -> None:
    arn, sts = caller(local_aws, may("sts:*", "*"))
    role = role_trusting(local_aws, trusting(arn, condition=missing))
    assert ["", "AccessDenied sts:AssumeRole"] == [outcome(sts, role, {"TenantID": "acme"}), outcome(sts, role)]


@pytest.mark.also_on_stock
def test_tags_need_a_permission_of_their_own_in_the_trust_policy(local_aws: LocalAws) -> None:
    arn, sts = caller(local_aws, may("sts:*", "*"))
    role = role_trusting(local_aws, trusting(arn, "sts:AssumeRole"))
    assert ["", "AccessDenied sts:TagSession"] == [outcome(sts, role), outcome(sts, role, {"TenantID": "acme"})]


@pytest.mark.also_on_stock
def test_a_trust_policy_s_denial_wins(local_aws: LocalAws) -> None:
    arn, sts = caller(local_aws, may("sts:*", "*"))
    deny = trusting(arn, condition={"StringEquals": {"aws:RequestTag/TenantID": "_system"}}) | {"Effect": "Deny"}
    role = role_trusting(local_aws, trusting(arn), deny)
    assert ["", "AccessDenied sts:AssumeRole"] == [
        outcome(sts, role, {"TenantID": "acme"}),
        outcome(sts, role, {"TenantID": "_system"}),
    ]


def test_a_role_that_trusts_the_account_leaves_it_to_identity_policies(local_aws: LocalAws) -> None:
    role = role_trusting(local_aws, trusting(ROOT))
    _, nobody = caller(local_aws)
    _, without_tags = caller(local_aws, may("sts:AssumeRole", role))
    _, other = caller(local_aws, may("sts:*", f"{role}-other"))
    _, allowed = caller(local_aws, may("sts:AssumeRole", role), may("sts:TagSession", role))
    tags = {"TenantID": "acme"}

    assert {
        "nobody": "AccessDenied sts:AssumeRole",
        "of another role": "AccessDenied sts:AssumeRole",
        "without the right to tag": "AccessDenied sts:TagSession",
        "untagged": "",
        "allowed": "",
    } == {
        "nobody": outcome(nobody, role, tags),
        "of another role": outcome(other, role, tags),
        "without the right to tag": outcome(without_tags, role, tags),
        "untagged": outcome(without_tags, role),
        "allowed": outcome(allowed, role, tags),
    }


def test_a_role_that_trusts_its_caller_by_name_needs_no_identity_policy(local_aws: LocalAws) -> None:
    arn, sts = caller(local_aws)
    role = role_trusting(local_aws, trusting(arn))
    assert "" == outcome(sts, role, {"TenantID": "acme"})


@pytest.mark.parametrize("action", [pytest.param("sts:AssumeRole", marks=pytest.mark.also_on_stock), "sts:TagSession"])
def test_an_identity_policy_s_denial_wins(local_aws: LocalAws, action: str) -> None:
    arn, sts = caller(local_aws, may("sts:*", "*"), may(action, "*") | {"Effect": "Deny"})
    role = role_trusting(local_aws, trusting(arn))
    assert f"AccessDenied {action}" == outcome(sts, role, {"TenantID": "acme"})


def test_sessions_are_no_longer_than_the_role_allows_nor_than_an_hour_from_a_session(local_aws: LocalAws) -> None:
    arn, sts = caller(local_aws, may("sts:*", "*"))
    short = role_trusting(local_aws, trusting(ROOT), trusting(arn))
    long = role_trusting(local_aws, trusting(ROOT), trusting(arn), MaxSessionDuration=7200)
    root = local_aws.client("sts")

    assert ["", "ValidationError"] == [outcome(root, short, DurationSeconds=seconds) for seconds in (3600, 3601)]
    assert ["", "ValidationError"] == [outcome(root, long, DurationSeconds=seconds) for seconds in (7200, 7201)]
    assert ["", "ValidationError"] == [outcome(sts, long, DurationSeconds=seconds) for seconds in (3600, 3601)]


@pytest.mark.parametrize("name", ["a" * 65, "a b", "a/b", "aé"])
def test_a_session_s_name_has_a_form(local_aws: LocalAws, name: str) -> None:
    role = role_trusting(local_aws, trusting(ROOT))
    with pytest.raises(ClientError) as error:
        local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName=name)
    assert "ValidationError" == error.value.response["Error"]["Code"]


@pytest.mark.parametrize("value", ["a" * 257, "a#b", "*", "a?b", "${x}", "a\tb", "a|b"])
def test_a_tag_s_value_has_a_form(local_aws: LocalAws, value: str) -> None:
    role = role_trusting(local_aws, trusting(ROOT))
    assert "ValidationError" == outcome(local_aws.client("sts"), role, {"TenantID": value})


@pytest.mark.also_on_stock
@pytest.mark.parametrize("value", ["a" * 256, "año 1", "a_b.c:d/e=f+g-h@i", "租户", ""])
def test_letters_of_any_script_may_stand_in_a_tag(local_aws: LocalAws, value: str) -> None:
    role = role_trusting(local_aws, trusting(ROOT))
    assert "" == outcome(local_aws.client("sts"), role, {"TenantID": value})


@pytest.mark.also_on_stock
def test_a_session_ends(local_aws: LocalAws) -> None:
    role = make_role(local_aws)
    sts = boto3.client(
        "sts",
        endpoint_url=local_aws.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False),  # which asks for 15 minutes, as AWS does
    )
    session = sts.assume_role(RoleArn=role, RoleSessionName="short", DurationSeconds=1)["Credentials"]

    def codes() -> list[str]:
        calls = [
            lambda: local_aws.client("dynamodb", session).list_tables(),
            lambda: local_aws.client("kms", session).list_keys(),
            lambda: local_aws.client("s3", session).list_buckets(),
        ]
        return [code(call) for call in calls]

    expected = ["ExpiredTokenException", "ExpiredTokenException", "ExpiredToken"]
    wait_until(lambda: codes() == expected, 5)
    assert "ExpiredToken" == outcome(local_aws.client("sts", session), role)


def code(call: Callable[[], Any]) -> str:
    """ "" or the error code."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_function_assumes_a_role_for_each_tenant(local_aws: LocalAws) -> None:
    arn = make_role(local_aws, policy(may("sts:*", "*")))
    role = role_trusting(local_aws, trusting(arn, condition=ONE_TENANT))
    function = make_function(local_aws, FUNCTION, role=arn)
    assert ["ResourceNotFoundException", "AccessDeniedException"] == invoke(
        local_aws, function, {"role": role, "tenant": "acme", "tables": ["acme", "globex"]}
    )


def test_a_session_is_known_by_its_tags_its_role_and_its_name(local_aws: LocalAws) -> None:
    arn, sts = caller(local_aws, may("sts:*", "*"))
    role = role_trusting(local_aws, trusting(arn))
    answer = sts.assume_role(
        RoleArn=role, RoleSessionName="api-1", Tags=[{"Key": "TenantID", "Value": "acme"}], DurationSeconds=900
    )
    name = role.rsplit("/", 1)[-1]
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/api-1" == answer["AssumedRoleUser"]["Arn"]
    dynamodb = local_aws.client("dynamodb", answer["Credentials"])
    codes = []
    for table in ("acme", "globex"):
        with pytest.raises(ClientError) as error:
            dynamodb.describe_table(TableName=table)
        codes.append(error.value.response["Error"]["Code"])
    assert ["ResourceNotFoundException", "AccessDeniedException"] == codes


def test_a_session_s_tags_are_its_own_not_those_of_the_session_before(local_aws: LocalAws) -> None:
    arn = make_role(local_aws, policy(may("sts:*", "*")))
    acme, globex = ([{"Key": "TenantID", "Value": name}] for name in ("acme", "globex"))
    before = local_aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="caller", Tags=acme)["Credentials"]
    role = role_trusting(local_aws, trusting(arn))

    def outcomes(tags: list[dict[str, str]]) -> list[str]:
        sts = local_aws.client("sts", before)
        session = sts.assume_role(RoleArn=role, RoleSessionName="tenant", Tags=tags)["Credentials"]
        dynamodb = local_aws.client("dynamodb", session)
        return [code(partial(dynamodb.describe_table, TableName=name)) for name in ("acme", "globex")]

    assert ["AccessDeniedException"] * 2 == outcomes([])
    assert ["AccessDeniedException", "ResourceNotFoundException"] == outcomes(globex)
