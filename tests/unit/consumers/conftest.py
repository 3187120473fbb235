"""Handlers keep their events in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.kept_events import KeptEvents, kept_in_memory


@pytest.fixture(autouse=True)
def kept() -> Iterator[KeptEvents]:
    """What the process keeps in the audit trail."""
    with kept_in_memory() as kept:
        yield kept
