"""Recordings of what real AWS answered, where they are at hand; they are no part of this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "evidence"


def evidence(name: str) -> Any:
    """The recording of this file name; the calling test skips where it is not at hand."""
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"the recording {name} of real AWS is not beside this checkout")
    return json.loads(path.read_text(encoding="utf-8"))
