"""What happens, for programs: one JSON document a line."""

from __future__ import annotations

import json
import sys
from threading import Lock
from typing import Any, TextIO


class JsonLines:
    """Writes lines, each whole and at once, from any thread."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._lock = Lock()

    def trouble(self, message: str) -> None:
        """Something failed, and is tried again."""
        self.write("trouble", message=message)

    def told(self, message: str) -> None:
        """Something that the operator should know."""
        self.write("told", message=message)

    def write(self, event: str, **fields: Any) -> None:
        """One line."""
        line = json.dumps({"event": event, **fields}) + "\n"
        with self._lock:
            self._out.write(line)
            self._out.flush()
