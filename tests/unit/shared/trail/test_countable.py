"""Which segments tell what their writers told, and which nobody can say that of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.trail.manifest import manifest_key
from shared.trail.segments import SegmentName
from tests.fakes.trail import PERIOD, busy_trail, key


@pytest.fixture
def trail():
    return busy_trail()


def result_of(trail):
    result = trail.verify()
    assert result.countable.isdisjoint(result.doubted)
    assert set(trail.segments()) == result.countable.union(result.doubted)
    return result


def test_of_an_intact_trail_all_are_and_those_that_are_pending(trail):
    trail.write([7_000])
    result = result_of(trail)
    assert (set(trail.segments()), [], 1) == (result.countable, result.doubted, result.pending)


def test_what_is_not_as_attested_is_not(trail):
    changed, gone, *_ = trail.segments()
    trail.alter(changed, b"")
    del trail.objects[gone]
    assert [changed] == result_of(trail).doubted


def test_what_nobody_attested_in_its_time_is_not(trail):
    planted = trail.write([7_000], ago=PERIOD)
    trail.attested.add(planted)
    trail.heartbeats(3 * 3_600)
    assert [planted] == result_of(trail).doubted


def test_what_was_put_over_a_segment_takes_nothing_from_it(trail):
    name = trail.segments()[0]
    trail.objects[name] = replace(trail.objects[name], other_versions=True)
    result = result_of(trail)
    assert (["replaced"], []) == ([finding.kind for finding in result.findings], result.doubted)


def test_what_only_a_manifest_of_others_lists_is_not(trail):
    number = len(trail.manifests)
    listed = [one.key for one in trail.manifests[-1].segments]
    trail.signed(number, key(77))
    result = result_of(trail)
    assert (sorted(listed), len(listed)) == (result.doubted, result.unproven)
    assert all(map(SegmentName.parse, listed))
    assert manifest_key(number) in [finding.key for finding in result.findings]
