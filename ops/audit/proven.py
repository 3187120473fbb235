"""The trail as it is asked for: where it lies, with which key it is verified, and up to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Final

from ops.audit.at_least import with_noted_end
from ops.audit.folder import refuse_beyond
from ops.audit.objects import Objects, objects_of
from ops.audit.proof import HOURS_AT_ONCE, NotVerified, Proof, Verified
from ops.audit.public_key import from_file, signs_now
from ops.audit.reading import CLOCKS_DIFFER_SECONDS, READ_WITHIN_SECONDS, WRITTEN_WITHIN_SECONDS, Trail
from ops.audit.verify import Asked, window_of
from shared.aws.clients import client
from shared.aws.signing_keys import KmsSigningKeys
from shared.errors import SealstreamError, SettingsError, TrailBroken
from shared.trail.findings import Tampering, TrailFinding
from shared.trail.public_key import PublicKey
from shared.trail.verify import Window

_ROW: Final = "runs table, row trail/last"


def trail_of(asked: Asked, now: float, *, up_to_now: bool = False) -> Trail:
    """The events that are asked for, with what vouches for them.

    Args:
        asked: which copy or the deployment's bucket, with which key, from when to when.
        now: seconds since the epoch.
        up_to_now: whether what was written later than `asked.until` may tell of it is read too.

    Raises:
        SealstreamError: a name is missing, the key that was given is none, or a copy has not all that is asked for.
    """
    objects = objects_of(asked.folder)
    window = window_written(asked, now, up_to_now=up_to_now)
    refuse_beyond(asked.folder, window)
    return Trail(objects, _proof(objects, asked, window))


def _proof(objects: Objects, asked: Asked, window: Window) -> Proof:
    """Of a copy, whose list is in memory anyway, all is verified at once."""
    try:
        key, _ = key_of(objects, asked)
        window, findings = with_row(window, asked)
    except SealstreamError as error:
        if asked.public_key is not None:
            raise
        return NotVerified(str(error))
    proof = Verified(objects, key, window, hours_at_once=HOURS_AT_ONCE if asked.folder is None else inf)
    proof.findings |= dict.fromkeys(findings)
    return proof


def key_of(objects: Objects, asked: Asked) -> tuple[PublicKey, str]:
    """The key that the trail is verified with, and where it was had from, for people.

    Raises:
        SealstreamError: it cannot be had.
    """
    if asked.public_key is not None:
        return from_file(asked.public_key), f"given in {asked.public_key.name}"
    if asked.folder is not None:
        raise SettingsError("no public key was given: it has to be had from elsewhere than the bucket (--public-key)")
    return signs_now(objects, KmsSigningKeys(client("kms"))), "asked of KMS"


def window_written(asked: Asked, now: float, *, up_to_now: bool = False) -> Window:
    """The hours in which may have been written what happened then; or what came of it since, up to now.

    Raises:
        SealstreamError: the period is none, or a copy is not of its form.
    """
    since = None if asked.since is None else max(0.0, asked.since - READ_WITHIN_SECONDS - CLOCKS_DIFFER_SECONDS)
    until = inf if up_to_now or asked.until is None else asked.until + WRITTEN_WITHIN_SECONDS
    return replace(window_of(replace(asked, since=since), now=now), until=until if until < now else None)


def with_row(window: Window, asked: Asked) -> tuple[Window, Sequence[TrailFinding]]:
    """The window with the end that the deployment notes, and what is wrong with the row that notes it.

    The objects are verified all the same.

    Raises:
        StoreUnavailable: the row cannot be had.
    """
    if asked.folder is not None:
        return window, ()
    try:
        return with_noted_end(window), ()
    except TrailBroken as error:
        return window, (TrailFinding(Tampering.UNREADABLE, _ROW, str(error)),)
