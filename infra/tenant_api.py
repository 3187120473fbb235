"""The tenant API: an HTTP API that lets in who has a token, one function behind it, and that function's few rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra import rights
from infra.acknowledge import acknowledge
from infra.api_settings import ApiSettings
from infra.bundling import Bundler
from infra.consumer import Consumer
from infra.data_stack import DataStack
from infra.ensure_keys import EnsureKeys
from infra.keys_stack import KeysStack
from infra.settings import ROOT, Settings
from infra.tenant_roles import TenantRoles

DOCUMENT: Final = ROOT / "consumers" / "tenant_api" / "openapi.json"
"""Says which routes there are and which need a token: the function's contract is the gateway's.

The scope it looks at itself, after the tenant: what API Gateway refuses no audit event tells.
"""
DESCRIPTION: Final = "/openapi.json"
"""The one route that needs no token."""
DESCRIPTION_LIMITS: Final = {"ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 10}
"""A second, and at once: who has no token uses up nothing of what those have who do."""
MEMORY_MIB: Final = 1769
"""One whole processor, as the encryptor: a caller waits."""
ACCESS_LOG: Final = {
    "request_id": "$context.requestId",
    "at": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "subject": "$context.authorizer.claims.sub",
    "source_ip": "$context.identity.sourceIp",
    "token_error": "$context.authorizer.error",
    "function_error": "$context.integrationErrorMessage",
}
"""A route's key is its form; the path itself would tell tenants and items to whoever reads the log.

Whom API Gateway turns away no audit event tells: here are his address, and what was wrong with his token.
"""


class TenantApi(Construct):
    """The API with its authorizer, its function, and the roles that the function takes on for a tenant."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        api: ApiSettings,
        bundler: Bundler,
        keys: KeysStack,
        data: DataStack,
        ensure_keys: EnsureKeys,
    ) -> None:
        super().__init__(scope, id)
        tenant_role, limited_role = TenantRoles.arns(self, keys)
        ensures = ensure_keys.consumer.function
        self.consumer = Consumer(
            self,
            "Consumer",
            settings=settings,
            bundler=bundler,
            name="tenant-api",
            package="tenant_api",
            memory_mib=MEMORY_MIB,
            timeout=cdk.Duration.seconds(29),  # API Gateway waits for thirty
            environment={
                "SEALSTREAM_TABLE": data.items.table_name,
                "SEALSTREAM_KEY_STORE": keys.key_store.table_name,
                **keys.attribute_key.environment,
                "SEALSTREAM_TENANT_ROLE": tenant_role,
                "SEALSTREAM_TENANT_LIMITED_ROLE": limited_role,
                "SEALSTREAM_ENSURE_KEYS": ensures.function_name,
                "SEALSTREAM_TENANT_CLAIM": api.tenant_claim,
            },
            rights=[rights.assume(tenant_role, limited_role), rights.invoke(ensures.function_arn)],
            storage_key=keys.storage_key,
            audit=data.audit,
            concurrency=api.concurrency,
        )
        TenantRoles(self, "Roles", keys=keys, data=data, trusted=self.consumer.role)
        self.http = apigateway.HttpApi(
            self,
            "Http",
            api_name=settings.name_of("tenant-api"),
            description="Items of one tenant each, for whoever has a token of that tenant's",
            create_default_stage=False,
        )
        self._routes(api)
        self._stage(settings, api, keys.storage_key)

    def _routes(self, api: ApiSettings) -> None:
        integration = HttpLambdaIntegration("Function", self.consumer.function, scope_permission_to_route=False)
        authorizer = HttpJwtAuthorizer("Token", api.issuer, jwt_audience=list(api.audience))
        for method, path, needs_token in _operations():
            (route,) = self.http.add_routes(
                path=path,
                methods=[method],
                integration=integration,
                authorizer=authorizer if needs_token else None,
            )
            if path == DESCRIPTION:
                self.description_route = route
                acknowledge(
                    route, "APIG4", reason="What is public about the API: how to ask for what it gives to nobody"
                )

    def _stage(self, settings: Settings, api: ApiSettings, storage_key: kms.IKey) -> None:
        self.access_log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/vendedlogs/apis/{settings.name_of('tenant-api')}",
            encryption_key=storage_key,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=settings.removal_policy,
        )
        stage = apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.http.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=api.rate, throttling_burst_limit=api.burst
            ),
            route_settings={f"GET {DESCRIPTION}": DESCRIPTION_LIMITS},
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=self.access_log.log_group_arn, format=json.dumps(ACCESS_LOG)
            ),
        )
        stage.node.add_dependency(self.description_route)  # settings of a route that is not there fail the deployment


def _operations() -> Iterator[tuple[apigateway.HttpMethod, str, bool]]:
    """Method, path, and whether a token is needed; an operation that does not say what it needs ends the synthesis."""
    for path, operations in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"].items():
        for method, operation in operations.items():
            yield apigateway.HttpMethod[method.upper()], path, any("token" in way for way in operation["security"])
