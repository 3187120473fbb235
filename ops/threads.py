"""Work in threads, while the caller's thread looks on and stays open to Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from threading import Thread
from typing import TypeVar

from shared.errors import SealstreamError

Result = TypeVar("Result")


def together(
    works: Sequence[Callable[[], Result]], *, meanwhile: Callable[[], object], every_seconds: float
) -> list[Result]:
    """Do all of it at once, each in a thread of its own; the results in the order of `works`.

    The threads do not keep the process alive: whoever is interrupted needs not wait until they end.

    Raises:
        SealstreamError: that of the first that failed.
    """
    futures = [_started(work) for work in works]
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, timeout=every_seconds, return_when=FIRST_EXCEPTION)
        for one in ended:
            one.result()
        if waiting:
            meanwhile()
    return [one.result() for one in futures]


def _started(work: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()
    Thread(target=_do, args=(work, future), name="work", daemon=True).start()
    return future


def _do(work: Callable[[], Result], future: Future[Result]) -> None:
    try:
        future.set_result(work())
    except SealstreamError as error:
        future.set_exception(error)
    finally:
        if not future.done():  # a defect: the thread prints it
            future.set_exception(RuntimeError("a thread of this command failed"))
