"""Parents are read before their children, by however many workers."""

from __future__ import annotations

from threading import Thread

import pytest

from ops.errors import FunctionRefused
from ops.replay.shards import Shard, Turns, chosen, shards_since

FAMILY = [Shard("a"), Shard("b"), Shard("c", ("a",)), Shard("d", ("a", "b")), Shard("e", ("c",))]


def test_a_shard_s_turn_comes_when_its_parents_are_read():
    a, b, c, d, e = FAMILY
    turns = Turns(FAMILY)
    assert [a, b] == [turns.take(), turns.take()]

    turns.read(a)
    assert c == turns.take()
    turns.read(c)
    assert e == turns.take()
    turns.read(b)
    assert d == turns.take()
    assert turns.take() is None


def test_parents_that_are_not_read_are_not_waited_for():
    assert "c" == Turns([Shard("c", ("a",))]).take().shard_id


def test_many_workers_read_each_once_and_in_order():
    turns, order = Turns(FAMILY), []

    def work():
        while (shard := turns.take()) is not None:
            order.append(shard.shard_id)
            turns.read(shard)

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)

    assert ["a", "b", "c", "d", "e"] == sorted(order)
    for shard in FAMILY:
        assert all(order.index(parent) < order.index(shard.shard_id) for parent in shard.parents)


def test_who_waits_for_a_turn_is_let_go_at_the_end():
    turns, taken = Turns(FAMILY[:1] + FAMILY[2:3]), []
    turns.take()
    waiting = Thread(target=lambda: taken.append(turns.take()))
    waiting.start()

    turns.end()
    waiting.join(10)

    assert [None] == taken


def test_the_shards_are_asked_for():
    asked = []

    def redriver(payload):
        asked.append(payload)
        shards = [{"shard_id": "a", "parents": [], "closed": True}, {"shard_id": "c", "parents": ["a"]}]
        return {"shards": shards, "forgotten_before": 4}

    assert ([Shard("a"), Shard("c", ("a",))], 4.0) == shards_since(redriver, 5.0)
    assert [{"operation": "shards", "from": 5.0}] == asked


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"shards": None, "forgotten_before": None},
        {"shards": [{"shard_id": "a"}], "forgotten_before": None},
        {"shards": []},
        {"shards": [], "forgotten_before": "x"},
    ],
)
def test_an_answer_of_another_form_is_refused(answer):
    with pytest.raises(FunctionRefused):
        shards_since(lambda payload: answer, 5.0)


def test_all_are_chosen_or_those_that_are_named():
    assert FAMILY == chosen(FAMILY, ())
    assert [FAMILY[1]] == chosen(FAMILY, ("b",))
    with pytest.raises(ValueError, match="x, z"):
        chosen(FAMILY, ("b", "z", "x"))
