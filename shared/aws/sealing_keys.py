"""What everyone who seals begins with: the policy, the key store, and a keyring over it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.aws.clients import client
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.keys.keyring import Keyring
from shared.policy.compiled import Policy
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.key_events import report_created_key
from shared.runtime.settings import AttributeKeys


class SealingSettings(Protocol):
    """What of a consumer's settings is about keys."""

    @property
    def key_store(self) -> str:
        """Name of the table."""

    @property
    def attribute_keys(self) -> AttributeKeys:
        """The KMS keys."""

    @property
    def policy_file(self) -> Path:
        """The policy."""


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """The policy, and where its keys are; built once per process."""

    policy: Policy
    key_store: DynamoKeyStore
    attribute_keys: AttributeKeys
    audit_log: AuditLog

    @classmethod
    def of(cls, settings: SealingSettings, audit_log: AuditLog) -> SealingKeys:
        """Load the policy; raises PolicyError."""
        key_store = DynamoKeyStore(client("dynamodb"), settings.key_store)
        return cls(load_policy(settings.policy_file), key_store, settings.attribute_keys, audit_log)

    def publish_policy(self) -> SealingKeys:
        """Store the policy where auditors find it; before that nothing is sealed under it; raises StoreUnavailable."""
        self.key_store.publish_policy(self.policy.digest, self.policy.source, time.time())
        return self

    def keyring(self, *, opens_retired: bool = False) -> Keyring:
        """A new keyring, which tells the audit log of each key that it makes."""
        return Keyring(
            store=self.key_store,
            service=KmsKeyService(client("kms"), self.attribute_keys.present),
            dataset=self.policy.dataset,
            trusted_kms_key_arns=self.attribute_keys.trusted,
            max_age_seconds=self.attribute_keys.max_age_seconds,
            on_created=lambda row: report_created_key(row, self.audit_log),
            opens_retired=opens_retired,
        )
