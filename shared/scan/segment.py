"""One segment of a scan, page by page; after each page it is stored how far it is and what was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from shared.runs.model import Run
from shared.runs.ports import RunStore
from shared.scan.pace import Pace
from shared.scan.ports import Element, Source, Visitor
from shared.scan.tally import merged, shown


@dataclass(frozen=True, slots=True)
class Progress:
    """How a worker left a segment.

    Attributes:
        overtaken: another worker stored this segment meanwhile; what it counted stands, not this one's last page.
        counts: what this worker counted and stored, by name.
    """

    done: bool
    overtaken: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


def run_segment(
    runs: RunStore,
    run: Run,
    number: int,
    source: Source[Element],
    visitor: Visitor[Element],
    *,
    pace: Pace,
    is_over: Callable[[], bool],
    keep_events: Callable[[], None],
) -> Progress:
    """Go on with a segment of the run's present phase, from where it is stored to be; one page at least.

    A worker that is killed anywhere leaves the segment as it was after the last whole page: whoever goes on visits the
    page after that again, so nothing is passed over and nothing counted twice.

    Args:
        runs: where the segment is stored.
        run: its phase is a sweep or a census.
        number: the segment's.
        source: what is scanned.
        visitor: what is done with it.
        pace: how fast.
        is_over: whether this worker's time is; asked between pages.
        keep_events: called before a page is stored, since nobody visits it again; may raise RetryLater.

    Raises:
        RetryLater: a store does not answer; what was stored stays.
    """
    segment = runs.segment(run.run_id, run.phase, number)
    counts: Counter[str] = Counter()
    while not segment.done:
        begun = pace.monotonic()
        elements, cursor = source.page(segment=number, total=run.segments, cursor=segment.cursor, limit=pace.page_items)
        found = shown(visitor.visit(elements))
        keep_events()
        saved = runs.save_segment(
            replace(segment, cursor=cursor, done=not cursor, tally=merged((segment.tally, found)))
        )
        if saved is None:
            return Progress(done=False, overtaken=True, counts=counts)
        segment = saved
        counts.update(found.counts)
        pace.keep(len(elements), begun=begun)
        if is_over():
            break
    return Progress(done=segment.done, counts=counts)
