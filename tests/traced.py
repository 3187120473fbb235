"""What coverage traces: tests, their fixtures, and what these call; pytest's own work would take twice as long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from _typeshed import TraceFunction

_ABOUT_OTHER_CODE: Final = {Path(__file__).parent / "unit" / folder for folder in ("docs", "limits", "ops")}
"""What coverage is measured of has tests of its own; those of other code are not traced, and twice as quick."""


_TRACE: Final[pytest.StashKey[TraceFunction | None]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    session.config.stash[_TRACE] = sys.gettrace()
    with tracing(None):
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Iterator[None]:
    with tracing(_trace_of(request.node)):
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    with tracing(_trace_of(pyfuncitem)):
        return (yield)


@contextmanager
def tracing(trace: TraceFunction | None) -> Iterator[None]:
    """What runs within is told to `trace`, or to nobody."""
    before = sys.gettrace()
    _begin(trace)
    try:
        yield
    finally:
        _begin(before)


def _trace_of(node: pytest.Item) -> TraceFunction | None:
    return None if _is_about_other_code(node.path) else node.config.stash[_TRACE]


@cache
def _is_about_other_code(path: Path) -> bool:
    return not _ABOUT_OTHER_CODE.isdisjoint(path.parents)


def _begin(trace: TraceFunction | None) -> None:
    sys.settrace(trace)
    _next_call()


def _next_call() -> None:
    """Coverage goes on with a call; before it, it would miss that functions return, and lose its place."""
