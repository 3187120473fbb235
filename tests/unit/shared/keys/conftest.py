from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.keys.keyring import Keyring
from tests.fakes.clock import FakeClock
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.rotation import replace_active_key


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> FakeKeyStore:
    return FakeKeyStore()


@pytest.fixture
def service() -> FakeKeyService:
    return FakeKeyService()


MakeKeyring = Callable[..., Keyring]


@pytest.fixture
def make_keyring(store: FakeKeyStore, service: FakeKeyService, clock: FakeClock) -> MakeKeyring:
    """Keyrings of several processes on one store and one KMS."""

    def make(**other: object) -> Keyring:
        settings: dict[str, object] = {
            "store": store,
            "service": service,
            "dataset": "customers",
            "trusted_kms_key_arns": frozenset({ATTRIBUTE_KEY_ARN}),
            "wall": clock.wall,
            "monotonic": clock.monotonic,
        }
        return Keyring(**{**settings, **other})  # type: ignore[arg-type]

    return make


@pytest.fixture
def keyring(make_keyring: MakeKeyring) -> Keyring:
    return make_keyring()


@pytest.fixture
def rotate(store: FakeKeyStore, service: FakeKeyService) -> Callable[[str, str], int]:
    """Replaces the active key of a tenant and class as rotation does; gives the new id."""
    return lambda tenant_id, data_class: replace_active_key(store, service, tenant_id, data_class)
