"""Three things done to files: replace one whole, show the end of one, name one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_LINES_SHOWN: Final = 25


def write_atomically(path: Path, text: str) -> None:
    """Put `text` where readers see the old file or the new one, and only the owner sees it at all."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def tail(log: Path) -> str:
    """The last lines of a log, indented for an error message."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_SHOWN:]
    return "\n".join(f"    {line}" for line in lines)


def shown(path: Path) -> str:
    """The path as a person would type it here: from the current folder, unless from the root is shorter."""
    return min(os.path.relpath(path), str(path.absolute()), key=len)
