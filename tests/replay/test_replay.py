"""Replaying any window leaves every item as its newest record left it: histories of every kind, by the redriver's path.

The same bytes stand there afterwards, not only the same content: nothing that is read again is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations
from random import Random
from typing import Any

import pytest

from shared.errors import Reason
from shared.model import Attributes, EntryState, Outcome
from tests.chaos.chances import Producers, runs
from tests.chaos.model import ItemKey, Order, expected, is_writable, key_of, why_never_written
from tests.chaos.turns import Fate, Step
from tests.chaos.verdict import came_from, check, check_table
from tests.replay.again import ReplayWorld

ROUNDS = 3
"""Of replays until a changed order has reached every item: what stands there first, then what compares with that."""


class History:
    """Records that were put and delivered over some time, shards that changed, and what operators do afterwards."""

    def __init__(self, seed: int, order: Order, *, poisons: Sequence[Reason] = ()) -> None:
        self.chance = Random(seed)
        self.world = ReplayWorld(order)
        self._producers = Producers(poisons or order.poisons)
        self._began_at = self.world.clock.wall()
        for _ in range(4):
            self.put()
            self._act(self.world.deliver)

    def put(self) -> None:
        """More records, after shards may have changed and time has passed."""
        if self.chance.random() < 0.3:
            self.chance.choice((self.world.stream.split, self.world.stream.merge))(self.chance.randrange(4))
        self._producers.put(self.chance, self.world.stream, self.world.clock.wall())
        self.world.clock.advance(self.chance.choice((0.001, 1, 400)))

    def replay_some(self) -> Iterator[dict[str, Any]]:
        """Any window, twice, shards in any order; the answers."""
        ends_at = self.world.clock.wall()
        start, end = sorted(self.chance.uniform(self._began_at, ends_at) for _ in range(2))
        if self.chance.random() < 0.4:
            start, end = self._began_at, ends_at
        shards = [shard.shard_id for shard in self.world.stream.shards] * 2
        self.chance.shuffle(shards)
        for shard_id in shards:
            if start < end:
                yield self._act(partial(self.world.replay, shard_id, start, end))

    def replay_all(self) -> int:
        """Everything, once; how many records were written."""
        shards = [shard.shard_id for shard in self.world.stream.shards]
        self.chance.shuffle(shards)
        ends_at = self.world.clock.wall()
        return sum(
            self._act(partial(self.world.replay, one, self._began_at, ends_at))["outcomes"]["written"] for one in shards
        )

    def replay_among_live_traffic(self) -> None:
        """A replay and deliveries in turns, call by call."""
        shard_id = self.chance.choice(self.world.stream.shards).shard_id
        replay: Callable[[], Any] = partial(self.world.replay, shard_id, self._began_at, self.world.clock.wall())
        self.world.run([replay, self.world.deliver], self._turns())

    def redrive_all(self) -> list[str]:
        """Every entry that is held, in any order; what became of each."""
        held = [row.quarantine_id for row in self.world.held_entries.rows.values() if row.state is EntryState.HELD]
        self.chance.shuffle(held)
        return [self._act(partial(self.world.redrive, one))["state"] for one in held]

    def _turns(self) -> Iterator[Step]:
        while True:
            yield self.chance.randrange(2), Fate.DONE

    def _act(self, work: Any) -> Any:
        (answer,) = self.world.run([work])
        return answer


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("seed", range(runs(25)))
def test_a_replay_writes_nothing(seed, order):
    history = History(seed, order)
    check(history.world)
    before = history.world.items(), history.world.held()

    for answer in history.replay_some():
        assert answer["outcomes"][Outcome.WRITTEN] == answer["outcomes"][Outcome.RETRY] == 0

    assert before == (history.world.items(), history.world.held())


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("seed", range(runs(15)))
def test_among_live_traffic_a_replay_leaves_what_live_traffic_alone_would(seed, order):
    history = History(seed, order)
    for _ in range(3):
        history.put()
        history.replay_among_live_traffic()

    history.world.run([history.world.deliver])
    check(history.world)


@pytest.mark.parametrize(("before", "after"), list(permutations(Order, 2)))
@pytest.mark.parametrize("seed", range(runs(15)))
def test_another_order_reaches_every_item_by_replays_and_then_stays(seed, before, after):
    history = History(seed, before, poisons=Order.SEQUENCE.poisons)
    stood = history.world.items()
    history.world.deploy(after)

    assert 0 in [history.replay_all() for _ in range(ROUNDS)]

    reached = history.world.items()
    if after is not Order.SEQUENCE:
        check_table(history.world, expected(history.world.stream.sent.values(), after))
    else:
        _check_newest_of_their_lines(history.world, stood, reached)
    list(history.replay_some())
    history.redrive_all()
    assert reached == history.world.items()


def _check_newest_of_their_lines(world: ReplayWorld, stood: Mapping[ItemKey, Attributes], now: Any) -> None:
    """Without an order the records of one partition key compare, and those of others stay where they are."""
    model = expected(world.stream.sent.values(), Order.SEQUENCE)
    for key, item in stood.items():
        place = came_from(item)
        assert place is not None
        sent = world.stream.sent[place]
        newest = [one for one in model.candidates.get(key, ()) if one.line == sent.line]
        if not sent.is_misplaced:
            assert [came_from(now[key])] == [one.place for one in newest]


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("seed", range(runs(15)))
def test_what_was_put_back_from_quarantine_stays_as_it_is(seed, order):
    history = History(seed, order)
    sent = history.world.stream.sent.values()
    misplaced = [one.record for one in sent if why_never_written(one, order) is Reason.MISPLACED and one.record]
    history.redrive_all()
    before = history.world.items()
    assert before.keys() >= {key_of(record) for record in misplaced if is_writable(record)}

    list(history.replay_some())
    history.redrive_all()

    assert before == history.world.items()
