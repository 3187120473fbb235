from __future__ import annotations

from ops.clock import Clock
from ops.replay.report import Watch, lines
from ops.stretch import Reading, Stretch
from tests.fakes.clock import FakeClock

SINCE, UNTIL = 1_700_000_000.0, 1_700_000_100.0


def stretch(shard_id, **reading):
    return Stretch(lambda payload: None, "redriver", {"shard_id": shard_id}, reading=Reading(**reading))


def watch_of(*stretches):
    clock = FakeClock()
    watch = Watch(SINCE, UNTIL, stretches, Clock(clock.wall, clock.monotonic, clock.advance))
    clock.advance(10)
    return watch


def test_it_tells_shards_records_rate_and_the_time_that_the_slowest_reached():
    watch = watch_of(
        stretch("a", done=True, records=600, counts={"written": 600}, reached=UNTIL),
        stretch("b", records=200, counts={"written": 1, "duplicate": 199}, reached=SINCE + 50),
        stretch("c", records=1_200, counts={"duplicate": 1_200}, reached=SINCE + 75),
    )

    assert (
        "shards 1 of 3 · 2,000 records · 200 records/s · up to 2023-11-14T22:14:10Z · written 601, duplicate 1,399"
        == watch.told()
    )
    assert (2.25, 3) == (watch.completed, watch.total)


def test_a_shard_that_was_not_begun_counts_nothing():
    watch = watch_of(stretch("a"))
    assert (0.0, "shards 0 of 1 · 0 records · 0 records/s") == (watch.completed, watch.told())


def test_what_is_written_beyond_a_record_that_does_not_pass_is_told():
    watch = watch_of(stretch("a", waiting=1, ahead={"7": [0, 2]}))

    assert {"written_beyond": 2} == watch.document()["counts"]
    assert ["written_beyond", "2"] in [line.split() for line in lines(watch, "", dry_run=False)]


def test_a_record_that_arrived_before_or_after_is_no_more_than_none_or_all():
    assert 0.0 == watch_of(stretch("a", reached=SINCE - 5)).completed
    assert 1.0 == watch_of(stretch("a", reached=UNTIL + 5)).completed


def test_of_what_several_shards_have_forgotten_the_latest_is_told_but_not_what_is_of_no_note():
    few_seconds = watch_of(stretch("a", forgotten_before=SINCE + 60), stretch("b", forgotten_before=SINCE - 5))
    hours = watch_of(stretch("a", forgotten_before=SINCE + 3_600), stretch("b", forgotten_before=SINCE + 7_200))

    assert (None, SINCE + 7_200) == (few_seconds.gone_before, hours.gone_before)
