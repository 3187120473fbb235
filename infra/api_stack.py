"""Tenant API: the second front door, for those who have a token; deployed where it is said who issues these."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.api_alarms import ApiAlarms
from infra.api_settings import ApiSettings
from infra.bundling import Bundler
from infra.data_stack import DataStack
from infra.ensure_keys import EnsureKeys
from infra.keys_stack import KeysStack
from infra.queries import API_QUERIES, Queries
from infra.settings import Settings
from infra.tenant_api import TenantApi


class ApiStack(cdk.Stack):
    """The API and the function that makes keys for it; what they work on lives in the other stacks."""

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
    ) -> None:
        super().__init__(
            scope,
            id,
            stack_name=settings.stack_name("Api"),
            description="sealstream: tenant API",
        )
        ensure_keys = EnsureKeys(self, "EnsuringKeys", settings=settings, bundler=bundler, keys=keys, audit=data.audit)
        tenant_api = TenantApi(
            self,
            "Serving",
            settings=settings,
            api=api,
            bundler=bundler,
            keys=keys,
            data=data,
            ensure_keys=ensure_keys,
        )
        ApiAlarms(self, "Alarms", settings=settings, topic=data.notifications.topic, http=tenant_api.http)
        Queries(
            self,
            "Queries",
            settings=settings,
            queries=API_QUERIES,
            log_groups={one.name: one.log_group for one in (tenant_api.consumer, ensure_keys.consumer)},
        )

        cdk.CfnOutput(self, "ApiUrl", value=tenant_api.http.api_endpoint)
        cdk.CfnOutput(self, "TenantApi", value=tenant_api.consumer.function.function_name)
        cdk.CfnOutput(self, "TenantApiLogGroup", value=tenant_api.consumer.log_group.log_group_name)
        cdk.CfnOutput(self, "TenantApiAccessLog", value=tenant_api.access_log.log_group_name)
        cdk.CfnOutput(self, "EnsureKeys", value=ensure_keys.consumer.function.function_name)
        cdk.CfnOutput(self, "EnsureKeysLogGroup", value=ensure_keys.consumer.log_group.log_group_name)
