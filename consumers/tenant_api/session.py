"""What stands on one tenant session: its table, keys and caches; nothing of it is another tenant's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from shared.aws.item_reader import DynamoItemReader, Page
from shared.aws.items import DynamoItemTable
from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.aws.kms import KmsKeyOpener
from shared.aws.tenant_sessions import TenantClients
from shared.keys.keyring import Keyring
from shared.keys.ports import KeyStore
from shared.policy.compiled import Policy
from shared.runtime.settings import TenantApiSettings
from shared.sealed_table import SealedTable
from shared.sealed_table_opening import KeyStatuses

_MAX_KEYS: Final = 1_000
DENIED_SECONDS: Final = 60.0
"""How long a session takes KMS at its word that it may not open a key."""


class TenantReads(Protocol):
    """A tenant's items as they are stored; see `shared.aws.item_reader`."""

    def of_tenant(self, tenant_id: str, *, after: str | None, limit: int, consistent: bool) -> Page:
        """One page in the order of their ids, from the one after this id on."""


@dataclass(frozen=True, slots=True)
class TenantSession:
    """One tenant's table, as far as the session's role opens it."""

    tenant_id: str
    table: SealedTable = field(repr=False)
    reads: TenantReads = field(repr=False)
    keyring: Keyring = field(repr=False)
    store: KeyStore = field(repr=False)
    statuses: KeyStatuses = field(repr=False)


def connect(clients: TenantClients, settings: TenantApiSettings, policy: Policy) -> TenantSession:
    """Build it upon the session's own clients; no other credentials reach items, key store or KMS."""
    store = DynamoKeyStore(clients.dynamodb, settings.key_store)
    statuses = DynamoKeyStatusReader(clients.dynamodb, settings.key_store)
    keyring = Keyring(
        store=store,
        service=KmsKeyOpener(clients.kms, settings.attribute_keys.present),
        dataset=policy.dataset,
        trusted_kms_key_arns=settings.attribute_keys.trusted,
        max_age_seconds=settings.attribute_keys.max_age_seconds,
        max_keys=_MAX_KEYS,
        denied_seconds=DENIED_SECONDS,
    )
    reads = DynamoItemReader(clients.dynamodb, settings.table)
    table = SealedTable(
        reads=reads,
        writes=DynamoItemTable(clients.writes, settings.table),
        keyring=keyring,
        statuses=statuses,
        policy=policy,
        unreadable="mark",
    )
    return TenantSession(clients.tenant_id, table, reads, keyring, store, statuses)
