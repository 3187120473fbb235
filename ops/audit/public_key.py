"""The key that the trail is verified with: from a file, or, of a deployment, from KMS; never from the bucket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ops.audit.objects import Objects
from ops.environment import setting
from shared.errors import SettingsError, TrailUnreadable
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


def of_deployment(
    objects: Objects, manifest: str | None, keys: PublicKeys, environment: Mapping[str, str] = os.environ
) -> PublicKey:
    """Of the deployment's signing keys the one that a manifest (its key) names, or the newest where it names none.

    Each of them proves as much: the bucket only says which one's turn it was. The others are not asked for: a key that
    handed over may be disabled.

    Raises:
        StoreUnavailable: the bucket does not answer.
        RetryLater: KMS does not.
        SettingsError: the environment does not name the keys.
    """
    arns = setting("NOTARY_KEYS", environment).split(",")
    named = _named_by(objects.read(manifest)) if manifest else ""
    return keys.public_key(named if named in arns else arns[-1])


def signs_now(objects: Objects, keys: PublicKeys, environment: Mapping[str, str] = os.environ) -> PublicKey:
    """That of the last manifest; raises as `of_deployment`."""
    number = last_number(lambda known: _any_after(objects, known))
    return of_deployment(objects, manifest_key(number) if number else None, keys, environment)


def _named_by(content: bytes) -> str:
    try:
        return Manifest.from_statement(split(content)[0]).signing_key.arn
    except TrailUnreadable:
        return ""


def _any_after(objects: Objects, number: int) -> bool:
    return any(manifest_number(one.key) for one in objects.listed(PREFIX, start_after=manifest_key(number)))
