"""Work on a pool that is over when the call is.

Lambda freezes a process once its handler has answered or raised. A thread that was still at work then goes on whenever
the next invocation comes, hours later perhaps, with times and decisions of before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, wait
from typing import TypeVar

One = TypeVar("One")
Result = TypeVar("Result")


def all_of(pool: Executor, work: Callable[[One], Result], over: Iterable[One]) -> list[Result]:
    """What `work` gives for each, in their order; what it raises is raised once nobody is at work any more.

    A pool's own `map` raises at the first failure, so it does only for work that raises nothing.
    """
    futures = [pool.submit(work, one) for one in over]
    wait(futures)
    return [future.result() for future in futures]
