"""An object into the stream, whatever happens on the way."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import count

import pytest

from consumers.landing_ingest import batches as module
from consumers.landing_ingest import ingest as ingest_module
from consumers.landing_ingest import text as text_module
from consumers.landing_ingest.ingest import Tally
from shared.errors import OutOfTime, StoreUnavailable
from shared.landing import State
from tests.fakes.landing import MODIFIED, LandingWorld

PLENTY = 600.0


def lines(number: int) -> bytes:
    return b"".join(b'{"id":"%d"}\n' % one for one in range(number))


def ids(world: LandingWorld) -> list[str]:
    return [document["id"] for document in world.stream.documents]


def stands_ended(world, notice) -> bool:
    return notice.object.name in world.store.rows and stands(world, notice).has_ended


@pytest.fixture
def world() -> LandingWorld:
    return LandingWorld()


def work_off(world, notice, left=lambda: PLENTY) -> Tally:
    tally = Tally()
    world.ingest.work_off(notice, seconds_left=left, tally=tally)
    return tally


def stands(world, notice):
    return world.store.rows[notice.object.name]


class Seconds:
    """So often there is time left, then too little."""

    def __init__(self, asked: int) -> None:
        self.asked = asked

    def __call__(self) -> float:
        self.asked -= 1
        return PLENTY if self.asked >= 0 else 59.0


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
    assert (2, 0) == (worked.lines, worked.rejected)
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
    worked = work_off(world, notice, Seconds(2))

    assert ([notice], [0]) == (world.sent, world.delays)
    assert 1_000 == worked.lines
    assert stands(world, notice).state is State.RUNNING
    assert {} == world.objects.tags

    again = work_off(world, notice)

    assert [str(number) for number in range(1_700)] == ids(world)
    assert [*range(1, 1_701)] == [one["_source"]["line"] for one in world.stream.documents]
    assert 700 == again.lines
    assert (State.DONE, 1_700, 0) == world.objects.tags[notice.object.name]


def test_where_time_suffices_for_nothing_the_message_comes_back(world):
    with pytest.raises(OutOfTime):
        work_off(world, world.put(lines(1)), lambda: 10.0)
    assert [] == world.sent


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_blank_lines_for_more_than_one_invocation_end_over_several(world, squeeze, monkeypatch):
    monkeypatch.setattr(ingest_module, "PART_BYTES", 1 << 12)
    monkeypatch.setattr(text_module, "PIECE_BYTES", 1 << 12)
    notice = world.put(squeeze(b"\n" * 30_000 + b'{"id":"1"}\n'))
    worked, invocations = 0, 0

    while not stands_ended(world, notice):
        worked += work_off(world, notice, Seconds(2)).lines
        invocations += 1
        assert invocations < 1_000

    assert invocations > 2
    assert 1 == worked
    assert [30_001] == [one["_source"]["line"] for one in world.stream.documents]
    assert (State.DONE, 1, 0) == world.objects.tags[notice.object.name]


def test_few_lines_on_a_long_way_are_put_when_time_is_short(world, monkeypatch):
    monkeypatch.setattr(ingest_module, "PART_BYTES", 1 << 12)
    notice = world.put(b'{"id":"0"}\n' + b"\n" * 100_000 + b'{"id":"1"}\n')

    work_off(world, notice, Seconds(10))

    assert ["0"] == ids(world)
    assert 11 < stands(world, notice).offset < 100_000
    assert [notice] == world.sent


def test_within_one_long_line_no_progress_is_claimed(world, monkeypatch):
    monkeypatch.setattr(ingest_module, "PART_BYTES", 1 << 10)
    notice = world.put(b'{"id":"%s"}' % (b"x" * 10_000))

    with pytest.raises(OutOfTime):
        work_off(world, notice, Seconds(3))

    assert ([], 0) == (world.sent, stands(world, notice).offset)


def test_an_outage_keeps_what_was_put_and_the_object_is_asked_for_once_more_a_little_later(world, capsys):
    notice = world.put(lines(1_700))
    world.stream.fails_after = 2

    assert 1_000 == work_off(world, notice).lines

    assert ([notice], [60]) == (world.sent, world.delays)
    assert '"StoreUnavailable"' in capsys.readouterr().out
    with pytest.raises(StoreUnavailable):
        work_off(world, notice)
    assert 1 == len(world.sent), "who did not get on is counted among the deliveries"
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

    assert (0, [State.DONE]) == (worked.lines, [one.state for one in worked.already])
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
    own = work_off(world, notice)

    assert {str(number) for number in range(1_200)} == set(ids(world))
    assert (State.DONE, 1_200, 0) == world.objects.tags[notice.object.name]
    assert 1_200 == stands(world, notice).lines
    assert (500, 1) == (own.lines, len(world.told)), "what it put itself, and an end that another told of"


def test_who_is_overtaken_by_a_run_from_the_start_counts_what_it_put(world):
    notice = world.put(lines(1_200))
    save = world.store.save

    def save_late(progress):
        world.store.begin(replace(notice, run=2), at=1.0)
        return save(progress)

    world.store.save = save_late

    assert 500 == work_off(world, notice).lines
    assert [] == world.told


def test_what_was_put_is_counted_whatever_ends_the_invocation(world):
    notice = world.put(lines(1_200))
    tally = Tally()

    def save(_):
        raise StoreUnavailable("storing")

    world.store.save = save
    with pytest.raises(StoreUnavailable):
        world.ingest.work_off(notice, seconds_left=lambda: PLENTY, tally=tally)

    assert 500 == tally.lines


@pytest.mark.parametrize("content", [bytes(range(256)) * 2_000, "ä{}\n".encode("utf-16") * 5_000])
def test_what_is_no_file_of_records_is_read_no_further_and_fails(world, content):
    notice = world.put(content)

    work_off(world, notice)

    assert 1_000 <= len(world.stream.records) < 1_500
    assert (State.FAILED, True) == (stands(world, notice).state, "no file of JSON lines" in stands(world, notice).why)


def test_one_record_among_many_lines_that_are_none_makes_it_a_file_of_records(world):
    notice = world.put(b'{"id":"1"}\n' + b"x\n" * 2_000)

    work_off(world, notice)

    assert (State.REJECTED, 2_001) == (stands(world, notice).state, stands(world, notice).lines)


def test_an_object_that_has_no_room_for_its_tag_is_told_of(world):
    world.objects.has_room = False

    work_off(world, world.put(lines(1)))

    assert [State.DONE] == [progress.state for progress in world.untagged]


def test_of_an_object_that_is_cut_off_whole_lines_are_put_and_it_is_told_as_failed(world):
    notice = world.put(gzip.compress(lines(1_200), 0)[:-30])

    work_off(world, notice)

    put = ids(world)
    assert [str(number) for number in range(len(put))] == put
    assert 1_190 < len(put) < 1_200
    assert State.FAILED is stands(world, notice).state
    assert "cut off" in stands(world, notice).why
    assert (State.FAILED, len(put), 0) == world.objects.tags[notice.object.name]


def test_an_object_that_is_gone_has_failed(world):
    notice = world.put(lines(1))
    world.objects.contents.clear()

    work_off(world, notice)

    assert State.FAILED is stands(world, notice).state


def test_an_object_that_a_forgotten_deletion_could_be_younger_than_is_not_read(world):
    notice = world.put(lines(1))
    world.now = MODIFIED + 14 * 86_400.0 + 1

    work_off(world, notice)

    assert State.FAILED is stands(world, notice).state
    assert "14 days" in stands(world, notice).why
    assert [] == world.stream.records


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_run_from_the_start_that_would_read_nothing_leaves_what_came_of_the_object(world, is_gone):
    notice = world.put(lines(3))
    work_off(world, notice)
    stood = stands(world, notice)
    world.now = MODIFIED + 14 * 86_400.0 + 1
    if is_gone:
        world.objects.contents.clear()

    worked = work_off(world, replace(notice, run=2))

    assert stood == stands(world, notice)
    assert [stood] == worked.already
    assert 1 == len(world.told)
