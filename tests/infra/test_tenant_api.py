"""The tenant API as it is deployed: who gets through its door, what its log tells, whom its roles trust."""

from __future__ import annotations

import json
import re

import pytest

from shared.runtime.settings import EnsureKeysSettings, TenantApiSettings
from tests.infra.conftest import API
from tests.infra.synthesis import ACCOUNT


@pytest.fixture
def routes(cloud):
    return {route.properties["RouteKey"]: route.properties for route in cloud.resources("AWS::ApiGatewayV2::Route")}


def test_every_route_but_the_description_needs_a_token_whose_scope_the_function_looks_at_after_its_tenant(routes):
    needed = {key: (route["AuthorizationType"], route.get("AuthorizationScopes")) for key, route in routes.items()}

    assert {
        "GET /tenants/{tenant_id}/items": ("JWT", None),
        "GET /tenants/{tenant_id}/items/{item_id}": ("JWT", None),
        "POST /tenants/{tenant_id}/items/{item_id}": ("JWT", None),
        "DELETE /tenants/{tenant_id}/items/{item_id}": ("JWT", None),
        "GET /tenant/{tenant_id}": ("JWT", None),
        "POST /tenant/{tenant_id}": ("JWT", None),
        "GET /openapi.json": ("NONE", None),
    } == needed


def test_a_token_is_of_the_issuer_and_for_the_audience_that_were_said(cloud, local):
    for synthesis, issuer in ((cloud, API["jwt_issuer"]), (local, "http://127.0.0.1:4566/_issuer")):
        authorizer = synthesis.one("AWS::ApiGatewayV2::Authorizer").properties
        assert {"Audience": ["sealstream"], "Issuer": issuer} == authorizer["JwtConfiguration"]
        assert ["$request.header.Authorization"] == authorizer["IdentitySource"], "no token is part of a URL"


def test_more_than_the_api_is_to_take_is_turned_away_at_the_door(cloud):
    stage = cloud.one("AWS::ApiGatewayV2::Stage").properties

    assert {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200} == stage["DefaultRouteSettings"]


def test_who_has_no_token_uses_up_little_of_it(cloud):
    stage = cloud.one("AWS::ApiGatewayV2::Stage")

    limits = {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 10}
    assert {"GET /openapi.json": limits} == stage.properties["RouteSettings"]
    [route] = (r for r in cloud.resources("AWS::ApiGatewayV2::Route") if "openapi" in r.properties["RouteKey"])
    assert route.logical_id in json.dumps(cloud.template("SealstreamApi")["Resources"][stage.logical_id]["DependsOn"])


def test_the_access_log_tells_who_asked_and_neither_tenant_nor_item_nor_token(cloud):
    settings = cloud.one("AWS::ApiGatewayV2::Stage").properties["AccessLogSettings"]

    told = set(re.findall(r"\$context\.[\w.]+", settings["Format"]))
    request = ("requestId", "requestTime", "routeKey", "status", "responseLatency")
    who = ("authorizer.claims.sub", "identity.sourceIp", "authorizer.error", "integrationErrorMessage")
    assert {f"$context.{name}" for name in (*request, *who)} == told
    assert set(json.loads(settings["Format"]).values()) == told
    assert cloud.one("AWS::Logs::LogGroup", under="ServingAccessLog").arn == settings["DestinationArn"]


def test_only_the_apis_gateway_calls_the_function(cloud):
    [permission] = (r for r in cloud.resources("AWS::Lambda::Permission") if r.logical_id.startswith("Serving"))

    assert "apigateway.amazonaws.com" == permission.properties["Principal"]
    assert f":{ACCOUNT}:ServingHttp" in permission.properties["SourceArn"], "of this API alone"


@pytest.mark.parametrize("name", ["tenant", "tenant-limited"])
def test_a_session_is_given_to_one_function_for_one_tenant_and_an_hour(cloud, name):
    [role] = (r for r in cloud.resources("AWS::IAM::Role") if r.properties["RoleName"] == f"sealstream-{name}")
    [trust] = role.properties["AssumeRolePolicyDocument"]["Statement"]

    assert 3_600 == role.properties["MaxSessionDuration"]
    assert {"AWS": f"arn:aws:iam::{ACCOUNT}:role/sealstream-tenant-api"} == trust["Principal"]
    assert ["sts:AssumeRole", "sts:TagSession"] == trust["Action"]
    assert {
        "StringLike": {"aws:RequestTag/TenantID": "?*"},
        "StringNotLike": {"aws:RequestTag/TenantID": "_*"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["TenantID"]},
        "Null": {"aws:TagKeys": "false"},
    } == trust["Condition"]


def test_a_set_operator_under_allow_never_stands_without_its_guard(cloud):
    documents = [policy.properties["PolicyDocument"] for policy in cloud.resources("AWS::IAM::Policy")]
    documents += [role.properties["AssumeRolePolicyDocument"] for role in cloud.resources("AWS::IAM::Role")]
    found = [
        (condition, key)
        for document in documents
        for statement in document["Statement"]
        if "Condition" in statement
        for condition in [statement["Condition"]]
        for operator, keys in condition.items()
        if operator.startswith("ForAllValues:")
        for key in keys
    ]

    assert found
    for condition, key in found:
        assert "false" == condition["Null"][key], "it passes where the key is absent"


def test_both_functions_find_what_they_work_with_in_their_environment(cloud):
    key_store = cloud.one("AWS::DynamoDB::Table", under="DataKeys").logical_id
    key_arn = cloud.one("AWS::KMS::Key", under="Attribute").arn

    api = TenantApiSettings.from_environment(_environment(cloud, "Serving"))
    ensures = EnsureKeysSettings.from_environment(_environment(cloud, "Ensuring"))

    assert (key_store, key_arn) == (api.key_store, api.attribute_keys.present)
    assert (key_store, key_arn) == (ensures.key_store, ensures.attribute_keys.present)
    assert cloud.one("AWS::DynamoDB::Table", under="Items").logical_id == api.table
    assert f"arn:aws:iam::{ACCOUNT}:role/sealstream-tenant" == api.tenant_role
    assert f"arn:aws:iam::{ACCOUNT}:role/sealstream-tenant-limited" == api.limited_role
    assert ("sealstream-ensure-keys", "tenant_id") == (api.ensure_keys, api.tenant_claim)


def test_who_waits_for_an_answer_waits_no_longer_than_the_gateway_does(cloud):
    api, ensures = (cloud.one("AWS::Lambda::Function", under=name) for name in ("Serving", "Ensuring"))

    assert ensures.properties["Timeout"] < api.properties["Timeout"] < 30


def test_what_waits_for_slow_answers_takes_no_more_than_its_part_of_the_accounts_functions(cloud):
    at_once = {
        function.properties["FunctionName"]: function.properties["ReservedConcurrentExecutions"]
        for function in cloud.resources("AWS::Lambda::Function")
        if "ReservedConcurrentExecutions" in function.properties
    }

    assert {"sealstream-tenant-api": 100, "sealstream-notary": 1} == at_once


def test_without_an_issuer_nothing_of_it_is_deployed(other_and_unacceptable):
    names = json.dumps([other_and_unacceptable.template(stack) for stack in other_and_unacceptable.stacks])

    assert "SealstreamApi" not in other_and_unacceptable.stacks
    assert [] == re.findall(r"acme-(?:tenant|ensure)[\w-]*", names), "nor is a right waiting for a role of that name"


def _environment(synthesis, function):
    return synthesis.one("AWS::Lambda::Function", under=function).properties["Environment"]["Variables"]
