"""A small world to scan: a policy, a key store, a KMS, and values sealed in it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import open_value, seal_value
from shared.keys.keyring import Keyring
from shared.model import QUARANTINE_CLASS, QUARANTINE_PATH, SYSTEM_TENANT, AttributeValue, KeyState, Path
from shared.policy.compiled import Policy
from shared.policy.load import parse_policy
from shared.source_position import kinesis_position
from tests.fakes.clock import FakeClock
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
[defaults]
undeclared = "seal"
data_class = "restricted"
[classes.restricted]
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"amount" = { plain = "number" }
""",
    "policy.toml",
)
SOURCE_POSITION = kinesis_position(b"p", "49590338271490256608559692538361571095921575989136588898", 0).to_bytes()


@dataclass
class World:
    """What there is of keys."""

    store: FakeKeyStore = field(default_factory=FakeKeyStore)
    service: FakeKeyService = field(default_factory=FakeKeyService)
    clock: FakeClock = field(default_factory=FakeClock)
    policy: Policy = POLICY

    def keyring(self) -> Keyring:
        """Of a process that starts now."""
        return Keyring(
            store=self.store,
            service=self.service,
            dataset=self.policy.dataset,
            trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
            wall=self.clock.wall,
            monotonic=self.clock.monotonic,
            opens_retired=True,
        )

    def seal(self, tenant_id: str, item_id: str, path: Path, value: AttributeValue, data_class: str) -> bytes:
        """A value sealed under the active key."""
        prefix = record_prefix(dataset=self.policy.dataset, tenant_id=tenant_id, item_id=item_id)
        return seal_value(self.keyring().active(tenant_id, data_class).cipher, prefix, path, value)

    def item(self, item_id: str = "i-1", tenant_id: str = "acme", **more: Any) -> dict[str, Any]:
        """An item as sealstream writes it, with one sealed attribute."""
        ssn = self.seal(tenant_id, item_id, ("ssn",), {"S": f"ssn of {item_id}"}, "pii")
        return {
            "tenant_id": {"S": tenant_id},
            "item_id": {"S": item_id},
            "ssn": {"B": ssn},
            "amount": {"N": "1"},
            "_src": {"B": SOURCE_POSITION},
            "_policy": {"B": self.policy.digest},
            **more,
        }

    def held(self, quarantine_id: str, content: str = "content") -> bytes:
        """The content of an object in quarantine."""
        return self.seal(SYSTEM_TENANT, quarantine_id, QUARANTINE_PATH, {"S": content}, QUARANTINE_CLASS)

    def open_held(self, quarantine_id: str, sealed: bytes) -> AttributeValue:
        """What an object in quarantine holds."""
        prefix = record_prefix(dataset=self.policy.dataset, tenant_id=SYSTEM_TENANT, item_id=quarantine_id)
        key = self.keyring().opener(SYSTEM_TENANT, int.from_bytes(sealed[1:5], "big"))
        return open_value(key.cipher, prefix, QUARANTINE_PATH, sealed)

    def renew(self, tenant_id: str = "acme", data_class: str = "pii") -> tuple[int, int]:
        """Replace the active key; gives the old id and the new one."""
        old = self.store.active_key_id(tenant_id, data_class)
        assert old is not None
        return old, replace_active_key(self.store, self.service, tenant_id, data_class)

    def set_state(self, key_id: int, state: KeyState, tenant_id: str = "acme") -> None:
        self.store.set_state(tenant_id, key_id, state)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool
