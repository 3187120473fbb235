"""An object into the stream, whatever happens on the way."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import count

import pytest

from consumers.landing_ingest import ingest as module
from shared.errors import OutOfTime, StoreUnavailable
from shared.landing import State
from tests.fakes.landing import MODIFIED, LandingWorld

PLENTY = 600.0


def lines(number: int) -> bytes:
    return b"".join(b'{"id":"%d"}\n' % one for one in range(number))


def ids(world: LandingWorld) -> list[str]:
    return [document["id"] for document in world.stream.documents]


@pytest.fixture
def world() -> LandingWorld:
    return LandingWorld()


def work_off(world, notice, left=lambda: PLENTY):
    return world.ingest.work_off(notice, seconds_left=left)


def test_the_issues_own_file_comes_whole_with_the_tenant_of_its_key(world):
    notice = world.put(
        b'{"id": "abc123", "encrypt": "I will be encrypted one day!", "secret_item": {"nested_attribute": '
        b'"Encrypt me!", "other": 7}, "list": [{"encrypt": "x"}]}\n'
        b'{"id": "efg456", "encrypt": "I am sensitive data!"}\n'
    )

    worked = work_off(world, notice)

    first, second = world.stream.documents
    assert ("acme", "abc123", 1) == (first["tenant_id"], first["id"], first["_source"]["line"])
    assert {"nested_attribute": "Encrypt me!", "other": 7} == first["secret_item"]
    assert [{"encrypt": "x"}] == first["list"]
    assert ("acme", "efg456", 2) == (second["tenant_id"], second["id"], second["_source"]["line"])
    assert (2, 0, True) == (worked.lines, worked.rejected, worked.ended)
    assert {notice.object.name: (State.DONE, 2, 0)} == world.objects.tags
    assert [State.DONE] == [progress.state for progress in world.told]


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_lines_that_are_no_record_are_counted_and_go_along(world, squeeze):
    notice = world.put(squeeze(b'\xef\xbb\xbf{"id":"1"}\r\n\r\nnot json\r\n{"id":"2"}'))

    worked = work_off(world, notice)

    assert [None, "not_json", None] == [one["_source"].get("rejected") for one in world.stream.documents]
    assert [1, 3, 4] == [one["_source"]["line"] for one in world.stream.documents]
    assert (3, 1) == (worked.lines, worked.rejected)
    assert (State.REJECTED, 3, 1) == world.objects.tags[notice.object.name]


def test_an_empty_object_is_done(world):
    notice = world.put(b"")

    assert (0, State.DONE) == (work_off(world, notice).lines, world.store.rows[notice.object.name].state)


def test_a_call_holds_what_kinesis_takes(world, monkeypatch):
    work_off(world, world.put(lines(1_201)))
    assert [500, 500, 201] == world.stream.sizes

    monkeypatch.setattr(module, "BATCH_BYTES", 1_000)
    other = LandingWorld()
    work_off(other, other.put(lines(10)))
    assert max(other.stream.sizes) < 10
    assert 10 == sum(other.stream.sizes)


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_what_time_does_not_suffice_for_is_asked_for_anew_and_goes_on_where_it_stood(world, squeeze):
    notice = world.put(squeeze(lines(1_700)))
    left = count(0)

    worked = work_off(world, notice, lambda: PLENTY if next(left) < 2 else 59.0)

    assert [notice] == world.sent
    assert (1_000, False) == (worked.lines, worked.ended)
    assert world.store.rows[notice.object.name].state is State.RUNNING
    assert {} == world.objects.tags

    again = work_off(world, notice)

    assert [str(number) for number in range(1_700)] == ids(world)
    assert [*range(1, 1_701)] == [one["_source"]["line"] for one in world.stream.documents]
    assert (700, True) == (again.lines, again.ended)
    assert (State.DONE, 1_700, 0) == world.objects.tags[notice.object.name]


def test_where_time_suffices_for_nothing_the_message_comes_back(world):
    with pytest.raises(OutOfTime):
        work_off(world, world.put(lines(1)), lambda: 10.0)
    assert [] == world.sent


def test_an_outage_keeps_what_was_put(world):
    notice = world.put(lines(1_700))
    world.stream.fails_after = 2

    with pytest.raises(StoreUnavailable):
        work_off(world, notice)
    world.stream.fails_after = None
    work_off(world, notice)

    assert [str(number) for number in range(1_700)] == ids(world)


@pytest.mark.parametrize("step", range(4))
def test_whoever_is_killed_at_the_end_is_finished_by_the_next(world, step, monkeypatch):
    notice = world.put(lines(3))
    calls = count()

    def dies(instead):
        def call(*args, **kwargs):
            if next(calls) == step:
                raise KeyboardInterrupt
            return instead(*args, **kwargs)

        return call

    monkeypatch.setattr(world.stream, "put", dies(world.stream.put))
    monkeypatch.setattr(world.objects, "tag", dies(world.objects.tag))
    monkeypatch.setattr(world.store, "save", dies(world.store.save))
    with pytest.raises(KeyboardInterrupt):
        work_off(world, notice)

    work_off(world, notice)

    assert {"0", "1", "2"} == set(ids(world))
    assert 1 == len({document["_source"]["sequencer"] for document in world.stream.documents})
    assert (State.DONE, 3, 0) == world.objects.tags[notice.object.name]
    assert 3 == world.store.rows[notice.object.name].lines
    assert world.told


def test_a_second_run_of_what_is_done_does_nothing(world):
    notice = world.put(lines(3))
    work_off(world, notice)
    reads = world.objects.reads

    worked = work_off(world, notice)

    assert (0, False, True) == (worked.lines, worked.ended, worked.before.has_ended)
    assert (3, reads, 1) == (len(world.stream.records), world.objects.reads, len(world.told))


def test_a_run_from_the_start_is_done_once_and_gives_lines_their_old_position(world):
    notice = world.put(lines(3))
    work_off(world, notice)
    once_more = replace(notice, run=2, sequencer="FF")

    assert 3 == work_off(world, once_more).lines
    assert 0 == work_off(world, once_more).lines

    assert world.stream.records[:3] == world.stream.records[3:]


def test_two_at_once_come_to_the_end_that_one_would(world):
    notice = world.put(lines(1_200))
    other = work_off

    class Between:
        """Another one begins and ends while the first stores its first batch."""

        done = False

    save = world.store.save

    def save_late(progress):
        if not Between.done:
            Between.done = True
            other(world, notice)
        return save(progress)

    world.store.save = save_late
    work_off(world, notice)

    assert {str(number) for number in range(1_200)} == set(ids(world))
    assert (State.DONE, 1_200, 0) == world.objects.tags[notice.object.name]
    assert 1_200 == world.store.rows[notice.object.name].lines


def test_of_an_object_that_is_cut_off_whole_lines_are_put_and_it_is_told_as_failed(world):
    notice = world.put(gzip.compress(lines(1_200), 0)[:-30])

    worked = work_off(world, notice)

    put = ids(world)
    assert [str(number) for number in range(len(put))] == put
    assert 1_190 < len(put) < 1_200
    assert State.FAILED is worked.after.state
    assert "cut off" in worked.after.why
    assert (State.FAILED, len(put), 0) == world.objects.tags[notice.object.name]


def test_an_object_that_is_gone_has_failed(world):
    notice = world.put(lines(1))
    world.objects.contents.clear()

    assert State.FAILED is work_off(world, notice).after.state


def test_an_object_that_a_forgotten_deletion_could_be_younger_than_is_not_read(world):
    notice = world.put(lines(1))
    world.now = MODIFIED + 14 * 86_400.0 + 1

    worked = work_off(world, notice)

    assert State.FAILED is worked.after.state
    assert "14 days" in worked.after.why
    assert [] == world.stream.records
