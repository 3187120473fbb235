"""The chain write → stream → auditor → findings queue → re-encryptor → write in one process, of its real parts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from consumers.auditor.audit import Auditor
from consumers.auditor.gather import KnownPolicies
from consumers.reencryptor.batch import FindingsConsumer
from shared.envelope.walk import open_attributes
from shared.keys.keyring import Keyring
from shared.keys.ports import DataKeyRow
from shared.model import SYSTEM_ATTRIBUTES, Attributes, KeyState
from shared.policy.compiled import Policy
from shared.policy.plan import plan
from shared.reencrypt.reencryptor import Reencryptor
from shared.runtime.audit_log import AuditLog
from shared.sealed_table_keys import ItemKeys
from shared.sealing import ItemAddress, seal_item
from shared.source_position import SourcePosition, kinesis_position
from tests.fakes.clock import FakeClock
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.item_stream import StreamedItems
from tests.fakes.items import FakeItemTable
from tests.fakes.key_service import FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.rotation import replace_active_key

TENANT = "acme"


class NeverEnds(AssertionError):
    """The chain went on for more rounds than it may take."""


class FindingChain:
    """A table of one tenant (others may be written to), and all that looks at it and mends it.

    Attributes:
        before_round: called before each round: what others do meanwhile.
        fates: of each reference that was worked off, message by message; what is to be retried does not come again.
        reopened: tenant and id of each data key that was.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.clock = FakeClock()
        self.store = FakeKeyStore()
        self.service = FakeKeyService()
        self.table = FakeItemTable()
        self.items = StreamedItems(self.clock.wall)
        self.table.items = self.items
        self.queue = FakeFindingsQueue()
        self.before_round: Callable[[], None] = lambda: None
        self.fates: list[str] = []
        self.reopened: list[tuple[str, int]] = []
        self.pool = ThreadPoolExecutor(2)
        self.publish(policy)
        self._log = io.StringIO()
        self._auditor = Auditor(policy, self.store, KnownPolicies(self.store), AuditLog(self._log), self.queue)
        reencryptor = Reencryptor(
            policy=policy,
            keyring=self.keyring(opens_retired=True),
            statuses=self.store,
            updates=self.table,
            reopen=self._reopen,
            pool=self.pool,
        )
        self._consumer = FindingsConsumer(self.table, reencryptor)

    def keyring(self, *, opens_retired: bool = False) -> Keyring:
        """A keyring of a process of its own."""
        return Keyring(
            store=self.store,
            service=self.service,
            dataset=self.policy.dataset,
            trusted_kms_key_arns=frozenset({self.service.kms_key_arn}),
            wall=self.clock.wall,
            monotonic=self.clock.monotonic,
            opens_retired=opens_retired,
        )

    def _reopen(self, tenant_id: str, key_id: int) -> None:
        self.reopened.append((tenant_id, key_id))
        self.store.set_state(tenant_id, key_id, KeyState.DECRYPT_ONLY)

    def publish(self, policy: Policy) -> None:
        """As of now, something may be sealed under the policy."""
        self.store.publish_policy(policy.digest, policy.source, self.clock.wall())

    def sealed(
        self, item_id: str, record: Attributes, *, policy: Policy | None = None, position: SourcePosition | None = None
    ) -> dict[str, Any]:
        """An item as the encryptor writes it."""
        address = ItemAddress(TENANT, item_id, position or kinesis_position(b"key", "1", 0), arrived_at=1_700_000_000.5)
        chosen = policy or self.policy
        return dict(seal_item(address, plan(chosen, record), policy=chosen, keyring=self.keyring()).item.attributes)

    def opened(self, item_id: str) -> dict[str, Any]:
        """What an item holds of its record."""
        item = self.items[TENANT, item_id]
        opener = ItemKeys.fetch(self.keyring(), self.policy.dataset, [item]).opener(item)
        opened = open_attributes(item, opener)
        return {name: value for name, value in opened.items() if name not in SYSTEM_ATTRIBUTES}

    def replace_key(self, data_class: str) -> int:
        """A new active key of the class; gives the id of the one before."""
        before = self.store.active_key_id(TENANT, data_class)
        assert before is not None
        replace_active_key(self.store, self.service, TENANT, data_class, dataset=self.policy.dataset)
        return before

    def put_key(self, like: DataKeyRow, key_id: int, state: KeyState | None) -> None:
        """Another data key in this state, of the same class as one that exists; None: its row is not readable."""
        self.store.put_row(replace(like, key_id=key_id, state=state or KeyState.ACTIVE))
        if state is None:
            self.store.spoil(TENANT, key_id)

    def write(self, item_id: str, item: Attributes, *, tenant_id: str = TENANT) -> None:
        """What somebody does who puts an item as he likes."""
        self.items[tenant_id, item_id] = {**item, "tenant_id": {"S": tenant_id}, "item_id": {"S": item_id}}

    def audit(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Let the auditor alone judge these records of the table's stream; gives all audit events so far."""
        assert self._auditor.audit(records).failed_sequence_numbers == []
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def run(self, *, rounds: int) -> list[dict[str, Any]]:
        """Let everybody work until nothing is left to do; gives the audit events.

        Raises:
            NeverEnds: there still is, after so many rounds.
        """
        for _ in range(rounds):
            self.before_round()
            self.clock.advance(1)
            assert self._auditor.audit(self.items.take_records()).failed_sequence_numbers == []
            about = {"ApproximateReceiveCount": "1", "SentTimestamp": str(int(self.clock.wall() * 1_000))}
            bodies = enumerate(self.queue.take())
            messages = [{"messageId": f"m{n}", "body": body, "attributes": about} for n, body in bodies]
            for result in self._consumer.process(messages, seconds_left=lambda: 60.0):
                self.fates += [str(fate) for fate in result.fates().elements()]
            if not self.items.has_records:
                return [json.loads(line) for line in self._log.getvalue().splitlines()]
        raise NeverEnds(f"after {rounds} rounds: {self.fates}")
