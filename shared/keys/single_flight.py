"""One call in flight per key, however many threads ask."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Runs a call once for all threads that ask for its key meanwhile; each gets its value, or its error.

    Nothing is kept: who asks after the call has ended starts another. A call that fills a cache therefore looks into
    the cache first, for the thread that missed there just before the last call ended.
    """

    def __init__(self) -> None:
        self._flights: dict[Key, Future[Value]] = {}
        self._lock = Lock()

    def run(self, key: Key, call: Callable[[], Value]) -> Value:
        """The value of `call`, made by this thread or by the one that came first."""
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not leads:
            return flight.result()
        try:
            value = call()
        except BaseException as error:
            flight.set_exception(error)  # an interrupt too: those who wait must not wait for ever
            raise
        else:
            flight.set_result(value)
            return value
        finally:
            with self._lock:
                del self._flights[key]
