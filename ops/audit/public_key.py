"""The key that the trail is verified with: from a file, or, of a deployment, from KMS; never from the bucket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ops.audit.objects import Objects
from ops.environment import setting
from shared.errors import ObjectUnreadable, SettingsError, StoreDenied, TrailUnreadable
from shared.trail.latest import last_number
from shared.trail.manifest import PREFIX, Manifest, manifest_key, manifest_number, split
from shared.trail.public_key import PublicKey


class PublicKeys(Protocol):
    """Where the public half of a key is asked for."""

    def public_key(self, arn: str) -> PublicKey:
        """That of the key with this ARN."""


def from_file(path: Path) -> PublicKey:
    """The key in a PEM file; raises TrailUnreadable, SettingsError."""
    try:
        return PublicKey.from_pem(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path} cannot be read as text") from None


def signs_now(objects: Objects, keys: PublicKeys, environment: Mapping[str, str] = os.environ) -> PublicKey:
    """Of the deployment's signing keys the one that the last manifest names, or the newest where it names none.

    Each of them proves as much: the bucket only says which one's turn it was. The others are not asked for: a key that
    handed over may be disabled.

    Raises:
        StoreUnavailable: the bucket does not answer.
        RetryLater: KMS does not.
        SettingsError: the environment does not name the keys.
    """
    arns = setting("NOTARY_KEYS", environment).split(",")
    number = last_number(lambda known: _any_after(objects, known))
    named = _named_by(objects, manifest_key(number)) if number else ""
    return keys.public_key(named if named in arns else arns[-1])


def _named_by(objects: Objects, key: str) -> str:
    """What the manifest with this key says that signed it; "" where it says nothing, or is not given to who asks.

    Whoever verifies is told that it is not as it was written.
    """
    try:
        listed = next(one for one in objects.listed(key) if one.key == key)
        return Manifest.from_statement(split(objects.read(key, listed.version_id))[0]).signing_key.arn
    except (StopIteration, ObjectUnreadable, StoreDenied, TrailUnreadable):
        return ""


def _any_after(objects: Objects, number: int) -> bool:
    return any(manifest_number(one.key) for one in objects.listed(PREFIX, start_after=manifest_key(number)))
