"""Events on the screen, one a line, or as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from ops.audit.distinct import Event
from ops.audit.reading import PROOF, TOLD_OTHERWISE, Trail, is_judged_anew
from shared.printable import printable
from shared.trail.findings import Tampering, TrailVerdict

_NAME_WIDTH: Final = max(map(len, ("item.undeclared_sensitive", "reconciliation.completed")))
_FINDINGS: Final = "findings"
_WHOSE: Final = ("tenant_id", "item_id", "key_id")
_WHICH: Final = ("quarantine_id", "object", "run_id", "shard_id")
_FOR_PROGRAMS: Final = frozenset(
    {"event", "event_id", "at", "policy", "sequence_number", "source_sequence_number", "source_sub_sequence"}
)
"""What a line for people does without."""
_MARKS: Final = (PROOF, TOLD_OTHERWISE)
"""What it ends with."""
_MOST_LINES: Final = 50
_VERIFY: Final = "`sealstream audit verify` says what became of it"
_AS_WHOM: Final = "who wrote these writes segments as another: ask how he came by that function's rights"


def tell(event: Event, *, as_json: bool) -> None:
    """One line on standard output, at once."""
    print(json.dumps(event) if as_json else line_of(event), flush=True)


def line_of(event: Event) -> str:
    """When, what, about what, and what else; harmless on a terminal."""
    about = "/".join(str(event[name]) for name in _WHOSE if name in event)
    named = [name for name in _WHICH if name in event][: not about]
    rest = [
        f"{name}={_text(name, value)}"
        for name, value in sorted(event.items(), key=lambda field: (field[0] == _FINDINGS, field[0]))
        if name not in {*_FOR_PROGRAMS, *_WHOSE, *named, *_MARKS} and value != []
    ]
    rest += [f"[{event[PROOF]}]"] if PROOF in event else []
    rest += [f"[told otherwise in {event[TOLD_OTHERWISE]}]"] if TOLD_OTHERWISE in event else []
    first = about or "".join(str(event[name]) for name in named) or "-"
    line = "  ".join([event["at"], f"{event['event']:<{_NAME_WIDTH}}", first, " ".join(rest)])
    return printable(line.rstrip())


def _text(name: str, value: Any) -> str:
    if name == _FINDINGS:
        return "; ".join(f"{one.get('where') or 'the item'}: {one.get('why')}" for one in value)
    return str(value)


def ended(trail: Trail) -> int:
    """Say on standard error what of it was not shown, or not verified; the exit status that this gives, as `verify`'s.

    1 where something is missing or not as it was written, 2 where all that is wrong is that it cannot be verified.
    """
    wrong = [
        _say(_altered(trail), _VERIFY),
        _say(f"events of it are missing: {key} {why}" for key, why in trail.unreadable.items()),
        _say((f"left out of {key}: {left_out}" for key, left_out in trail.left_out.items()), _AS_WHOM),
        _say(_contradictory(trail)),
    ]
    _say(_judged_anew(trail))
    is_unchecked = _say(_unchecked(trail))
    if any(wrong):
        return TrailVerdict.TAMPERED
    return TrailVerdict.UNCHECKED if is_unchecked else TrailVerdict.INTACT


def _say(lines: Iterable[str], hint: str = "") -> bool:
    """Some of them, and the hint; whether there are any."""
    every = iter(lines)
    first = list(islice(every, _MOST_LINES))
    more = [f"and {number:,} more"] if (number := sum(1 for _ in every)) else []
    for line in (*first, *more, *([hint] if first and hint else [])):
        print(printable(line), file=sys.stderr)
    return bool(first)


def _unchecked(trail: Trail) -> list[str]:
    if trail.proof is None:
        return []
    if trail.proof.not_verified:
        return [f"nothing of it is verified: {trail.proof.not_verified}"]
    return [
        f"cannot be verified: {one.key} {one.why}" for one in trail.proof.findings if one.kind is Tampering.UNCHECKABLE
    ]


def _altered(trail: Trail) -> Iterator[str]:
    if trail.proof is not None:
        for one in trail.proof.findings:
            if one.kind is not Tampering.UNCHECKABLE:
                yield f"{one.kind}: {one.key} {one.why}"
        for key, why in trail.proof.doubted.items():
            yield f"proves nothing, its events are left out: {key} {why}"


def _contradictory(trail: Trail) -> Iterator[str]:
    for key, other in trail.conflicts:
        if not is_judged_anew(key, other):
            yield f"told in two ways: {key} counts, {other} tells something else under the same event_id"


def _judged_anew(trail: Trail) -> Iterator[str]:
    for key, other in trail.conflicts:
        if is_judged_anew(key, other):
            yield f"judged anew: {key} counts, {other} tells otherwise of the same change"
