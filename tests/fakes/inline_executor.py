"""A pool that does everything at once, in the thread that asks: what a test can count and stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any


class InlineExecutor(Executor):
    """Maps like a pool, in order; an error (an interrupt too) comes out where it happened."""

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **_: Any) -> Iterator[Any]:
        return iter([fn(*arguments) for arguments in zip(*iterables, strict=False)])
