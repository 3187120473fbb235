"""What a run's verdict means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from consumers.rotation.verdict import RunVerdict

_GOOD: Final[Mapping[str, str]] = {
    RunVerdict.NOTHING_TO_DO: "nothing was to be done",
    RunVerdict.REWRAPPED: "data keys were wrapped anew; nothing else was to be done",
    RunVerdict.NOTHING_TO_RETIRE: "no old data key waits for its end",
    RunVerdict.RETIRED: "safe to retire, and retired",
    RunVerdict.SAFE_TO_RETIRE: "safe to retire; `sealstream rotation retire` does it",
    RunVerdict.NOTHING_IN_CLEAR: "nothing in clear",
    RunVerdict.NOTHING_TO_DESTROY: "no retired data key is there to be destroyed",
    RunVerdict.DESTROYED: "safe to destroy, and destroyed",
    RunVerdict.SAFE_TO_DESTROY: "safe to destroy",
    RunVerdict.IN_ORDER: "every item is in order",
}
_BAD: Final[Mapping[str, str]] = {
    RunVerdict.NOT_PREPARED: "some data keys could not be wrapped anew or replaced",
    RunVerdict.INCOMPLETE: "the old data keys can go, but some others could not be wrapped anew or replaced",
    RunVerdict.NOT_SAFE: "not safe to retire: some old data keys are kept",
    RunVerdict.IN_CLEAR: "something stands in clear",
    RunVerdict.NOT_DESTROYED: "some retired data keys are kept",
    RunVerdict.FINDINGS: "some items are not in order",
    RunVerdict.CANCELLED: "called off; nothing of what was done is undone",
}
_START_AGAIN: Final = "Mend what KMS or the key store said of the keys listed, then `sealstream rotation start` again."
_DESTROYABLE: Final = (
    "A key goes a day after it was retired, with nothing under it in table or quarantine, and no backup from before; "
    "--abandon-backups gives such backups up."
)
_TODO: Final[Mapping[str, str]] = {
    RunVerdict.NOT_PREPARED: _START_AGAIN,
    RunVerdict.INCOMPLETE: _START_AGAIN,
    RunVerdict.NOT_SAFE: "Mend what is listed, then `sealstream rotation retire`: it sweeps, waits and counts again.",
    RunVerdict.IN_CLEAR: "`sealstream adopt` seals it; what an adoption left, it lists: mend that before the next.",
    RunVerdict.NOT_DESTROYED: _DESTROYABLE,
    RunVerdict.FINDINGS: (
        "What can be mended, the re-encryptor mends now; each item has its event in the reconciler's log. "
        "In some minutes `sealstream reconcile` finds what is left."
    ),
    RunVerdict.CANCELLED: "The command that began it begins another, which does what is left to be done.",
}


def is_good(verdict: str) -> bool:
    """Whether nothing is left to be done; a word that this version does not know is none."""
    return verdict in _GOOD


def meaning(verdict: str) -> str:
    """The verdict in words; what this version does not know as it is."""
    return _GOOD.get(verdict) or _BAD.get(verdict, verdict)


def what_to_do(verdict: str) -> str:
    """After a verdict that is not good."""
    return _TODO.get(verdict, "This version does not know that verdict; the deployment is a newer one.")
