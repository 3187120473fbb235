"""What a process takes in memory, as Linux counts it; elsewhere only the peak is known."""

from __future__ import annotations

import re
import resource
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")


def peak_kib() -> float:
    """Of this process alone: on Linux, what getrusage says would be its parent's where that was larger."""
    if _STATUS.exists():
        return _status("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # macOS counts bytes


def resident_kib() -> float:
    """Now."""
    return _status("VmRSS") if _STATUS.exists() else peak_kib()


def _status(name: str) -> float:
    (found,) = re.findall(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return float(found)
