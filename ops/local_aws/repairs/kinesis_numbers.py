"""Sequence numbers of Kinesis in AWS's form: they begin with the second in which their shard was made.

Hex digits of the number, from the highest. Taken from numbers of real streams, which AWS does not explain:

| digits | what |
| --- | --- |
| 1 | `2` |
| 9 | when the shard was made, seconds since the epoch |
| 1 | the shard's index, its last digit |
| 16 | the place; rises from record to record |
| 2 | `00` |
| 9 | when the record arrived, seconds since the epoch |
| 8 | the shard's index |
| 1 | `2` |

So all of them have 56 decimal digits, a child's are above its parents', and of two unrelated shards the younger one's
are above the elder's, whatever arrived first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = 47
#: The place in the number at which a closed shard ends; no record has one as high.
LAST_PLACE: Final = 0x7FFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Origin:
    """The shard of a sequence number: when it was made (seconds since the epoch), and the number in its id."""

    made_at: int
    index: int


def compose(origin: Origin, place: int, at: float) -> str:
    """The sequence number of what arrived `at` (seconds since the epoch)."""
    digits = f"2{origin.made_at:09x}{origin.index % 16:x}{place:016x}00{int(at):09x}{origin.index:08x}2"
    return str(int(digits, 16))


def origin_of(number: str) -> Origin:
    """The shard that a sequence number is of; raises ValueError where it has not this form."""
    digits = f"{int(number):x}"
    if len(digits) != _DIGITS or digits[0] != "2" or digits[-1] != "2":
        raise ValueError("not a sequence number")
    return Origin(int(digits[1:10], 16), int(digits[38:46], 16))


class Places:
    """Rising places: by the clock, so that a restarted server, or a stream made anew, goes on above the old ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return self._last
