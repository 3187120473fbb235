"""`sealstream audit fetch`: a copy of the audit bucket in a folder, to be verified and read without the bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Final

from ops.audit.folder import Folder, Span, of_the_trail
from ops.audit.needed import needed, with_contents
from ops.audit.objects import Objects
from ops.json_lines import JsonLines
from ops.telling import for_programs
from ops.text import plural
from shared.aws.audit_bucket import Listed
from shared.printable import printable
from shared.trail.verify import Window

_HOUR_SECONDS: Final = 3_600
_LEFT: Final = {
    "missing": "is in the folder, and in the bucket no more",
    "differing": "is another object in the bucket now; the folder keeps what it had",
    "unreadable": "is in the bucket, and is given to nobody: it is not in the folder",
}


def fetch(objects: Objects, path: Path, window: Window, *, as_json: bool = False) -> int:
    """Copy what is not in the folder yet; 1 where the bucket has not what the folder has, or does not give it.

    What is in the folder stays as it is: where the bucket has another version now, the older one is the evidence.

    Raises:
        StoreUnavailable: the bucket does not answer, or the folder cannot be written to.
        SettingsError: the folder holds something else.
    """
    folder = Folder(path)
    had = {one.key: one for one in folder.listed("")}
    listed = list(needed(objects, window))
    copied, unreadable = _copied(objects, [one for one in listed if one.key not in had], folder)
    differing = [one.key for one in listed if one.key in had and _differs(one, had[one.key])]
    everything = window.since is None and window.until is None
    missing = sorted(had.keys() - {one.key for one in listed}) if everything else []
    folder.keep_about((one for one in listed if one.key not in differing), window.now, _hours(window))
    left = {"missing": missing, "differing": differing, "unreadable": unreadable}
    _tell(path, left, listed=len(listed), copied=copied, as_json=as_json)
    return 1 if any(left.values()) else 0


def _hours(window: Window) -> Span:
    """Of which the segments are copied; up to the second at which the bucket was listed."""
    until = inf if window.until is None else (window.until // _HOUR_SECONDS + 1) * _HOUR_SECONDS
    return max(window.first_hour, 0.0), min(until, window.now)


def _copied(objects: Objects, wanted: list[Listed], folder: Folder) -> tuple[int, list[str]]:
    """How many were, and the keys of those that could not be read."""
    about = {one.key: one for one in wanted}
    done, unreadable = 0, []
    for one in with_contents(objects, wanted):
        if one.unreadable:
            unreadable.append(one.key)
        elif of_the_trail(one.key):
            folder.keep(about[one.key], one.content)
            done += 1
    return done, unreadable


def _differs(now: Listed, had: Listed) -> bool:
    """Whether it is another object than the copy; what is only known otherwise now, as further versions, is not."""
    if had.version_id is None:
        return now.bytes != had.bytes
    return replace(now, other_versions=had.other_versions) != had


def _tell(path: Path, left: Mapping[str, list[str]], *, listed: int, copied: int, as_json: bool) -> None:
    if for_programs(as_json=as_json):
        lines = JsonLines()
        for what, keys in left.items():
            for key in keys:
                lines.write(what, key=key)
        lines.write("fetched", objects=listed, copied=copied, **{what: len(keys) for what, keys in left.items()})
        return
    for what, keys in left.items():
        for key in keys:
            print(f"{printable(key)} {_LEFT[what]}")
    print(f"{plural(listed, 'object')} in the bucket, {copied:,} of them copied to {path} now")
