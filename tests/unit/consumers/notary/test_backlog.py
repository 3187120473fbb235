"""What many segments cost a call of the notary: what it takes up, not what waits, nor what was attested before."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from random import Random

import pytest

from consumers.notary import earlier, newer
from consumers.notary.earlier import READ_TOGETHER
from consumers.notary.notary import MOST_SEGMENTS, Tally
from shared.aws.audit_bucket import Listed
from shared.aws.trail_end import Start
from shared.errors import StoreDenied
from shared.trail.findings import TrailVerdict
from shared.trail.segments import PREFIX, hour_prefix
from tests.fakes.notary import FakeAuditBucket, NotaryAtWork
from tests.fakes.trail import PERIOD, START

HOUR = 3_600.0
MANY = 1_000_000
BYTES_A_SEGMENT = 800
"""Of a manifest that is read back: its bytes, and what they say."""


def some_manifests(work: NotaryAtWork, most: int) -> Tally:
    """One invocation, whose time is over after so many manifests."""
    tally = Tally()
    work.notary.write(tally, seconds_left=lambda: 300.0 if tally.manifests < most else 0.0)
    return tally


@pytest.mark.parametrize("hours", [0, 30], ids=["in one hour", "over hours"])
def test_what_a_call_lists_and_reads_back_does_not_grow_with_the_backlog(monkeypatch, hours):
    monkeypatch.setattr(earlier, "READ_TOGETHER", 4)
    work = NotaryAtWork(at_most=2)
    for number in range(240):
        work.trail.write([number])
        work.trail.wait(hours * HOUR / 240)
    work.trail.wait(3 * HOUR)
    listed: list[str] = []
    list_all = work.bucket.listed

    def counted(prefix: str, start_after: str = "") -> Iterator[Listed]:
        for one in list_all(prefix, start_after):
            listed.append(one.key)
            yield one

    monkeypatch.setattr(work.bucket, "listed", counted)
    costs = []
    for _ in range(24):
        some_manifests(work, 5)
        names = [one for one in listed if one.startswith(PREFIX)]
        costs.append((len(names), sum(one.startswith("manifests/") for one in work.bucket.reads)))
        listed.clear()
        work.bucket.reads.clear()
        work.trail.wait(PERIOD)

    assert 240 == len(work.attested)
    assert {(11, 4)} == set(costs[1:-1])
    assert TrailVerdict.INTACT == work.trail.verify().verdict


def test_what_is_read_back_does_not_grow_while_nothing_comes():
    work = NotaryAtWork()
    work.trail.write([1])
    for _ in range(4 * READ_TOGETHER):
        work.trail.wait(PERIOD)
        work.bucket.reads.clear()
        work.run()

    assert READ_TOGETHER == sum(one.startswith("manifests/") for one in work.bucket.reads)


class _Many(FakeAuditBucket):
    """So many segments of one hour, none of which is anywhere before it is asked for."""

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        if prefix != PREFIX:
            return super().listed(prefix, start_after)
        first = int(start_after[len(_STEM) :][:_DIGITS] or -1) + 1
        return (Listed(_name(number), 1_000, START, _digest(number)) for number in range(first, MANY))

    def read(self, key: str, version_id: str | None = None) -> bytes:
        return b"" if key.startswith(PREFIX) else super().read(key, version_id)


_STEM = f"{hour_prefix(START)}auditor/"
_DIGITS = 56
"""As many as the sequence number of a stream has."""


def _name(number: int) -> str:
    return f"{_STEM}{number:0{_DIGITS}}-{_digest(number)}.ndjson.gz"


def _digest(number: int) -> str:
    return sha256(b"%d" % number).hexdigest()[:32]


def test_a_million_segments_fill_no_memory(monkeypatch):
    """What the second call needs, which reads back what the first one wrote."""
    monkeypatch.setattr(newer, "count_events", lambda *_: 1)
    work = NotaryAtWork(at_most=200)
    work.bucket = _Many(work.trail)
    work.restart(1)
    work.trail.wait(9 * HOUR)
    some_manifests(work, READ_TOGETHER)
    tracemalloc.start()
    again = some_manifests(work, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 400 == again.segments
    assert peak / ((READ_TOGETHER + 1) * 200) < BYTES_A_SEGMENT
    assert READ_TOGETHER * MOST_SEGMENTS * BYTES_A_SEGMENT < 256 * 2**20, "a quarter of the function's memory"


@pytest.mark.parametrize("seed", range(12))
def test_what_is_refused_for_a_while_is_attested_once_however_the_calls_end(seed):
    random = Random(seed)
    work = NotaryAtWork(at_most=random.choice([1, 3, 50]))
    work.run()
    number = 0
    for _ in range(14):
        for _ in range(random.choice([0, 2, 5])):
            number += 1
            stage = random.choice(["auditor", "sweeper"])
            written = work.trail.write([number], ago=random.choice([0, 300]), stage=stage)
            if random.random() < 0.3:
                work.bucket.refused[written] = StoreDenied("AccessDenied")
        work.trail.wait(random.choice([60, PERIOD, PERIOD, HOUR, 4 * HOUR]))
        if random.random() < 0.2:
            work.bucket.refused.clear()
        if random.random() < 0.2 and not (work.end.start() or Start()).refused:
            work.end.forget_start()
        some_manifests(work, random.choice([1, 2, 100]))
    work.bucket.refused.clear()
    work.run()

    assert work.trail.segments() == sorted(work.attested)
    assert (TrailVerdict.INTACT, 0) == (work.trail.verify().verdict, work.trail.verify().pending)
