"""What a run's verdict means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.runs.model import RunKind

_GOOD: Final[Mapping[str, str]] = {
    "retired": "safe to retire, and retired",
    "safe_to_retire": "safe to retire; `sealstream rotation retire` does it",
    "nothing_to_do": "nothing was to be done",
    "nothing_in_clear": "nothing in clear",
    "destroyed": "destroyed",
}
_TODO: Final[Mapping[RunKind, str]] = {
    RunKind.ROTATION: (
        "Mend what is listed, then `sealstream rotation retire`: it sweeps and counts again, and retires what it may."
    ),
    RunKind.RETIREMENT: "Mend what is listed, then `sealstream rotation retire` again: it sweeps and counts anew.",
    RunKind.ADOPTION: "Mend what is listed, then `sealstream adopt` again: it seals what is still in clear.",
    RunKind.SURVEY: "`sealstream adopt` seals it.",
    RunKind.DESTRUCTION: (
        "A key is destroyed a day after it was retired, with nothing under it in table or quarantine and no backup "
        "from before that; --abandon-backups gives such backups up."
    ),
}


def is_good(verdict: str) -> bool:
    """Whether nothing is left to be done; a word that this version does not know is none."""
    return verdict in _GOOD


def meaning(verdict: str) -> str:
    """The verdict in words."""
    return _GOOD.get(verdict, verdict.replace("_", " "))


def what_to_do(kind: RunKind) -> str:
    """After a verdict that is not good."""
    return _TODO[kind]
