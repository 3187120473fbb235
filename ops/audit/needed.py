"""Which objects a verification needs, and these with their bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import takewhile
from math import inf
from typing import Final

from ops.audit.folder import of_the_trail
from ops.audit.objects import READS_AT_ONCE, Objects
from shared.aws.audit_bucket import Listed
from shared.errors import ObjectUnreadable, StoreDenied
from shared.trail import manifest as manifests
from shared.trail import segments
from shared.trail.segments import MAX_UNZIPPED_BYTES, hour_prefix
from shared.trail.verify import TrailObject, Window

CLOCKS_DIFFER_SECONDS: Final = 3_600
"""How far the bucket's clock and the notary's may be from one another."""


def needed(objects: Objects, window: Window, *, up_to_now: bool) -> Iterator[Listed]:
    """The objects that tell whether the window's hours are intact, by key; all where it has no limits.

    With the manifests up to now any key proves it that ever signed; without them, the one that signed at its end.
    """
    if window.since is None and window.until is None:
        yield from objects.listed("")
        return
    yield from _leading(list(objects.listed(manifests.PREFIX)), window, up_to_now=up_to_now)
    first = "" if window.since is None else hour_prefix(window.first_hour)
    listed = objects.listed(segments.PREFIX, start_after=first)
    if window.until is None:
        yield from listed
    else:
        last = hour_prefix(window.until)
        yield from takewhile(lambda one: one.key < last or one.key.startswith(last), listed)


def with_contents(objects: Objects, listed: Iterable[Listed]) -> Iterator[TrailObject]:
    """The objects with their bytes, in the same order; the next ones are being read meanwhile.

    What is not of the trail is not read: its name tells enough. Neither is what no writer makes, for its size. One that
    cannot be read says why. Who is refused, and was given nothing else, is told so: it may be all of them.

    Raises:
        StoreUnavailable: the bucket does not answer, or refuses whatever is asked for.
    """
    held: list[TrailObject] = []
    refused: StoreDenied | None = None
    any_read = False
    for one, reading in _readings(objects, listed):
        content, unreadable = b"", ""
        try:
            content = reading.result()
        except (ObjectUnreadable, StoreDenied) as error:
            unreadable = str(error)
            refused = refused or (error if isinstance(error, StoreDenied) else None)
        any_read = any_read or bool(content)
        held.append(TrailObject(one.key, content, one.last_modified, one.version_id, one.other_versions, unreadable))
        if any_read or refused is None:
            yield from held
            held.clear()
    if refused is not None and not any_read:
        raise refused


def _readings(objects: Objects, listed: Iterable[Listed]) -> Iterator[tuple[Listed, Future[bytes]]]:
    begun: deque[tuple[Listed, Future[bytes]]] = deque()
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        for one in listed:
            begun.append((one, pool.submit(_content, objects, one)))
            if len(begun) >= READS_AT_ONCE:
                yield begun.popleft()
        yield from begun


def _content(objects: Objects, one: Listed) -> bytes:
    if one.bytes > MAX_UNZIPPED_BYTES:
        raise ObjectUnreadable("is larger than anything of the trail")
    return objects.read(one.key, one.version_id) if of_the_trail(one.key) else b""


def _leading(listed: list[Listed], window: Window, *, up_to_now: bool) -> Iterator[Listed]:
    """From the last manifest that was surely begun two periods before the window, to the first surely begun so after.

    Where the times are not the bucket's own, as in a copy that somebody made otherwise, all of them.
    """
    if any(one.version_id is None for one in listed):
        yield from listed
        return
    margin = window.grace_seconds + CLOCKS_DIFFER_SECONDS
    since, until = window.first_hour - margin, (inf if window.until is None else window.until) + margin
    before = [number for number, one in enumerate(listed) if one.last_modified < since]
    for one in listed[before[-1] if before else 0 :]:
        yield one
        if one.last_modified > until and not up_to_now:
            return
