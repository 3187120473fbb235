"""What fails is tried again, for as long as something succeeds."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ops.clock import Clock
from ops.errors import FunctionFailed, FunctionRefused, NoProgress
from ops.patience import LONGEST_PAUSE_SECONDS, PATIENCE_SECONDS, Patience
from shared.errors import StoreUnavailable
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def patience(clock):
    patience = Patience(Clock(clock.wall, clock.monotonic, clock.advance), lambda message: None)
    patience.insist(lambda: None)  # the first call of all succeeded
    return patience


def failing(until, clock, error=None):
    def call():
        if clock.monotonic() < until:
            raise error or FunctionFailed("killed")
        return "done"

    return call


@pytest.mark.parametrize("error", [FunctionFailed("killed"), StoreUnavailable("throttled")])
def test_what_succeeds_at_last_gives_its_answer(patience, clock, error):
    assert "done" == patience.insist(failing(clock.monotonic() + PATIENCE_SECONDS - 10, clock, error))


def test_what_never_succeeds_is_given_up(patience, clock):
    with pytest.raises(NoProgress, match="killed"):
        patience.insist(failing(clock.monotonic() + 10_000, clock))
    assert patience.stopped.is_set()


def test_it_is_tried_for_longer_while_others_succeed(patience, clock):
    fails = failing(clock.monotonic() + 5 * PATIENCE_SECONDS, clock)

    def call():
        patience.insist(lambda: None)  # as another thread does meanwhile
        return fails()

    assert "done" == patience.insist(call)


def test_one_failure_after_a_call_of_many_minutes_is_not_the_end(patience, clock):
    def cut_off_once(left=[True]):  # noqa: B006 - it remembers
        if left:
            left.clear()
            clock.advance(900)
            raise FunctionFailed("timed out")
        return "done"

    assert "done" == patience.insist(cut_off_once)


def test_the_pauses_grow_up_to_the_longest(patience, clock):
    at = []

    def call():
        at.append(clock.monotonic())
        if len(at) < 10:
            raise FunctionFailed("killed")

    patience.insist(call)
    pauses = [after - before for before, after in pairwise(at)]
    assert sorted(pauses) == pauses
    assert LONGEST_PAUSE_SECONDS == pauses[-1]


def test_a_refusal_is_not_repeated(patience):
    calls = []

    def refused():
        calls.append(1)
        raise FunctionRefused("no")

    with pytest.raises(FunctionRefused):
        patience.insist(refused)
    assert 1 == len(calls)
