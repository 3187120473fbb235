"""`sealstream audit fetch`: a copy of the audit bucket in a folder, to be verified and read without the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ops.audit.folder import Folder, of_the_trail
from ops.audit.needed import needed, with_contents
from ops.audit.objects import Objects
from ops.json_lines import JsonLines
from ops.telling import for_programs
from ops.text import plural
from shared.aws.audit_bucket import Listed
from shared.printable import printable
from shared.trail.verify import Window


def fetch(objects: Objects, path: Path, window: Window, *, as_json: bool = False) -> int:
    """Copy what is not in the folder yet; the exit status: 1 where the folder has something that the bucket has not.

    What is in the folder stays as it is: where the bucket has another version now, the older one is the evidence.

    Raises:
        StoreUnavailable: the bucket does not answer, or the folder cannot be written to.
        SettingsError: the folder holds something else.
    """
    folder = Folder(path)
    had = {one.key: one for one in folder.listed("")}
    listed = list(needed(objects, window, up_to_now=True))
    copied = _copied(objects, [one for one in listed if one.key not in had], folder)
    differing = [one.key for one in listed if one.key in had and _differs(one, had[one.key])]
    everything = window.since is None and window.until is None
    missing = sorted(had.keys() - {one.key for one in listed}) if everything else []
    folder.keep_about(one for one in listed if one.key not in differing)
    _tell(path, listed=len(listed), copied=copied, missing=missing, differing=differing, as_json=as_json)
    return 1 if missing or differing else 0


def _copied(objects: Objects, wanted: list[Listed], folder: Folder) -> int:
    about = {one.key: one for one in wanted}
    done = 0
    for one in with_contents(objects, wanted):
        if of_the_trail(one.key):
            folder.keep(about[one.key], one.content)
            done += 1
    return done


def _differs(now: Listed, had: Listed) -> bool:
    """Whether it is another object than the copy; what is only known otherwise now, as further versions, is not."""
    if had.version_id is None:
        return now.bytes != had.bytes
    return replace(now, other_versions=had.other_versions) != had


def _tell(path: Path, *, listed: int, copied: int, missing: list[str], differing: list[str], as_json: bool) -> None:
    if for_programs(as_json=as_json):
        lines = JsonLines()
        for key in missing:
            lines.write("missing", key=key)
        for key in differing:
            lines.write("differing", key=key)
        lines.write("fetched", objects=listed, copied=copied, missing=len(missing), differing=len(differing))
        return
    print("\n".join(_lines(path, listed=listed, copied=copied, missing=missing, differing=differing)))


def _lines(path: Path, *, listed: int, copied: int, missing: list[str], differing: list[str]) -> Iterator[str]:
    yield from (f"{printable(key)} is in the folder, and in the bucket no more" for key in missing)
    yield from (
        f"{printable(key)} is another object in the bucket now; the folder keeps what it had" for key in differing
    )
    yield f"{plural(listed, 'object')} in the bucket, {copied:,} of them copied to {path} now"
