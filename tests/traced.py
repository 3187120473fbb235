"""What coverage traces: tests, their fixtures, and what these call; pytest's own work would take twice as long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

if TYPE_CHECKING:
    from _typeshed import TraceFunction

_ABOUT_OTHER_CODE: Final = {Path(__file__).parent / "unit" / folder for folder in ("docs", "limits", "ops")}
"""What coverage is measured of has tests of its own; those of other code are not traced, and twice as quick."""

_PROJECT: Final = {"consumers", "shared", "tests"}
"""What coverage is measured of, and what calls it when it is imported."""

_TRACE: Final[pytest.StashKey[TraceFunction | None]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_collection() -> Iterator[None]:
    """Of what is imported for the tests, only the project is traced."""
    trace = sys.gettrace()

    def traced(execute: Callable[[Any, ModuleType], None]) -> Callable[[Any, ModuleType], None]:
        def exec_module(loader: Any, module: ModuleType) -> None:
            with tracing(trace if module.__name__.partition(".")[0] in _PROJECT else None):
                execute(loader, module)

        return exec_module

    with pytest.MonkeyPatch.context() as patch, tracing(None):
        for loader in (SourceFileLoader, AssertionRewritingHook):
            patch.setattr(loader, "exec_module", traced(loader.exec_module))
        return (yield)


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
