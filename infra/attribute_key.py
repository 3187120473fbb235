"""The KMS keys that wrap data keys: who may use them is written in their policy, and nobody else can be given it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.denial import denied
from infra.settings import Settings

CRYPTOGRAPHIC_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")
ADMINISTRATION = (
    "kms:DescribeKey",
    "kms:List*",
    "kms:Get*",
    "kms:CreateAlias",
    "kms:UpdateAlias",
    "kms:DeleteAlias",
    "kms:PutKeyPolicy",
    "kms:UpdateKeyDescription",
    "kms:EnableKey",
    "kms:DisableKey",
    "kms:EnableKeyRotation",
    "kms:DisableKeyRotation",
    "kms:RotateKeyOnDemand",
    "kms:RevokeGrant",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
)
"""Everything but cryptographic use and CreateGrant: grants would pass by this policy."""

Conditions: TypeAlias = Mapping[str, Mapping[str, str | list[str]]]
"""By operator and key, as a policy has them."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What one role may do with the attribute key, and only under this dataset's encryption context.

    Attributes:
        conditions: what else must hold.
    """

    role_name: str
    actions: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)


class AttributeKey(Construct):
    """The attribute key in its generations, with automatic rotation, under one policy.

    A new generation is how data keys move to another KMS key: new ones are wrapped under it at once, the others when a
    rotation wraps them anew; until then the former keys are needed.

    Attributes:
        key: the present one, for its ARN; its `grant_…` methods are not used, since rights are what `uses` says.
        others: the former ones; and those that everybody shall know before one of them is the present one.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings, uses: Sequence[KeyUse]) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._dataset = settings.dataset
        self._key_age_seconds = settings.key_age_seconds
        generations = {
            number: self._generation(number, settings=settings, uses=uses)
            for number in range(1, settings.attribute_keys + 1)
        }
        self.key = generations[settings.present_attribute_key]
        self.others = [key for key in generations.values() if key is not self.key]
        # in the first key's scope whatever its target is: so it stays the same alias when that changes
        kms.Alias(generations[1], "Alias", alias_name=f"alias/{settings.name_of('attribute')}", target_key=self.key)

    def _generation(self, number: int, *, settings: Settings, uses: Sequence[KeyUse]) -> kms.Key:
        role_arns = {use.role_name: _role_arn(self, use.role_name) for use in uses}
        return kms.Key(
            self,
            "Key" if number == 1 else f"Key{number}",
            description=f"Wraps the data keys that seal attributes of the dataset {settings.dataset}; number {number}",
            enable_key_rotation=True,
            removal_policy=settings.removal_policy,
            policy=iam.PolicyDocument(
                statements=[
                    administration("AdministrationWithoutUse"),
                    *(
                        iam.PolicyStatement(
                            sid="UseBy" + "".join(word.capitalize() for word in use.role_name.split("-")),
                            # the account, narrowed to one role: so the role's own policy must allow it too
                            principals=[iam.AccountRootPrincipal()],
                            actions=list(use.actions),
                            resources=["*"],
                            conditions=all_of(
                                self._dataset_only(),
                                {"StringEquals": {"aws:PrincipalArn": role_arns[use.role_name]}},
                                use.conditions,
                            ),
                        )
                        for use in uses
                    ),
                    denied(
                        "NoUseByOthers",
                        CRYPTOGRAPHIC_USE,
                        conditions={"StringNotEquals": {"aws:PrincipalArn": list(role_arns.values())}},
                    ),
                    denied("NoGrants", ["kms:CreateGrant"]),
                ]
            ),
        )

    @property
    def arns(self) -> list[str]:
        """Of all generations, the present one first."""
        return [key.key_arn for key in (self.key, *self.others)]

    @property
    def environment(self) -> dict[str, str]:
        """How a function learns which key wraps data keys, and which others may have."""
        environment = {"SEALSTREAM_ATTRIBUTE_KEY": self.key.key_arn}
        if self.others:
            environment["SEALSTREAM_FORMER_ATTRIBUTE_KEYS"] = self.other_arns
        if self._key_age_seconds:
            environment["SEALSTREAM_KEY_AGE_SECONDS"] = str(self._key_age_seconds)
        return environment

    @property
    def other_arns(self) -> str:
        """Of all generations but the present one, with commas between them."""
        return ",".join(key.key_arn for key in self.others)

    def statement_for(self, use: KeyUse) -> iam.PolicyStatement:
        """The same right as the key policy's, for the role's own policy."""
        return iam.PolicyStatement(
            sid="AttributeKey",
            actions=list(use.actions),
            resources=self.arns,
            conditions=all_of(self._dataset_only(), use.conditions),
        )

    def _dataset_only(self) -> Conditions:
        """This dataset's encryption context, with nothing of it missing.

        Single-valued operators only: under Allow a `ForAllValues` passes when the key is absent.
        """
        return {
            "StringEquals": {"kms:EncryptionContext:dataset": self._dataset},
            "Null": {f"kms:EncryptionContext:{name}": "false" for name in ("tenant_id", "data_class", "key_id")},
        }


def administration(sid: str) -> iam.PolicyStatement:
    """A key policy's statement: the account's administrators manage the key and cannot use it."""
    return iam.PolicyStatement(
        sid=sid, principals=[iam.AccountRootPrincipal()], actions=list(ADMINISTRATION), resources=["*"]
    )


def all_of(*conditions: Conditions) -> dict[str, dict[str, str | list[str]]]:
    """One block in which all of these must hold; no two of them are about one key by one operator."""
    joined: dict[str, dict[str, str | list[str]]] = {}
    for each in conditions:
        for operator, values in each.items():
            joined.setdefault(operator, {}).update(values)
    return joined


def _role_arn(scope: Construct, role_name: str) -> str:
    return cdk.Stack.of(scope).format_arn(service="iam", region="", resource="role", resource_name=role_name)
