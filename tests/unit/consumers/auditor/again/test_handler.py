"""The reauditor's entry point: an operator's call in, an answer or an error by its kind out."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import consumers.auditor.again.handler as module
from shared.errors import RequestRefused, RetryLater, SettingsError, StoreUnavailable

CANARY = "canary-4111111111111111"
CONTEXT: Any = SimpleNamespace(aws_request_id="request-2", get_remaining_time_in_millis=lambda: 60_000)
SPAN = {"shard_id": "shardId-00000001700000000000-abcd1234", "first": "1", "last": "4"}


def _down(*_: object) -> Any:
    raise StoreUnavailable("down")


@pytest.fixture
def wired(monkeypatch) -> Iterator[None]:
    """A reauditor whose stream does not answer."""
    module._calls.cache_clear()
    monkeypatch.setattr(module, "_settings", lambda: SimpleNamespace(auditor=None, table_stream="arn"))
    monkeypatch.setattr(module, "wire", lambda _: SimpleNamespace(log=module_log()))
    monkeypatch.setattr(module, "client", lambda _: None)
    monkeypatch.setattr(module, "TableStream", lambda *_: SimpleNamespace(pages=_down))
    yield
    module._calls.cache_clear()


def module_log() -> Any:
    return SimpleNamespace(write=lambda *_, **__: None)


@pytest.mark.usefixtures("wired")
def test_it_answers_refuses_and_names_an_outage_as_such(capsys):
    assert {} == module.handler({"operation": "skip", **SPAN, "records": 4}, CONTEXT)
    with pytest.raises(RequestRefused):
        module.handler({"operation": CANARY}, CONTEXT)
    with pytest.raises(RetryLater) as raised:
        module.handler({"operation": "reread", **SPAN}, CONTEXT)
    assert RetryLater is type(raised.value)
    assert CANARY not in capsys.readouterr().out


@pytest.mark.usefixtures("wired")
@pytest.mark.parametrize("more", [{}, {"operation": "reread", **SPAN}])
def test_it_takes_no_changes_from_whoever_invokes_it(more):
    with pytest.raises(RequestRefused):
        module.handler({"Records": [], **more}, CONTEXT)


def test_a_missing_setting_is_named(monkeypatch):
    module._calls.cache_clear()
    monkeypatch.delenv("SEALSTREAM_KEY_STORE", raising=False)
    with pytest.raises(SettingsError, match="SEALSTREAM_KEY_STORE"):
        module.handler({"operation": "skip"}, CONTEXT)
