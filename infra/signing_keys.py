"""The KMS keys that sign the manifests of the audit trail: the notary signs with them, and nobody else can."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.attribute_key import administration
from infra.denial import denied
from infra.deployments import other_than_deployments
from infra.settings import Settings

_NOTARY = "notary"


class SigningKeys(Construct):
    """The key in its generations, each an asymmetric one, which KMS does not rotate by itself.

    A new generation signs once the one before it has named it in a manifest; the former ones are kept for that.

    Attributes:
        keys: the oldest first.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        notary_arn = cdk.Stack.of(self).format_arn(
            service="iam", region="", resource="role", resource_name=settings.name_of(_NOTARY)
        )
        self.keys = [
            kms.Key(
                self,
                "Key" if number == 1 else f"Key{number}",
                description=f"Signs the manifests of the audit trail; number {number}",
                key_spec=kms.KeySpec.ECC_NIST_P256,
                key_usage=kms.KeyUsage.SIGN_VERIFY,
                removal_policy=settings.removal_policy,
                policy=_policy(notary_arn, other_than_deployments(self)),
            )
            for number in range(1, settings.audit.keys + 1)
        ]
        kms.Alias(self.keys[0], "Alias", alias_name=f"alias/{settings.name_of(_NOTARY)}", target_key=self.keys[-1])

    @property
    def arns(self) -> list[str]:
        """Of all generations, the oldest first."""
        return [key.key_arn for key in self.keys]

    @property
    def joined_arns(self) -> str:
        """The same as one text."""
        return ",".join(self.arns)


def _policy(notary_arn: str, but_for_deployments: dict[str, dict[str, str]]) -> iam.PolicyDocument:
    by_the_notary = {"aws:PrincipalArn": notary_arn}
    return iam.PolicyDocument(
        statements=[
            administration("AdministrationWithoutUse"),
            iam.PolicyStatement(
                sid="SignByNotary",
                # the account, narrowed to one role: so the role's own policy must allow it too
                principals=[iam.AccountRootPrincipal()],
                actions=["kms:Sign"],
                resources=["*"],
                conditions={"StringEquals": by_the_notary},
            ),
            denied("NoSignatureByOthers", ["kms:Sign"], conditions={"StringNotEquals": by_the_notary}),
            denied("NoGrants", ["kms:CreateGrant"]),
            # without the key that signs at present nobody can hand over to another; a former one may be disabled
            denied("KeptByAll", ["kms:ScheduleKeyDeletion"], conditions=but_for_deployments),
        ]
    )
