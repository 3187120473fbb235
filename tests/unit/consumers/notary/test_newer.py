"""How new segments are read."""

from __future__ import annotations

from contextlib import suppress
from threading import Barrier, BrokenBarrierError

from consumers.notary import newer
from consumers.notary.notary import READS_AT_ONCE
from tests.fakes.notary import NotaryAtWork


def test_segments_are_unzipped_one_at_a_time_so_that_large_ones_do_not_fill_the_memory(monkeypatch):
    work, meeting, met = NotaryAtWork(), Barrier(2), list[int]()

    def counted(*_: object) -> int:
        with suppress(BrokenBarrierError):
            meeting.wait(0.05)
            met.append(1)
        return 1

    monkeypatch.setattr(newer, "count_events", counted)
    for number in range(2 * READS_AT_ONCE):
        work.trail.write([number])

    assert 2 * READS_AT_ONCE == work.run().segments
    assert not met
