"""The roles of tenant sessions: what is the tenant's own, whose name is the session's tag, and nothing else."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import rights
from infra.attribute_key import KeyUse
from infra.data_stack import DataStack
from infra.keys_stack import KeysStack
from infra.tenant_tag import TAG

MAX_SESSION = cdk.Duration.hours(1)
"""The longest there is for a session that another role asks for."""


class TenantRoles(Construct):
    """Two roles, which one function alone can take on, for one tenant at a time.

    The tag cannot be left out, nor another be set: neither of these conditions is met without one. Who opens limited
    classes only is told by the condition of his right to the attribute key; everything else is the same for both.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        keys: KeysStack,
        data: DataStack,
        trusted: iam.IRole,
    ) -> None:
        super().__init__(scope, id)
        for name, use in (("Tenant", keys.tenant_use), ("TenantLimited", keys.tenant_limited_use)):
            role = _role(self, name, use, trusted)
            for statement in (
                rights.use_own_items(data.items.table_arn),
                rights.read_own_data_keys(keys.key_store.table_arn),
                keys.attribute_key.statement_for(use),
            ):
                role.add_to_policy(statement)

    @staticmethod
    def arns(scope: Construct, keys: KeysStack) -> tuple[str, str]:
        """Of both roles, the one that opens every class first; by name, so that they can be told before they exist."""
        every, limited = (
            cdk.Stack.of(scope).format_arn(service="iam", region="", resource="role", resource_name=use.role_name)
            for use in (keys.tenant_use, keys.tenant_limited_use)
        )
        return every, limited


def _role(scope: Construct, name: str, use: KeyUse, trusted: iam.IRole) -> iam.Role:
    tag = f"aws:RequestTag/{TAG}"
    return iam.Role(
        scope,
        name,
        role_name=use.role_name,
        description="What a tenant session may do, and nothing else; whose it is says its tag",
        max_session_duration=MAX_SESSION,
        # by its ARN, which IAM keeps as the role's unique id: another role of that name would not be trusted
        assumed_by=iam.SessionTagsPrincipal(
            iam.ArnPrincipal(trusted.role_arn).with_conditions(
                {
                    "StringLike": {tag: "?*"},
                    "StringNotLike": {tag: "_*"},
                    "ForAllValues:StringEquals": {"aws:TagKeys": [TAG]},
                    "Null": {"aws:TagKeys": "false"},
                }
            )
        ),
    )
