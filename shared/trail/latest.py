"""The number of the last manifest, found without listing all that there are."""

from __future__ import annotations

from collections.abc import Callable

from shared.trail.manifest import MAX_NUMBER


def last_number(any_after: Callable[[int], bool], known: int = 0) -> int:
    """The highest number that there is, or `known`, where there is none above it.

    Asks for some forty at most, and is not misled by those that are missing before the last.

    Args:
        any_after: whether there is a number above this one.
        known: one that was the last, or 0.
    """
    step, below, last = 1, known, known
    while any_after(last):
        below, last = last, min(known + step, MAX_NUMBER)
        step *= 2
    while last - below > 1:
        middle = (below + last) // 2
        below, last = (middle, last) if any_after(middle) else (below, middle)
    return last
