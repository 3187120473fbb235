"""A whole rotation in memory: key store, KMS, runs, audit log, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import count
from typing import Any

from consumers.reopener.reopen import Reopener
from consumers.rotation.wiring import Rotation, compose
from shared.errors import KeyDenied
from shared.keys.keyring import Keyring
from shared.keys.ports import DataKeyRow, EncryptionContext
from shared.keys.rotation.ending import KeyEnder
from shared.policy.compiled import Policy
from shared.policy.load import parse_policy
from shared.runs.model import Phase, Tally
from shared.runtime.audit_log import AuditLog
from shared.runtime.settings import AttributeKeys
from tests.fakes.clock import FakeClock
from tests.fakes.inline_executor import InlineExecutor
from tests.fakes.kept_events import KeptEvents
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.runs import FakeRunStore

POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
unknown_order = "quarantine"
[classes.pii]
[classes.pci]
rotate_after_days = 90
[attributes]
"ssn" = { seal = "pii" }
"card" = { seal = "pci" }
""",
    "policy.toml",
)
DAY = 24 * 3600.0
FORMER_ARN = "arn:aws:kms:eu-central-1:111122223333:key/6f1c9c0e-0000-4000-8000-00000000000f"


class FakeHistory:
    """What is told of the items table."""

    def __init__(self) -> None:
        self.items = 0
        self.earliest: float | None = None
        self.asked = 0

    def item_count(self) -> int:
        return self.items

    def earliest_restore_point(self) -> float | None:
        self.asked += 1
        return self.earliest


class FakeHeldCount:
    """What waits in quarantine."""

    def __init__(self) -> None:
        self.entries: int | None = 0

    def held(self) -> int | None:
        return self.entries


@dataclass
class World:
    """All of it; `rotation` is what the Lambda calls.

    Attributes:
        wrap: put around each port that rotation is given.
        pool: what treats the keys of a page.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    store: FakeKeyStore = field(default_factory=FakeKeyStore)
    service: FakeKeyService = field(default_factory=FakeKeyService)
    runs: FakeRunStore = field(default_factory=FakeRunStore)
    history: FakeHistory = field(default_factory=FakeHistory)
    held: FakeHeldCount = field(default_factory=FakeHeldCount)
    log: StringIO = field(default_factory=StringIO)
    kept: KeptEvents = field(default_factory=KeptEvents)
    policy: Policy = POLICY
    former: frozenset[str] = frozenset()
    is_local: bool = False
    seconds_left: Callable[[], float] = lambda: 900.0
    wrap: Callable[[Any], Any] = lambda port: port
    pool: Executor = field(default_factory=InlineExecutor)
    requests: Iterator[int] = field(default_factory=count)
    key_ids: Iterator[int] = field(default_factory=lambda: count(0xA0000001))

    def __post_init__(self) -> None:
        self._new_process()

    def _new_process(self) -> None:
        self.audit_log = AuditLog(self.log, trail=self.kept)
        self.audit_log.begin(f"request-{next(self.requests)}")

    @property
    def rotation(self) -> Rotation:
        """A new process each time it is asked for: nothing is kept but what the stores keep."""
        return compose(
            runs=self.wrap(self.runs),
            store=self.wrap(self.store),
            service=self.wrap(self.service),
            history=self.wrap(self.history),
            held=self.wrap(self.held),
            policy=self.policy,
            attribute_keys=AttributeKeys(self.service.kms_key_arn, self.former),
            audit_log=self.wrap(self.audit_log),
            pool=self.pool,
            is_local=self.is_local,
            wall=self.clock.wall,
            new_key_id=self.next_key_id,
        )

    @property
    def reopener(self) -> Reopener:
        """The other function, in a new process as well."""
        return Reopener(KeyEnder(self.wrap(self.store), self.clock.wall), self.wrap(self.audit_log))

    def next_key_id(self) -> int:
        """Ids that rise, so that a new key stands behind its tenant's older ones."""
        return next(self.key_ids)

    def keyring(self, **other: Any) -> Keyring:
        """Another process that seals or reads."""
        return Keyring(
            store=self.store,
            service=self.service,
            dataset=self.policy.dataset,
            trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN, self.service.kms_key_arn}) | self.former,
            wall=self.clock.wall,
            monotonic=self.clock.monotonic,
            new_key_id=self.next_key_id,
            **other,
        )

    def first_keys(self, *pairs: tuple[str, str]) -> dict[tuple[str, str], int]:
        """First keys of these tenants and classes; their ids."""
        return {pair: self.keyring().active(*pair).key_id for pair in pairs}

    def begin(self, kind: str = "rotation", **options: Any) -> dict[str, Any]:
        return self._invoked({"operation": "begin", "kind": kind, **options})

    def advance(self, run_id: str) -> dict[str, Any]:
        return self._invoked({"operation": "advance", "run_id": run_id})

    def cancel(self, run_id: str) -> dict[str, Any]:
        return self._invoked({"operation": "cancel", "run_id": run_id})

    def reopen(self, tenant_id: str, key_id: int) -> dict[str, Any]:
        self._new_process()
        answer = self.reopener.reopen({"tenant_id": tenant_id, "key_id": f"{key_id:08x}"})
        self.audit_log.flush()
        return answer

    def _invoked(self, event: dict[str, Any]) -> dict[str, Any]:
        """In a new process, which keeps its events before it answers."""
        self._new_process()
        answer = self.rotation.run(event, self.seconds_left)
        self.audit_log.flush()
        return answer

    def scanned(self, run_id: str, phase: Phase, tally: Tally | None = None) -> None:
        """All segments of a scan are done; what they found is in the first."""
        run = self.runs.load(run_id)
        assert run is not None
        for number in range(run.segments + 1):
            before = self.runs.segment(run_id, phase, number)
            found = tally if tally and not number else Tally()
            assert self.runs.save_segment(replace(before, done=True, tally=found))

    def drive(self, run_id: str, *, census: Callable[[], Tally] = Tally, sweep: Callable[[], Tally] = Tally) -> Any:
        """Lead a run to its end as the state machine does; its last answer."""
        for _ in range(100):
            answer = self.advance(run_id)
            match answer["phase"]:
                case "done":
                    return answer
                case "sweep" if answer["segments"]:
                    self.scanned(run_id, Phase.SWEEP, sweep())
                case "census" if answer["segments"]:
                    self.scanned(run_id, Phase.CENSUS, census())
                case "barrier":
                    self.clock.advance(answer["wait_seconds"])
        raise AssertionError("the run does not end")

    def rotate(self, *, census: Callable[[], Tally] = Tally, **options: Any) -> Any:
        """A whole run; its last answer."""
        return self.drive(self.begin(**options)["run_id"], census=census)

    def row(self, tenant_id: str, key_id: int) -> DataKeyRow:
        return self.store.rows(tenant_id, [key_id])[key_id]

    def active_id(self, tenant_id: str, data_class: str) -> int:
        key_id = self.store.active_key_id(tenant_id, data_class)
        assert key_id is not None
        return key_id

    def events(self, *names: str) -> list[dict[str, Any]]:
        """The audit events of these names, all where none is given."""
        return [dict(event) for event in self.kept.events if not names or event["event"] in names]

    def refuse_tenant(self, tenant_id: str, error: Exception | None = None) -> None:
        """KMS refuses whatever is asked for this tenant."""

        def refuse(context: EncryptionContext) -> None:
            if context["tenant_id"] == tenant_id:
                raise error or KeyDenied("denied")

        self.service.refuse = refuse
