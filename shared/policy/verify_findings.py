"""The words in which findings are said; each names a place and never a value."""

from __future__ import annotations

from collections.abc import Iterator

from shared.model import Finding, VerdictKind
from shared.policy.detect.names import WORDS, Detector


def malformed(where: str, why: str) -> Finding:
    """Something is not as sealstream writes it."""
    return Finding(VerdictKind.MALFORMED, where, why)


def in_clear(found: frozenset[Detector], kind: VerdictKind, where: str, data_class: str = "") -> Iterator[Finding]:
    """One finding for each detector that found something."""
    for one in sorted(found):
        yield Finding(kind, where, f"holds {WORDS[one]} in clear", data_class)
