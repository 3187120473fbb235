"""The bucket of the audit trail: each part written by one role, once, where nothing is; locked, deleted by nobody.

What the policy denies it denies to all, administrators included, but for the bucket's configuration, which deployments
may change. Who wants to delete has to change the policy first, or to deploy; CloudTrail tells of both.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.denial import denied
from infra.deployments import other_than_deployments
from infra.one_key import only_with
from infra.private_bucket import private_bucket
from infra.rights import segments
from infra.settings import Settings
from shared.trail.stages import TOLD_BY

_NOTARY = "notary"
_OF_THE_API = frozenset({"ensure-keys", "tenant-api"})
"""Stages without a role where no API is deployed: then whoever makes one of that name may write nothing."""
_REMOVING = [
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
]
_LOCKING = ["s3:PutObjectRetention", "s3:PutObjectLegalHold"]
"""Who may lock an object otherwise than the bucket's default does could lock it for a minute."""
_REPLICATING = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ObjectOwnerOverrideToBucketOwner"]
"""A replica is written by none of the rights that a put needs."""
_CONFIGURING = [
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:PutReplicationConfiguration",
]
"""What comes would be locked for a day, expire, or lie under a key that somebody destroys; S3 asks no policy then."""


class AuditTrail(Construct):
    """The bucket of segments and manifests; nothing in it expires."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, storage_key: kms.IKey) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._logs_every_event = settings.audit.log_every_event
        self.bucket = private_bucket(
            self,
            settings=settings,
            storage_key=storage_key,
            object_lock_enabled=True,
            object_lock_default_retention=_retention(settings),
        )
        # what lay under another key nobody could read, nor attest
        for statement in (*self._denials(settings), *only_with(storage_key, self.bucket)):
            self.bucket.add_to_resource_policy(statement)
        acknowledge(
            self.bucket,
            "S1",
            reason="No access log is kept: the trail itself shows what was tampered with; who read it CloudTrail's "
            "data events say, where they are switched on",
        )

    def environment(self, stage: str) -> dict[str, str]:
        """What a function of this stage is told."""
        return {
            "SEALSTREAM_AUDIT_BUCKET": self.bucket.bucket_name,
            "SEALSTREAM_STAGE": stage,
            "SEALSTREAM_LOG_EVERY_EVENT": str(self._logs_every_event).lower(),
        }

    def _denials(self, settings: Settings) -> list[iam.PolicyStatement]:
        objects, manifests = self.bucket.arn_for_objects("*"), self.bucket.arn_for_objects("manifests/*")
        absent = frozenset() if settings.api else _OF_THE_API
        parts = {stage: segments(self.bucket.bucket_arn, stage) for stage in TOLD_BY if stage not in absent}
        return [
            denied("OnlyWhereNothingIs", ["s3:PutObject"], objects, {"Null": {"s3:if-none-match": "true"}}),
            denied("ManifestsByTheNotaryAlone", ["s3:PutObject"], manifests, self._by_others(_NOTARY, settings)),
            *(
                denied(f"{_camel(stage)}Alone", ["s3:PutObject"], part, self._by_others(stage, settings))
                for stage, part in parts.items()
            ),
            iam.PolicyStatement(
                sid="NothingElsewhere",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                not_resources=[*parts.values(), manifests],
            ),
            denied("NothingGoes", _REMOVING, objects),
            denied("NoOtherLock", _LOCKING, objects),
            denied("NoOtherWayIn", _REPLICATING, objects),
            denied("NoKeyAfterwards", ["s3:UpdateObjectEncryption"], objects),
            denied("ConfiguredByDeploymentsAlone", _CONFIGURING, self.bucket.bucket_arn, other_than_deployments(self)),
        ]

    def _by_others(self, stage: str, settings: Settings) -> dict[str, dict[str, str]]:
        """Whoever has not this stage's role, which a later stack makes: its name is known."""
        role_arn = cdk.Stack.of(self).format_arn(
            service="iam", region="", resource="role", resource_name=settings.name_of(stage)
        )
        return {"StringNotEquals": {"aws:PrincipalArn": role_arn}}


def _retention(settings: Settings) -> s3.ObjectLockRetention:
    days = cdk.Duration.days(settings.audit.retention_days)
    if settings.audit.lock is s3.ObjectLockMode.COMPLIANCE:
        return s3.ObjectLockRetention.compliance(days)
    return s3.ObjectLockRetention.governance(days)


def _camel(stage: str) -> str:
    return "".join(word.capitalize() for word in stage.split("-"))
