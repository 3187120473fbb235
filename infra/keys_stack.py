"""Keys: the attribute key, those that sign the audit trail, the storage key, and the table of encrypted data keys."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.attribute_key import AttributeKey, KeyUse, all_of
from infra.protected_table import ProtectedTable
from infra.settings import Settings
from infra.signing_keys import SigningKeys
from infra.storage_key import StorageKey
from infra.tenant_tag import OWN_KEYS


class KeysStack(cdk.Stack):
    """What must never be lost: without it, what is sealed stays closed."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:  # noqa: A002
        super().__init__(
            scope,
            id,
            stack_name=settings.stack_name("Keys"),
            description="sealstream: attribute key, signing keys, storage key, key store",
            termination_protection=settings.protected,
        )
        self.encryptor_use = KeyUse(
            role_name=settings.name_of("encryptor"), actions=("kms:GenerateDataKey", "kms:Decrypt")
        )
        self.redriver_use = KeyUse(
            role_name=settings.name_of("redriver"), actions=("kms:GenerateDataKey", "kms:Decrypt")
        )
        # they seal too: under a class that the tenant has no key of yet, once the policy seals more than it did
        self.reencryptor_use = KeyUse(
            role_name=settings.name_of("reencryptor"), actions=("kms:GenerateDataKey", "kms:Decrypt")
        )
        self.sweeper_use = KeyUse(role_name=settings.name_of("sweeper"), actions=("kms:GenerateDataKey", "kms:Decrypt"))
        # wraps and makes keys without ever holding one
        self.rotation_use = KeyUse(
            role_name=settings.name_of("rotation"),
            actions=("kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKeyWithoutPlaintext"),
        )
        uses = [self.encryptor_use, self.redriver_use, self.reencryptor_use, self.sweeper_use, self.rotation_use]
        if settings.api:
            # whoever asks for a tenant opens what is the tenant's; its first keys are made by one who opens nothing
            self.tenant_use = KeyUse(
                role_name=settings.name_of("tenant"), actions=("kms:Decrypt",), conditions=OWN_KEYS
            )
            limited = {"kms:EncryptionContext:data_class": list(settings.api.limited_classes)}
            self.tenant_limited_use = KeyUse(
                role_name=settings.name_of("tenant-limited"),
                actions=("kms:Decrypt",),
                conditions=all_of(OWN_KEYS, {"StringEquals": limited}),
            )
            self.ensure_keys_use = KeyUse(
                role_name=settings.name_of("ensure-keys"), actions=("kms:GenerateDataKeyWithoutPlaintext",)
            )
            uses += [self.tenant_use, self.tenant_limited_use, self.ensure_keys_use]
        self.attribute_key = AttributeKey(self, "Attribute", settings=settings, uses=uses)
        self.signing_keys = SigningKeys(self, "Signing", settings=settings)
        self.storage_key = StorageKey(self, "Storage", settings=settings).key
        self.key_store = ProtectedTable(
            self,
            "DataKeys",
            settings=settings,
            storage_key=self.storage_key,
            partition_key="tenant_id",
            sort_key="row",
        ).table

        cdk.CfnOutput(self, "AttributeKey", value=self.attribute_key.key.key_arn)
        if self.attribute_key.others:
            cdk.CfnOutput(self, "FormerAttributeKeys", value=self.attribute_key.other_arns)
        cdk.CfnOutput(self, "NotaryKeys", value=self.signing_keys.joined_arns)
        cdk.CfnOutput(self, "StorageKey", value=self.storage_key.key_arn)
        cdk.CfnOutput(self, "KeyStore", value=self.key_store.table_name)
