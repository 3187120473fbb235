"""Which objects a verification needs, and these with their bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from itertools import takewhile
from typing import Final

from ops.audit.folder import of_the_trail
from ops.audit.objects import READS_AT_ONCE, Objects
from shared.aws.audit_bucket import Listed
from shared.errors import ObjectUnreadable, StoreDenied, TrailUnreadable
from shared.trail import manifest as manifests
from shared.trail import segments
from shared.trail.public_key import PublicKey
from shared.trail.segments import MAX_UNZIPPED_BYTES
from shared.trail.verify import TrailObject, Window

CLOCKS_DIFFER_SECONDS: Final = 3_600
"""How far the bucket's clock and the notary's may be from one another."""


def needed(objects: Objects, window: Window) -> Iterator[Listed]:
    """The objects that tell whether the window's hours are intact, by key; all where it has no limits."""
    if window.since is None and window.until is None:
        yield from objects.listed("")
        return
    yield from needed_manifests(objects, window)
    yield from needed_segments(objects, window)


def needed_manifests(objects: Objects, window: Window) -> Iterator[Listed]:
    """From the last that was surely begun two periods before the window up to now, and the one that must be there.

    Up to now, since a notary that was late, or had much to list, attests these hours long after them. Where the times
    are not the bucket's own, as in a copy that somebody made otherwise, all of them.
    """
    listed = list(objects.listed(manifests.PREFIX))
    known = manifests.manifest_key(window.at_least.number) if window.at_least else ""
    since = window.first_hour - window.grace_seconds - CLOCKS_DIFFER_SECONDS
    early = [number for number, one in enumerate(listed) if one.last_modified <= since]
    first = early[-1] if early and all(one.version_id is not None for one in listed) else 0
    yield from (one for number, one in enumerate(listed) if number >= first or one.key == known)


def needed_segments(objects: Objects, window: Window) -> Iterator[Listed]:
    """Those of the window's hours, and whatever lies among them."""
    first, last = window.keys
    yield from takewhile(lambda one: one.key <= last, objects.listed(segments.PREFIX, start_after=first))


def back_to_its_key(
    objects: Objects, read: Iterable[TrailObject], window: Window, key: PublicKey
) -> Iterator[TrailObject]:
    """The same; and where the key signed no manifest since the window's hours, those from the last that it signed.

    They lead from that key to the ones that signed since. Where it signed nothing at all, none is added.

    Args:
        objects: of the trail.
        read: those that are needed, by key.
        window: what they are needed for.
        key: one that signed any manifest.

    Raises:
        StoreUnavailable: the bucket does not answer.
    """
    known = window.at_least.number if window.at_least else 0
    numbers: set[int] = set()
    is_led = False
    for one in read:
        if number := manifests.manifest_number(one.key):
            is_apart = numbers == {known} and number > known + 1
            is_led = (is_led and not is_apart) or _has_signed(key, one.content)
            numbers.add(number)
        yield one
    if is_led or not numbers:
        return
    earlier = range(1, max(numbers))
    numbered = ((manifests.manifest_number(one.key), one) for one in objects.listed(manifests.PREFIX))
    before = [one for number, one in numbered if number in earlier and number not in numbers]
    backwards = enumerate(with_contents(objects, reversed(before), may_read=True), start=1)
    since = next((count for count, one in backwards if _has_signed(key, one.content)), 0)
    if since:
        yield from with_contents(objects, before[-since:], may_read=True)


def _has_signed(key: PublicKey, content: bytes) -> bool:
    try:
        statement, signature = manifests.split(content)
    except TrailUnreadable:
        return False
    return key.has_signed(sha256(statement).digest(), signature)


def with_contents(objects: Objects, listed: Iterable[Listed], *, may_read: bool = False) -> Iterator[TrailObject]:
    """The objects with their bytes, in the same order; the next ones are being read meanwhile.

    What is not of the trail is not read: its name tells enough. Neither is what no writer makes, for its size. One that
    cannot be read says why. Who is refused, and was given nothing else, is told so: it may be all of them.

    Args:
        objects: of the trail.
        listed: those that are wanted.
        may_read: whether others were given before.

    Raises:
        StoreUnavailable: the bucket does not answer, or refuses whatever is asked for.
    """
    held: list[TrailObject] = []
    refused: StoreDenied | None = None
    any_read = may_read
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
