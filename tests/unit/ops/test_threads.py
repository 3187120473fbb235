"""Work in threads ends as the work of one would: with its results, or with the first error."""

from __future__ import annotations

from threading import Event, current_thread

import pytest

from ops.threads import together
from shared.errors import StoreUnavailable


def test_the_results_come_in_the_order_of_the_works():
    second = Event()

    def first():
        assert second.wait(10)
        return 1

    def other():
        second.set()
        return 2

    assert [1, 2] == together([first, other], meanwhile=lambda: None, every_seconds=10)


def test_the_first_error_does_not_wait_for_the_others():
    works, end, others = Event(), Event(), []

    def fails():
        assert works.wait(10)
        raise StoreUnavailable("down")

    def goes_on():
        others.append(current_thread())
        works.set()
        end.wait(10)

    with pytest.raises(StoreUnavailable):
        together([goes_on, fails], meanwhile=lambda: None, every_seconds=20)
    assert [(True, True)] == [(one.is_alive(), one.daemon) for one in others]
    end.set()


def test_a_defect_ends_it_too_and_is_printed(monkeypatch):
    printed = Event()
    monkeypatch.setattr("threading.excepthook", lambda raised: printed.set())

    with pytest.raises(RuntimeError, match="a thread of this command failed"):
        together([lambda: 1 // 0], meanwhile=lambda: None, every_seconds=10)
    assert printed.wait(10)


def test_meanwhile_is_called_in_the_caller_until_all_is_done():
    looks, end = [], Event()

    def meanwhile():
        looks.append(1)
        if len(looks) == 3:
            end.set()

    assert [True] == together([lambda: end.wait(10)], meanwhile=meanwhile, every_seconds=0.01)
    assert len(looks) >= 3
