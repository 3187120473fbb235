"""A reconciliation in memory: the real visitor over a dictionary of items, by the real scan."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from consumers.auditor.gather import KnownPolicies
from consumers.auditor.standing.visitor import StandingItems
from shared.model import Attributes
from shared.policy.compiled import Policy
from shared.runs.model import Phase, Run, RunKind, Tally
from shared.runtime.audit_log import AuditLog
from shared.scan.key_states import KeyStatesSince
from shared.scan.pace import Pace
from shared.scan.segment import Progress, run_segment
from tests.fakes.clock import FakeClock
from tests.fakes.findings import FakeFindingsQueue
from tests.fakes.kept_events import KeptEvents
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.runs import FakeRunStore

RUN = Run("7" * 32, RunKind.RECONCILIATION, Phase.CENSUS, started_at=0.0, segments=1, workers=1)


@dataclass
class ScannedItems:
    """A dictionary of items by tenant and id as a source of one segment.

    Attributes:
        after_page: called once a page was read, before it is visited.
    """

    items: Mapping[tuple[str, str], Attributes]
    page_items: int = 2
    after_page: Callable[[], None] = lambda: None

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[Attributes], str]:
        assert (segment, total) == (0, 1)
        after = tuple(json.loads(cursor)) if cursor else ("", "")
        keys = sorted(key for key in self.items if key > after)
        taken = keys[: min(self.page_items, limit)]
        page = [self.items[key] for key in taken]
        self.after_page()
        return page, json.dumps(taken[-1]) if len(keys) > len(taken) else ""


@dataclass
class Reconciliation:
    """What a reconciler works with; each `go_on` is a worker of its own.

    Attributes:
        more: other arguments of the visitor.
    """

    policy: Policy
    items: Mapping[tuple[str, str], Attributes]
    store: FakeKeyStore
    queue: FakeFindingsQueue = field(default_factory=FakeFindingsQueue)
    clock: FakeClock = field(default_factory=FakeClock)
    runs: FakeRunStore = field(default_factory=FakeRunStore)
    run: Run = RUN
    page_items: int = 2
    after_page: Callable[[], None] = lambda: None
    log: io.StringIO = field(default_factory=io.StringIO)
    more: dict[str, Any] = field(default_factory=dict)
    kept: KeptEvents = field(default_factory=KeptEvents)

    def __post_init__(self) -> None:
        self.audit_log = AuditLog(self.log, trail=self.kept)

    def visitor(self) -> StandingItems:
        return StandingItems(
            self.policy,
            KeyStatesSince(self.store),
            KnownPolicies(self.store),
            self.audit_log,
            self.queue,
            self.run.run_id,
            self.clock.wall,
            **self.more,
        )

    def go_on(self) -> Progress:
        """Work on the segment until it is done."""
        self.audit_log.begin(f"request-{len(self.kept.segments)}")
        source = ScannedItems(self.items, self.page_items, self.after_page)
        return run_segment(
            self.runs,
            self.run,
            0,
            source,
            self.visitor(),
            pace=Pace(sleep=self.clock.advance),
            is_over=lambda: False,
            keep_events=self.audit_log.flush,
        )

    @property
    def tally(self) -> Tally:
        """What is stored."""
        return self.runs.segment(self.run.run_id, Phase.CENSUS, 0).tally

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every event that was kept."""
        return [dict(event) for event in self.kept.events]

    def events(self) -> dict[str, dict[str, Any]]:
        """The event of each item, by the item's id as it is shown."""
        return {line["item_id"]: line for line in self.lines}
