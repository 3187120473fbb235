from __future__ import annotations

import pytest

from shared.trail.latest import last_number
from shared.trail.manifest import MAX_NUMBER


@pytest.mark.parametrize("known", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("further", [0, 1, 2, 3, 4, 5, 7, 8, 9, 1_000, 105_120])
def test_the_last_number_is_found(known, further):
    last = known + further

    assert last == last_number(lambda number: number < last, known)


def test_few_questions_are_asked():
    asked: list[int] = []

    def any_after(number: int) -> bool:
        asked.append(number)
        return number < 1_000_000

    assert last_number(any_after) == 1_000_000
    assert len(asked) <= 45

    asked.clear()
    assert last_number(any_after, 1_000_000) == 1_000_000
    assert [1_000_000] == asked


@pytest.mark.parametrize("there", [{3}, {1, 2, 9}, {1, 17}, {5, MAX_NUMBER}, {MAX_NUMBER}])
def test_missing_ones_do_not_mislead(there):
    assert max(there) == last_number(lambda number: any(one > number for one in there))
