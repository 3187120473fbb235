"""How a run ended: the fixed words, and which of them its figures give."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.model import VerdictKind
from shared.runs.model import Run, RunKind, Tally

_WITHOUT_KEYS: Final = frozenset({RunKind.ADOPTION, RunKind.SURVEY})


class RunVerdict(StrEnum):
    """Every verdict that there is.

    | kind | verdicts |
    | --- | --- |
    | rotation | the first eight |
    | retirement | `nothing_to_retire`, `retired`, `safe_to_retire`, `not_safe` |
    | adoption, survey | `nothing_in_clear`, `in_clear` |
    | destruction | `nothing_to_destroy`, `destroyed`, `safe_to_destroy`, `not_destroyed` |
    | reconciliation | `in_order`, `findings` |
    | every kind | `cancelled` |
    """

    NOTHING_TO_DO = "nothing_to_do"
    """All is wrapped by the present key material, no key is due and none waits for its end: nothing was scanned."""
    REWRAPPED = "rewrapped"
    """The same, after some keys were wrapped anew; what lies under them is as it was, so nothing was scanned."""
    NOT_PREPARED = "not_prepared"
    """No key waits for its end, nothing was scanned, and some keys could not be wrapped anew or replaced."""
    NOTHING_TO_RETIRE = "nothing_to_retire"
    """No key waited for its end."""
    RETIRED = "retired"
    """Every key that waited for its end is retired."""
    SAFE_TO_RETIRE = "safe_to_retire"
    """Every such key could be; the run was asked not to."""
    NOT_SAFE = "not_safe"
    """Some such keys were kept; those that could be are retired, unless the run was asked not to."""
    INCOMPLETE = "incomplete"
    """No such key was kept, but some keys could not be wrapped anew or replaced."""
    NOTHING_IN_CLEAR = "nothing_in_clear"
    """All that the policy seals is sealed."""
    IN_CLEAR = "in_clear"
    """Something that the policy seals stands in clear."""
    NOTHING_TO_DESTROY = "nothing_to_destroy"
    """No retired key is in the run's scope."""
    DESTROYED = "destroyed"
    """Every retired key of the scope is destroyed."""
    SAFE_TO_DESTROY = "safe_to_destroy"
    """Every such key could be; the run was asked not to."""
    NOT_DESTROYED = "not_destroyed"
    """Some such keys were kept; those that could be are destroyed, unless the run was asked not to."""
    IN_ORDER = "in_order"
    """Every item is as the auditor would have it."""
    FINDINGS = "findings"
    """Some items are not, or could not be judged."""
    CANCELLED = "cancelled"
    """The run was called off: what was done stays done, the rest is not, and nothing was proved."""


def after_prepare(run: Run) -> RunVerdict | None:
    """The verdict of a rotation that needs no scan, since no key was replaced; None where one was."""
    if _any(run, "renewed", "decrypt_only"):
        return None
    if _any(run, "failed", "corrupt"):
        return RunVerdict.NOT_PREPARED
    return RunVerdict.REWRAPPED if _any(run, "rewrapped") else RunVerdict.NOTHING_TO_DO


def after_census(run: Run, census: Tally) -> RunVerdict:
    """The verdict of a run whose census is complete and whose keys are retired or destroyed as far as may be."""
    if run.kind in _WITHOUT_KEYS:
        return RunVerdict.IN_CLEAR if census.counts.get("clear_values") else RunVerdict.NOTHING_IN_CLEAR
    if run.kind is RunKind.RECONCILIATION:
        is_in_order = census.counts.get("visited", 0) == census.counts.get(VerdictKind.VERIFIED, 0)
        return RunVerdict.IN_ORDER if is_in_order else RunVerdict.FINDINGS
    if run.kind is RunKind.DESTRUCTION:
        return _after_destruction(run)
    if _any(run, "kept"):
        return RunVerdict.NOT_SAFE
    if _any(run, "failed", "corrupt"):
        return RunVerdict.INCOMPLETE
    if _any(run, "retired"):
        return RunVerdict.RETIRED
    return RunVerdict.SAFE_TO_RETIRE if _any(run, "to_retire") else RunVerdict.NOTHING_TO_RETIRE


def _after_destruction(run: Run) -> RunVerdict:
    if _any(run, "kept"):
        return RunVerdict.NOT_DESTROYED
    if _any(run, "destroyed"):
        return RunVerdict.DESTROYED
    return RunVerdict.SAFE_TO_DESTROY if _any(run, "to_destroy") else RunVerdict.NOTHING_TO_DESTROY


def _any(run: Run, *names: str) -> bool:
    return any(run.counts.get(name) for name in names)
