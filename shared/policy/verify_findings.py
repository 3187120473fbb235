"""The words in which findings are said; each names a place and never a value."""

from __future__ import annotations

from collections.abc import Iterator

from shared.model import Finding, VerdictKind
from shared.policy.sensitive import Sensitive


def malformed(where: str, why: str) -> Finding:
    """Something is not as sealstream writes it."""
    return Finding(VerdictKind.MALFORMED, where, why)


def in_clear(found: frozenset[Sensitive], kind: VerdictKind, where: str, data_class: str = "") -> Iterator[Finding]:
    """One finding for each form that a scanner recognised."""
    for one in sorted(found):
        yield Finding(kind, where, f"holds {one} in clear", data_class)
