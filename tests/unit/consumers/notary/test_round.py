"""Whatever lies in the bucket: each call goes on where the last one ended, and nobody keeps others waiting."""

from __future__ import annotations

from random import Random

import pytest

from consumers.notary import newer
from consumers.notary.earlier import READ_TOGETHER
from consumers.notary.newer import MOST_REFUSED
from consumers.notary.notary import TO_FINISH_SECONDS, Tally
from shared.errors import StoreDenied
from shared.trail.findings import Tampering, TrailVerdict
from tests.fakes.notary import NotaryAtWork
from tests.fakes.trail import PERIOD

HOUR = 3_600.0
PAGE = 5
SHORT = (300.0, 300.0, TO_FINISH_SECONDS)
"""Of a call: time to list two pages."""


@pytest.fixture
def work(monkeypatch) -> NotaryAtWork:
    monkeypatch.setattr(newer, "LISTED_TOGETHER", PAGE)
    work = NotaryAtWork()
    work.run()
    work.trail.wait(PERIOD)
    return work


def _found(tally: Tally) -> list[tuple[Tampering, str]]:
    return [(finding.kind, finding.key) for finding in tally.findings]


def _planted(hour: str, number: int = 0) -> str:
    return f"segments/{hour}/auditor/planted-{number:032x}.ndjson.gz"


def test_what_was_attested_keeps_no_call_from_what_is_new(work):
    for number in range(12):
        work.trail.write([number])
    work.run()
    work.trail.wait(HOUR)
    new = work.trail.write([99])
    for _ in range(3):
        work.trail.wait(PERIOD)
        work.run(*SHORT)

    assert new in work.attested
    assert 13 == len(work.attested)


def test_where_a_call_cannot_even_list_the_present_hour_all_is_attested_in_turn_and_settled_later(work):
    for number in range(100):
        work.trail.write([number])
        work.trail.wait(30)
        if not number % 10:
            work.run(*SHORT)
    for _ in range(40):
        work.trail.wait(60)
        work.run(*SHORT)
    assert set(work.trail.segments()) == set(work.attested)
    work.trail.wait(2 * HOUR)
    for _ in range(20):
        work.trail.wait(PERIOD)
        work.run(*SHORT)

    assert not work.manifests[-1].more
    assert (TrailVerdict.INTACT, 0) == (work.trail.verify().verdict, work.trail.verify().pending)


def test_what_an_earlier_round_listed_is_not_attested_again_though_its_manifest_is_not_read_back_any_more():
    work = NotaryAtWork(at_most=1)
    work.run()
    for number in range(3 * READ_TOGETHER):
        work.trail.write([number])
    work.trail.wait(2 * PERIOD)
    for number in range(3):
        work.trail.write([1_000 + number], stage="sweeper")
        work.bucket.reads.clear()
        work.run()
        work.trail.wait(PERIOD)

    assert work.trail.segments() == sorted(work.attested)
    assert READ_TOGETHER + 1 == len(work.bucket.reads)


def test_what_no_round_attested_is_told_while_it_is_news_and_not_read_again(work):
    name = work.trail.write([1])
    work.trail.alter(name, b"no gzip")
    told = [_found(work.run())]
    for _ in range(5):
        work.trail.wait(PERIOD)
        told.append(_found(work.run()))
    work.bucket.reads.clear()
    work.run()

    assert [(Tampering.UNREADABLE, name)] == told[0]
    assert [] == told[-1]
    assert name not in work.bucket.reads


def test_a_segment_that_was_removed_is_missed_though_the_call_lists_a_part_only(work):
    written = sorted(work.trail.write([number]) for number in range(30))
    work.run()
    gone = written[3]
    del work.trail.objects[gone]

    assert [(Tampering.REMOVED, gone)] == _found(work.run(*SHORT))


@pytest.mark.parametrize("hour", ["9999/01/01/00", "zzzz/zz/zz/zz", "2026/01/01/05"])
def test_objects_of_hours_that_have_not_come_keep_no_hour_open(work, hour):
    ahead = [_planted(hour, number) for number in range(3 * PAGE)]
    for name in ahead:
        work.trail.put(name, b"x")
    written = work.trail.write([1])
    first = work.run(*SHORT)

    assert written in work.attested
    assert not work.manifests[-1].more
    assert [(Tampering.FOREIGN, name) for name in ahead[:PAGE] if "zzzz" not in name] == _found(first)


