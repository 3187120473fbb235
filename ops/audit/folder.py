"""A copy of the audit bucket in a folder, as `sealstream audit fetch` makes it: each object a file, its key the path.

What only the bucket knows of its objects stands beside them in `objects.ndjson`: when they were copied, the segments of
which hours, and an object a line. A copy that was made otherwise has none, and does without.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf
from pathlib import Path
from typing import Final

from ops.clock import iso
from shared.aws.audit_bucket import Listed
from shared.errors import ObjectUnreadable, RequestRefused, SettingsError, StoreUnavailable
from shared.trail.manifest import manifest_number
from shared.trail.segments import SegmentName
from shared.trail.verify import Window

ABOUT: Final = "objects.ndjson"
_COPIED_AT: Final = "copied_at"
_HOURS: Final = "hours"

Span = tuple[float, float]
"""From when to when, seconds since the epoch."""
_UNFINISHED: Final = ".unfinished"
"""Ends the name of a file that is being written, which may be left where somebody was interrupted."""


class Folder:
    """The objects. What is known of one without a file tells that there was one whose name is not of the trail."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._about: Mapping[str, Listed] | None = None
        self._copied_at: float | None = None
        self._hours: Sequence[Span] | None = None

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        """The objects whose keys begin so and come after `start_after`, by key, ascending."""
        found = {one.key: one for one in self._files(prefix)}
        others = {key: one for key, one in self.about().items() if not of_the_trail(key) and key.startswith(prefix)}
        yield from (one for key, one in sorted((others | found).items()) if key > start_after)

    def read(self, key: str, version_id: str | None = None) -> bytes:  # noqa: ARG002 - it has but one
        """The bytes of an object."""
        try:
            return (self._path / key).read_bytes()
        except OSError as error:
            raise ObjectUnreadable(f"reading {key}: {error.strerror}") from None

    def about(self) -> Mapping[str, Listed]:
        """What the bucket knew of its objects when they were copied; raises SettingsError."""
        if self._about is None:
            file = self._path / ABOUT
            try:
                lines = file.read_text("utf-8").splitlines() if file.exists() else []
                told = [json.loads(line) for line in lines]
                if told and _COPIED_AT in told[0]:
                    first = told.pop(0)
                    self._copied_at = float(first[_COPIED_AT])
                    self._hours = (
                        _joined((float(since), float(until)) for since, until in first.get(_HOURS, ())) or None
                    )
                self._about = {one.key: one for one in (Listed(**line) for line in told)}
            except (OSError, TypeError, ValueError):
                raise SettingsError(f"{file} is not what `sealstream audit fetch` writes") from None
        return self._about

    def copied_at(self) -> float | None:
        """When the bucket was last listed for it, seconds since the epoch; None where nobody knows.

        Raises:
            SettingsError: what the copy says of itself is not of its form.
        """
        self.about()
        return self._copied_at

    def hours(self) -> Sequence[Span] | None:
        """When the segments were written that are in it, ascending; None where nobody knows; raises as `copied_at`."""
        self.about()
        return self._hours

    def keep(self, one: Listed, content: bytes) -> None:
        """Write an object's file, whole or not at all; raises StoreUnavailable."""
        self._write(one.key, content)

    def keep_about(self, objects: Iterable[Listed], copied_at: float, hours: Span | None = None) -> None:
        """Write what the bucket knew of these when it was listed, beside what it knew of others before.

        Whole or not at all: what it said before is not known from elsewhere.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        known = {**self.about(), **{one.key: one for one in objects}}
        every = _joined([*(self._hours or ()), *([hours] if hours else [])]) or None
        first = {_COPIED_AT: copied_at, _HOURS: every or []}
        told = [first, *(asdict(known[key]) for key in sorted(known))]
        self._write(ABOUT, "".join(json.dumps(one) + "\n" for one in told).encode())
        self._about, self._copied_at, self._hours = known, copied_at, every

    def _write(self, name: str, content: bytes) -> None:
        file = self._path / name
        unfinished = file.with_name(file.name + _UNFINISHED)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(content)
            unfinished.replace(file)
        except OSError as error:
            raise StoreUnavailable(f"writing {name}: {error.strerror}") from None

    def _files(self, prefix: str) -> Iterator[Listed]:
        below = self._path / prefix.rpartition("/")[0]
        for path in below.rglob("*"):
            key = path.relative_to(self._path).as_posix()
            if key == ABOUT or key.endswith(_UNFINISHED) or not key.startswith(prefix) or not path.is_file():
                continue
            status = path.stat()
            known = self.about().get(key) or Listed(key, status.st_size, status.st_mtime)
            yield replace(known, bytes=status.st_size)


def _joined(spans: Iterable[Span]) -> Sequence[Span]:
    """The same time in as few spans as can be."""
    joined: list[Span] = []
    for since, until in sorted(spans):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((since, until))
    return joined


def of_the_trail(key: str) -> bool:
    """Whether an object of the trail is called so; nothing else is copied, whatever its name would do to a path."""
    return manifest_number(key) is not None or SegmentName.parse(key) is not None


def refuse_beyond(folder: Path | None, window: Window) -> None:
    """Raises RequestRefused where a copy says that it has not the segments of all these hours."""
    if folder is None or (hours := Folder(folder).hours()) is None:
        return
    since, until = max(window.first_hour, 0.0), min(window.end, Folder(folder).copied_at() or inf)
    if since < until and not any(first <= since and until <= last for first, last in hours):
        has = ", ".join(f"{iso(first)} to {iso(last)}" for first, last in hours)
        raise RequestRefused(
            f"the copy has what was written {has}, and this needs {iso(since)} to {iso(until)}: "
            "`sealstream audit fetch` with the same --from, and no --to, copies the rest"
        )
