"""Events are shown as their segments come."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ops.audit.selection import Selection
from ops.audit.tail import tail
from ops.clock import Clock
from ops.errors import NoProgress
from shared.errors import StoreUnavailable
from tests.fakes.clock import FakeClock
from tests.unit.ops.audit.trail import HOUR, START, MemoryObjects, event


class LiveObjects(MemoryObjects):
    """A bucket into which others write while somebody waits."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock
        self.made = {}
        self.to_come = []
        self.while_reading = {}
        self.fails = 0

    def write(self, *events, at=None, **options):
        key = super().write(*events, at=self.clock.wall() if at is None else at, **options)
        self.made.setdefault(key, self.clock.wall())
        return key

    def now(self):
        return float(int(self.clock.wall()))

    def read(self, key, version_id=None):
        self.while_reading.pop(key, lambda: None)()
        return super().read(key, version_id)

    def sleep(self, seconds):
        self.clock.advance(seconds)
        if self.to_come:
            self.to_come.pop(0)()

    def listed(self, prefix, start_after=""):
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("listing the audit bucket")
        return (replace(one, last_modified=self.made[one.key]) for one in super().listed(prefix, start_after))


@pytest.fixture
def clock():
    return FakeClock(wall=START + 0.5)


@pytest.fixture
def bucket(clock):
    return LiveObjects(clock)


@pytest.fixture
def shown(bucket, clock, capsys):
    def run(selection=Selection(), *, seconds=60, ahead=0, **options):  # noqa: B008 - frozen
        time = Clock(lambda: clock.wall() + ahead, clock.monotonic, bucket.sleep)
        status = tail(selection, seconds=seconds, objects=bucket, clock=time, **options)
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_what_is_written_while_it_runs_is_shown_once(bucket, shown):
    one, two, three = (event(at=START + n) for n in range(3))
    bucket.to_come = [
        lambda: bucket.write(one, where="a"),
        lambda: None,
        lambda: bucket.write(one, three, two, where="b"),
    ]
    assert (0, [one, two, three]) == shown()
    assert len(bucket.objects) == len(bucket.read_keys)


def test_what_was_there_before_is_not_shown(bucket, clock, shown):
    bucket.write(event())
    clock.advance(2)
    assert (0, []) == shown()


def test_unless_that_is_asked_for(bucket, clock, shown):
    old, new = event(), event(at=START + 1)
    bucket.write(old, where="a")
    clock.advance(3 * HOUR)
    bucket.write(new, where="b")
    assert (0, [old, new]) == shown(since=START)
    assert (0, [new]) == shown(since=START + 2 * HOUR)


def test_it_follows_into_the_next_hours(bucket, clock, shown):
    events = [event(at=START + n * HOUR) for n in range(4)]
    bucket.to_come = [lambda one=one: (clock.advance(HOUR), bucket.write(one)) for one in events]
    assert (0, events) == shown(seconds=5 * HOUR)


def test_a_segment_that_is_written_up_to_ten_minutes_late_under_the_hour_before_is_seen(bucket, clock, shown):
    late = event()
    clock.advance(HOUR + 590)
    bucket.to_come = [lambda: None, lambda: bucket.write(late, at=START + HOUR - 1)]
    assert (0, [late]) == shown(seconds=8)


@pytest.mark.parametrize("ahead", [120, 3 * HOUR, -3 * HOUR])
def test_the_operators_clock_may_say_what_it_likes(bucket, clock, shown, ahead):
    before, new = event(), event(at=START + 10)
    bucket.write(before, where="a")
    clock.advance(10)
    bucket.to_come = [lambda: bucket.write(new, where="b")]
    assert (0, [new]) == shown(ahead=ahead)


def test_a_beginning_that_is_to_come_by_the_buckets_clock_is_now(bucket, shown):
    bucket.to_come = [lambda: bucket.write(event())]
    assert (0, [event()]) == shown(ahead=120, since=START + 60)


def test_however_much_there_is_to_begin_with_only_some_is_held_at_once(bucket, shown, capsys, monkeypatch):
    monkeypatch.setattr("ops.audit.tail.SEGMENTS_AT_ONCE", 2)
    events = [event(at=START + n) for n in range(5)]
    keys = [bucket.write(one, where=f"s-{n}") for n, one in enumerate(events)]
    assert (0, events) == shown(since=START, seconds=0)
    bucket.refused[keys[4]] = StoreUnavailable("SlowDown")
    with pytest.raises(NoProgress):
        shown(since=START)
    assert events[:4] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_is_written_behind_a_look_that_takes_long_is_seen_by_the_next(bucket, clock, shown, monkeypatch):
    monkeypatch.setattr("ops.audit.tail.SEGMENTS_AT_ONCE", 1)
    late, *events = (event(at=START + n) for n in range(3))
    last = [bucket.write(one, where=f"t-{n}") for n, one in enumerate(events)][-1]
    bucket.while_reading[last] = lambda: (bucket.write(late, where="s"), clock.advance(2 * HOUR))
    assert (0, [*events, late]) == shown(since=START, seconds=2 * HOUR + 4)


def test_only_what_is_wanted_is_shown(bucket, shown):
    bucket.to_come = [lambda: bucket.write(event(tenant_id="acme"), event(tenant_id="bolt"))]
    assert ["bolt"] == [one["tenant_id"] for one in shown(Selection(tenant="bolt"))[1]]


def test_it_looks_again_where_the_bucket_does_not_answer(bucket, shown, capsys):
    bucket.fails = 3
    bucket.to_come = [lambda: None] * 4 + [lambda: bucket.write(event())]
    assert (0, [event()]) == shown()


def test_it_gives_up_where_the_bucket_never_answers(bucket, shown):
    bucket.fails = 10_000
    with pytest.raises(NoProgress):
        shown(seconds=None)


def test_ctrl_c_is_how_it_ends(bucket, shown):
    def interrupt():
        raise KeyboardInterrupt

    bucket.to_come = [lambda: bucket.write(event()), lambda: None, interrupt]
    assert (0, [event()]) == shown(seconds=None)


def test_a_segment_that_cannot_be_read_is_told_in_the_end(bucket, shown):
    def write():
        bucket.objects[bucket.write(event())] = b"no gzip"

    bucket.to_come = [write]
    assert (1, []) == shown()
