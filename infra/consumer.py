"""One consumer's function, with a role and a log group of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import rights as all_rights
from infra.acknowledge import acknowledge, imported, own
from infra.audit_trail import AuditTrail
from infra.bundling import Bundler
from infra.settings import Settings


class Consumer(Construct):
    """A Lambda function with exactly the given rights, and that of writing its own segments of the audit trail.

    It runs `consumers.<package>.<handler>`, in the asset of that package; where none is given, its name's package.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        settings: Settings,
        bundler: Bundler,
        name: str,
        memory_mib: int,
        timeout: cdk.Duration,
        environment: Mapping[str, str],
        rights: Sequence[iam.PolicyStatement],
        storage_key: kms.IKey,
        audit: AuditTrail,
        package: str | None = None,
        handler: str = "handler.handler",
        concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.name, self.memory_mib = name, memory_mib
        package = package or name
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{settings.name_of(name)}",
            encryption_key=storage_key,
            retention=logs.RetentionDays.ONE_YEAR,  # the audit log among them: longer than a yearly audit's look back
            removal_policy=settings.removal_policy,
        )
        self.role = iam.Role(
            self,
            "Role",
            role_name=settings.name_of(name),
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What the {name} may do, and nothing else",
        )
        segments = all_rights.write_segments(audit.bucket.bucket_arn, name)
        for statement in (_write_logs(self.log_group), segments, *rights):
            self.role.add_to_policy(statement)
        asset = bundler.asset(package)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=settings.name_of(name),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"consumers.{package}.{handler}",
            code=lambda_.Code.from_asset(
                str(asset.path), asset_hash=asset.digest, asset_hash_type=cdk.AssetHashType.CUSTOM
            ),
            role=self.role,
            log_group=self.log_group,
            memory_size=memory_mib,
            timeout=timeout,
            environment={**audit.environment(name), **environment},
            reserved_concurrent_executions=concurrency,
        )
        acknowledge(
            self.role,
            f"IAM5[Resource::{own(self.log_group, 'Arn')}]",
            reason="A log group's ARN ends in :*, which stands for its own log streams",
        )
        acknowledge(
            self.role,
            f"IAM5[Resource::{all_rights.segments(imported(cdk.Stack.of(audit), audit.bucket.bucket_arn), name)}]",
            reason="Every segment of its own stage, in any hour: it is named after what its events came from",
        )
        acknowledge(
            self.function,
            "L1",
            reason="python3.13 is what the libraries' wheels are tested with; it is moved with the locks, not with AWS",
        )


def _write_logs(log_group: logs.ILogGroup) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="OwnLog",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[log_group.log_group_arn],
    )
