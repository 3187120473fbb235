"""The trail as it is asked for: where it lies, with which key it is verified, and up to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Final

from ops.audit.at_least import with_noted_end
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
        SealstreamError: a name is missing, or the key that was given is none.
    """
    objects = objects_of(asked.folder)
    return Trail(objects, _proof(objects, asked, now, up_to_now=up_to_now))


def _proof(objects: Objects, asked: Asked, now: float, *, up_to_now: bool) -> Proof:
    """Of a copy, whose list is in memory anyway, all is verified at once."""
    try:
        key, _ = key_of(objects, asked)
        window, findings = window_read(asked, now)
    except SealstreamError as error:
        if asked.public_key is not None:
            raise
        return NotVerified(str(error))
    written_until = now if up_to_now or asked.until is None else asked.until + WRITTEN_WITHIN_SECONDS
    window = replace(window, until=written_until if written_until < now else None)
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


def window_read(asked: Asked, now: float) -> tuple[Window, Sequence[TrailFinding]]:
    """What has to be verified for events that happened then: all segments that may tell of them, up to now.

    And what is wrong with the row that notes how far the trail goes: the objects are verified all the same.

    Raises:
        SealstreamError: the period, or what is known of the end, cannot be had.
    """
    since = max(0.0, (asked.since or 0.0) - READ_WITHIN_SECONDS - CLOCKS_DIFFER_SECONDS)
    window = replace(window_of(replace(asked, since=since), now=now), until=None)
    if asked.folder is not None:
        return window, ()
    try:
        return with_noted_end(window), ()
    except TrailBroken as error:
        return window, (TrailFinding(Tampering.UNREADABLE, _ROW, str(error)),)