def test_a_segment_of_an_hour_that_came_is_attested_then(work):
    work.trail.wait(-PERIOD)
    ahead = work.trail.write([1], ago=-4 * HOUR)
    for _ in range(40):
        work.trail.wait(PERIOD)
        work.run()

    assert [ahead] == work.attested


def test_one_that_is_refused_keeps_nobody_waiting_and_what_is_foreign_is_known(work):
    refused, other = work.trail.write([1]), work.trail.write([2])
    work.bucket.refused[refused] = StoreDenied("AccessDenied")
    work.run()
    planted = _planted("2026/01/01/00")
    work.trail.put(planted, b"no gzip")
    for _ in range(40):
        work.trail.wait(PERIOD)
        assert (Tampering.UNREADABLE, refused) in _found(work.run())
    assert {refused, planted} == {one.key for one in work.trail.verify().findings}
    work.bucket.refused.clear()
    work.run()

    assert [other, refused] == work.attested
    assert {planted} == {one.key for one in work.trail.verify().findings}


def test_any_number_that_one_function_has_refused_stops_nobody(work):
    for number in range(3 * MOST_REFUSED):
        name = _planted("2026/01/01/00", number)
        work.trail.put(name, b"x")
        work.bucket.refused[name] = StoreDenied("AccessDenied")
    written = []
    for number in range(10):
        written.append(work.trail.write([number], stage="sweeper"))
        work.run()
        work.trail.wait(PERIOD)

    assert sorted(written) == sorted(work.attested)
    assert not work.manifests[-1].more
    assert MOST_REFUSED == len(work.end.start().refused)


def test_a_bucket_that_refuses_more_than_can_be_remembered_attests_nothing_and_loses_none(work):
    work.run()
    for _ in range(40):  # so that no manifest that is read back names a segment that could be asked for
        work.trail.wait(PERIOD)
        work.run()
    written = [work.trail.write([number]) for number in range(MOST_REFUSED + 1)]
    work.bucket.refused = dict.fromkeys(written, StoreDenied("AccessDenied"))
    manifests = len(work.manifests)
    with pytest.raises(StoreDenied):
        work.run()
    assert manifests == len(work.manifests)
    work.bucket.refused.clear()
    work.run()

    assert sorted(written) == sorted(work.attested)


def test_where_the_bucket_refuses_what_it_gave_before_nothing_is_settled(work):
    before = work.trail.write([1])
    work.run()
    work.trail.wait(PERIOD)
    now = work.trail.write([2])
    work.bucket.refused = dict.fromkeys([before, now], StoreDenied("AccessDenied"))
    tally, written = Tally(), len(work.manifests)

    with pytest.raises(StoreDenied):
        work.notary.write(tally, seconds_left=lambda: 300.0)
    assert [(Tampering.UNREADABLE, now)] == _found(tally)
    assert written == len(work.manifests)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_lies_there_and_however_short_the_calls_are_all_is_attested(seed, monkeypatch):
    random = Random(seed)
    monkeypatch.setattr(newer, "LISTED_TOGETHER", random.choice([1, 2, 5]))
    monkeypatch.setattr(newer, "READ_TOGETHER", random.choice([1, 2, 16]))
    work = NotaryAtWork(at_most=random.choice([1, 3, 50]))
    number = 0
    for _ in range(25):
        for _ in range(random.choice([0, 1, 3, 8])):
            number += 1
            work.trail.write([number], ago=random.choice([0, 0, 300, -1_800]), stage=random.choice(["auditor", "api"]))
        if random.random() < 0.2:
            work.trail.put(_planted(random.choice(["9999/01/01/00", "2026/01/01/09"]), number), b"x")
        work.trail.wait(random.choice([60, PERIOD, PERIOD, HOUR, 3 * HOUR]))
        if random.random() < 0.2:
            work.restart(1)
        work.run(*random.choice([(300.0,), SHORT, (300.0,) * 7 + (10.0,)]))
        assert all("planted" in one.key for one in work.trail.verify().findings)
    for _ in range(80):
        work.trail.wait(PERIOD)
        work.run(*SHORT)

    honest = {name for name in work.trail.segments() if "planted" not in name}
    assert honest == set(work.attested)
    assert not work.manifests[-1].more
    assert all("planted" in one.key for one in work.trail.verify().findings)
