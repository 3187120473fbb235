"""Work on a pool that is over when the call is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from shared.errors import StoreUnavailable
from shared.runtime.pool import all_of

A_MOMENT_SECONDS = 0.2
"""What would come before its time comes at once."""


def test_results_come_in_the_order_of_what_was_worked_on():
    with ThreadPoolExecutor(3) as pool:
        assert [1, 4, 9] == all_of(pool, lambda number: number * number, [1, 2, 3])


def test_a_failure_is_raised_only_once_nobody_is_at_work_any_more():
    """What outlived the call would go on in a Lambda that was frozen meanwhile, with times long past."""
    failed, raised, ended = Event(), Event(), []

    def work(number: int) -> None:
        if number == 0:
            failed.set()
            raise StoreUnavailable("down")
        assert failed.wait(10)
        raised.wait(A_MOMENT_SECONDS)
        ended.append(number)

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(StoreUnavailable):
            all_of(pool, work, [0, 1, 2, 3])
        assert [1, 2, 3] == sorted(ended)
        raised.set()
