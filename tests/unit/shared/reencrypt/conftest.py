"""A table, keys and a re-encryptor over fakes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.envelope.associated_data import record_prefix
from shared.envelope.layout import key_id_of
from shared.envelope.seal import open_attributes, open_value, seal_value
from shared.keys.keyring import Keyring
from shared.model import KeyState, PutResult
from shared.policy.load import parse_policy
from shared.policy.plan import plan
from shared.policy.verify import key_ids
from shared.reencrypt.model import Candidate, Mended
from shared.reencrypt.reencryptor import Reencryptor
from shared.sealing import ItemAddress, seal_item
from shared.source_position import kinesis_position
from tests.fakes.clock import FakeClock
from tests.fakes.items import FakeItemTable
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.rotation import replace_active_key

POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[classes.pci]
[attributes]
"ssn" = { seal = "pii" }
"address" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"contacts[].kind" = { plain = "string" }
"card" = { seal = "pci" }
"amount" = { plain = "number" }
""",
    "policy.toml",
)


class World:
    """Items of one table, what writes them, and what mends them."""

    policy = POLICY

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.store, self.service, self.clock = FakeKeyStore(), FakeKeyService(), FakeClock()
        self.table = FakeItemTable()
        self.writer = self.keyring()
        self.mender = self.keyring()
        self.reopened: list[tuple[str, int]] = []
        self.reencryptor = self.make_reencryptor()

    def keyring(self) -> Keyring:
        return Keyring(
            store=self.store,
            service=self.service,
            dataset=POLICY.dataset,
            trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
            wall=self.clock.wall,
            monotonic=self.clock.monotonic,
            opens_retired=True,
        )

    def make_reencryptor(self, **other: Any) -> Reencryptor:
        parts: dict[str, Any] = {
            "policy": POLICY,
            "keyring": self.mender,
            "statuses": self.store,
            "updates": self.table,
            "reopen": self.reopen,
            "pool": self.pool,
        }
        return Reencryptor(**{**parts, **other})

    def reopen(self, tenant_id: str, key_id: int) -> None:
        self.reopened.append((tenant_id, key_id))
        self.store.set_state(tenant_id, key_id, KeyState.DECRYPT_ONLY)

    def put(self, item_id: str = "1", *, tenant_id: str = "acme", at: int = 1, **attributes: Any) -> PutResult:
        """What the encryptor does with a record."""
        address = ItemAddress(tenant_id, item_id, kinesis_position(b"p", str(at), 0), arrived_at=1_700_000_000.5)
        sealed = seal_item(address, plan(POLICY, attributes), policy=POLICY, keyring=self.writer)
        return self.table.put_if_newer(sealed.item)

    def seal(self, path: Any, value: Any, data_class: str, *, item_id: str = "1", tenant_id: str = "acme") -> Any:
        """One sealed value for a path of an item."""
        prefix = record_prefix(dataset=POLICY.dataset, tenant_id=tenant_id, item_id=item_id)
        return {"B": seal_value(self.writer.active(tenant_id, data_class).cipher, prefix, path, value)}

    def rotate(self, data_class: str, tenant_id: str = "acme") -> tuple[int, int]:
        """Old and new key id; whoever writes from now on knows the new one, the mender only what it asks for."""
        old = self.store.active_key_id(tenant_id, data_class)
        assert old is not None
        new = replace_active_key(self.store, self.service, tenant_id, data_class)
        self.writer = self.keyring()
        return old, new

    def item(self, item_id: str = "1", tenant_id: str = "acme") -> Any:
        return self.table.items[tenant_id, item_id]

    def opened(self, item_id: str = "1", tenant_id: str = "acme") -> dict[str, Any]:
        """The item's own attributes as a reader with fresh caches sees them."""
        keyring = self.keyring()
        prefix = record_prefix(dataset=POLICY.dataset, tenant_id=tenant_id, item_id=item_id)

        def open_one(path: Any, raw: bytes) -> Any:
            return open_value(keyring.opener(tenant_id, key_id_of(raw)).cipher, prefix, path, raw)

        opened = open_attributes(self.item(item_id, tenant_id), open_one)
        return {name: value for name, value in opened.items() if not name.startswith("_") and not name.endswith("_id")}

    def keys_of(self, item_id: str = "1", tenant_id: str = "acme") -> set[int]:
        return set(key_ids(self.item(item_id, tenant_id)))

    def candidates(self, open_since: float | None = None) -> list[Candidate]:
        return [Candidate(image, open_since) for image in list(self.table.items.values())]

    def mend(self, *, adopting: bool = False, open_since: float | None = None) -> list[Mended]:
        """Mend all items as they stand."""
        return self.reencryptor.mend(self.candidates(open_since), adopting=adopting)


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4, thread_name_prefix="mend") as pool:
        yield pool


@pytest.fixture
def world(pool) -> World:
    return World(pool)
