"""Handlers keep their events in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.aws.audited import audit_log
from tests.fakes.kept_events import KeptEvents


@pytest.fixture(autouse=True)
def kept(monkeypatch) -> Iterator[KeptEvents]:
    """What the process keeps in the audit trail."""
    kept = KeptEvents()
    monkeypatch.setenv("SEALSTREAM_AUDIT_BUCKET", "trail")
    monkeypatch.setenv("SEALSTREAM_STAGE", "stage")
    monkeypatch.setenv("SEALSTREAM_LOG_EVERY_EVENT", "true")
    monkeypatch.setattr("shared.aws.audited._trail", lambda _settings: kept)
    audit_log.cache_clear()
    yield kept
    audit_log.cache_clear()
