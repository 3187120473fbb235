"""`sealstream audit verify`: whether the trail is what was written, from its objects and one public key."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

from ops.audit.at_least import with_noted_end
from ops.audit.folder import Folder, refuse_beyond
from ops.audit.needed import back_to_its_key, needed, with_contents
from ops.audit.objects import Objects, objects_of
from ops.audit.public_key import from_file, signs_now
from ops.clock import iso
from ops.json_lines import JsonLines
from ops.telling import for_programs
from ops.text import plural, table
from shared.aws.clients import client
from shared.aws.signing_keys import KmsSigningKeys
from shared.errors import RequestRefused, SettingsError
from shared.printable import printable
from shared.trail.findings import TrailVerdict
from shared.trail.manifest import PREFIX, Link, manifest_key, manifest_number
from shared.trail.public_key import PublicKey
from shared.trail.verify import TrailResult, Window
from shared.trail.verify import verify as verify_objects

_HOUR_SECONDS: Final = 3_600
_MINUTES: Final = "5"
"""The notary's period, unless deployed otherwise."""
_SAYS: Final = {
    TrailVerdict.INTACT: "The audit trail is intact.",
    TrailVerdict.TAMPERED: "The audit trail is not as it was written.",
    TrailVerdict.UNCHECKED: "The audit trail could not be checked.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified.

    Attributes:
        since: seconds since the epoch; None for from the beginning.
        until: the same; None for up to now.
        folder: a copy of the bucket; None for the deployment's own.
        public_key: a PEM file; None for the key that KMS has, which a copy alone cannot ask.
        period_seconds: of the notary; None for what the deployment says.
        at_least: a manifest that was noted before; None for the one that the deployment notes.
    """

    since: float | None = None
    until: float | None = None
    folder: Path | None = None
    public_key: Path | None = None
    period_seconds: float | None = None
    at_least: Link | None = None


def verify(asked: Asked, *, as_json: bool) -> int:
    """Print what was found; the exit status: 0 intact, 1 tampered with, 2 not to be checked.

    Raises:
        SealstreamError: the objects, or the key, cannot be had.
    """
    now = time.time()
    if asked.folder is not None and not asked.folder.is_dir():
        raise SettingsError(f"{asked.folder} is no folder")
    objects = objects_of(asked.folder)
    window = window_of(asked, now=now)
    if asked.folder is None:
        window = with_noted_end(window)
    else:
        refuse_beyond(asked.folder, window)
        _reaches_back(objects, window)
    if asked.public_key is not None:
        public_key = from_file(asked.public_key)
    elif asked.folder is not None:
        raise SettingsError("a copy is verified with a public key had from elsewhere: --public-key FILE")
    else:
        public_key = signs_now(objects, KmsSigningKeys(client("kms")))
    result = verify_trail(objects, public_key, window)
    if for_programs(as_json=as_json):
        _write(result, window, asked)
    else:
        print("\n".join([*_told(result, window), *_of_a_copy(asked)]))
    return result.verdict


def verify_trail(objects: Objects, public_key: PublicKey, window: Window) -> TrailResult:
    """What of these objects is not as it was written, by a key that signed any manifest; raises StoreUnavailable."""
    read = with_contents(objects, needed(objects, window))
    return verify_objects(back_to_its_key(objects, read, window, public_key), public_key, window)


def window_of(asked: Asked, *, now: float, environment: Mapping[str, str] = os.environ) -> Window:
    """The window that is asked for, in whole hours; its `now` is up to when the trail is known.

    Raises:
        SettingsError: the period is none, or the copy is not of its form.
        RequestRefused: it ends before it begins.
    """
    if asked.since is not None and asked.until is not None and asked.since > asked.until:
        raise RequestRefused("what is asked for ends before it begins: see --from and --to")
    period = asked.period_seconds
    until = None if asked.until is None else asked.until // _HOUR_SECONDS * _HOUR_SECONDS + _HOUR_SECONDS - 1
    if period is None:
        minutes = environment.get("SEALSTREAM_NOTARY_MINUTES", _MINUTES)
        if not (minutes.isascii() and minutes.isdigit() and int(minutes)):
            raise SettingsError("environment variable SEALSTREAM_NOTARY_MINUTES is no number of minutes")
        period = int(minutes) * 60.0
    known = _known_until(asked, now)
    return Window(now=known, period_seconds=period, since=asked.since, until=until, at_least=asked.at_least)


def _reaches_back(copy: Objects, window: Window) -> None:
    """A copy of some hours need not have the manifest that must be there."""
    numbers = (manifest_number(one.key) for one in copy.listed(PREFIX))
    first, known = next(filter(None, numbers), None), window.at_least
    if window.since is not None and first is not None and known is not None and known.number < first:
        raise RequestRefused(f"the copy begins with {manifest_key(first)}: it does not say what {known.number} was")


def _known_until(asked: Asked, now: float) -> float:
    """Up to when there must be manifests: in a copy up to when it was made, and whatever is asked for."""
    if asked.folder is None:
        return now
    copied_at = Folder(asked.folder).copied_at()
    known = (one for one in (copied_at, asked.until) if one is not None)
    return min(now, max(known, default=-inf))


def _write(result: TrailResult, window: Window, asked: Asked) -> None:
    lines = JsonLines()
    for finding in result.findings:
        lines.write("finding", kind=finding.kind, key=finding.key, why=finding.why)
    for since, until in result.silences:
        lines.write("silence", since=iso(since), until=iso(until))
    copied = {} if asked.folder is None else {"copied_at": iso(Folder(asked.folder).copied_at())}
    at_least = window.at_least.number if window.at_least else None
    figures = {**_figures(result), "at_least": at_least, **copied}
    lines.write("verified", verdict=result.verdict.name.lower(), findings=len(result.findings), **figures)


def _figures(result: TrailResult) -> dict[str, Any]:
    return {
        "manifests": result.manifests,
        "segments": result.segments,
        "pending": result.pending,
        "unproven": result.unproven,
        "proven_until": iso(result.proven_until),
    }


def _told(result: TrailResult, window: Window) -> Iterable[str]:
    if result.findings:
        yield from table(
            ("finding", "object", "why"), [(one.kind, printable(one.key), one.why) for one in result.findings]
        )
    yield f"{_SAYS[result.verdict]} {_span(window)}"
    yield from _counts(result)
    for since, until in result.silences:
        yield f"No manifest was begun between {iso(since)} and {iso(until)}: ask why the notary was silent"
    if window.at_least is None:
        yield "Nobody said how far it goes (--at-least): that its end is there shows by its time alone"


def _span(window: Window) -> str:
    if window.since is None and window.until is None:
        return "All of it was looked at."
    since = "its beginning" if window.since is None else iso(window.first_hour)
    return f"Looked at: from {since} to {'now' if window.until is None else iso(window.until)}."


def _counts(result: TrailResult) -> Iterator[str]:
    proven = f", the last begun {iso(result.proven_until)}" if result.proven_until is not None else ""
    yield f"{plural(result.manifests, 'manifest')} signed and in one chain{proven}"
    yield f"{plural(result.segments, 'segment')} as attested"
    if result.pending:
        yield f"{plural(result.pending, 'segment')} written since, which the next manifests attest"
    if result.unproven:
        yield f"{plural(result.unproven, 'segment')} listed only by manifests that cannot be trusted"


def _of_a_copy(asked: Asked) -> Iterator[str]:
    if asked.folder is None:
        return
    copied_at = Folder(asked.folder).copied_at()
    if copied_at is None:
        yield "When the copy was made is not known, and nothing of what came after its last manifest"
    else:
        yield f"The copy was made {iso(copied_at)}: nothing is known of what came later"


def fail_unchecked(message: str) -> int:
    """Say why nothing could be checked; the exit status."""
    print(f"sealstream: {message}", file=sys.stderr)
    return TrailVerdict.UNCHECKED
