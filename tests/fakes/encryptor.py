"""The whole encryptor with fakes at its edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from consumers.encryptor.batch import Encryptor
from consumers.encryptor.quarantine import Quarantine
from consumers.encryptor.results import BatchResult
from consumers.encryptor.sealing import RecordSealer
from consumers.encryptor.writing import Writer
from shared.envelope.associated_data import record_prefix
from shared.envelope.seal import open_attributes, open_value
from shared.keys.keyring import Keyring
from shared.model import QUARANTINE_CLASS, QUARANTINE_PATH, SYSTEM_TENANT, Attributes, Path, QuarantineEntry
from shared.policy.compiled import Policy
from tests.fakes.clock import FakeClock
from tests.fakes.items import FakeItemTable, FakeQuarantine
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.kinesis import STREAM_ARN
from tests.fakes.shards import FakeShards


@dataclass
class EncryptorWorld:
    """An encryptor, and what stands around it."""

    encryptor: Encryptor
    table: FakeItemTable
    quarantine: FakeQuarantine
    store: FakeKeyStore
    kms: FakeKeyService
    keyring: Keyring
    clock: FakeClock
    shards: FakeShards

    def process(self, *records: Mapping[str, Any], seconds_left: Callable[[], float] = lambda: 60.0) -> BatchResult:
        """One event of Kinesis records."""
        return self.encryptor.process(records, stream_arn=STREAM_ARN, seconds_left=seconds_left)

    def deploy(self, policy: Policy) -> None:
        """Another policy from now on, over the same table."""
        writer = Writer(self.table, RecordSealer(policy, self.keyring))
        self.encryptor = replace(self.encryptor, policy=policy, writer=writer)

    def opened(self, tenant: str, item: str) -> Attributes:
        """An item as its reader sees it."""
        prefix = record_prefix(dataset=self.encryptor.policy.dataset, tenant_id=tenant, item_id=item)

        def opener(path: Path, sealed: bytes) -> Any:
            key = self.keyring.opener(tenant, int.from_bytes(sealed[1:5], "big"))
            return open_value(key.cipher, prefix, path, sealed)

        return open_attributes(self.table.items[tenant, item], opener)

    def held(self, entry: QuarantineEntry) -> Any:
        """The content of an entry of the quarantine."""
        prefix = record_prefix(
            dataset=self.encryptor.policy.dataset, tenant_id=SYSTEM_TENANT, item_id=entry.quarantine_id
        )
        key = self.keyring.active(SYSTEM_TENANT, QUARANTINE_CLASS)
        return open_value(key.cipher, prefix, QUARANTINE_PATH, entry.sealed_content)


@contextmanager
def encryptor_world(policy: Policy, *, at_once: Executor | None = None) -> Iterator[EncryptorWorld]:
    """A world without items, in which every shard takes every hash key; writes go `at_once`, or by four threads."""
    table, quarantine, store, kms, clock, shards = (
        FakeItemTable(),
        FakeQuarantine(),
        FakeKeyStore(),
        FakeKeyService(),
        FakeClock(),
        FakeShards(),
    )
    keyring = Keyring(
        store=store,
        service=kms,
        dataset=policy.dataset,
        trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
        wall=clock.wall,
        monotonic=clock.monotonic,
    )
    with nullcontext(at_once) if at_once else ThreadPoolExecutor(4) as pool:
        encryptor = Encryptor(
            policy=policy,
            writer=Writer(table, RecordSealer(policy, keyring)),
            quarantine=Quarantine(quarantine, keyring, policy.dataset, shards),
            prefetch=keyring.prefetch_active,
            pool=pool,
            shards=shards,
        )
        yield EncryptorWorld(encryptor, table, quarantine, store, kms, keyring, clock, shards)
