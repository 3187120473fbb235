"""The settings of each consumer, read from the environment once, when its Lambda starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import SettingsError

POLICY_FILE: Final = Path(__file__).resolve().parents[2] / "policy.toml"
"""At the root of the checkout, and at the root of every Lambda asset."""


@dataclass(frozen=True, slots=True)
class EncryptorSettings:
    """Names of what the encryptor works with.

    Attributes:
        attribute_key: ARN of the KMS key that wraps data keys.
    """

    table: str
    key_store: str
    attribute_key: str
    quarantine_bucket: str
    quarantine_table: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> EncryptorSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            table=_required(environ, "SEALSTREAM_TABLE"),
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            attribute_key=_key_arn(environ, "SEALSTREAM_ATTRIBUTE_KEY"),
            quarantine_bucket=_required(environ, "SEALSTREAM_QUARANTINE_BUCKET"),
            quarantine_table=_required(environ, "SEALSTREAM_QUARANTINE_TABLE"),
        )


@dataclass(frozen=True, slots=True)
class AuditorSettings:
    """Names of what the auditor works with; it reads the items from their stream, so it needs no table's name."""

    key_store: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> AuditorSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(key_store=_required(environ, "SEALSTREAM_KEY_STORE"))


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"environment variable {name} is missing or empty")
    return value


def _key_arn(environ: Mapping[str, str], name: str) -> str:
    # an alias could be pointed at another key without a deployment, and key policies do not see it
    value = _required(environ, name)
    if not value.startswith("arn:") or ":kms:" not in value or ":key/" not in value:
        raise SettingsError(f"environment variable {name} must be the ARN of a KMS key (arn:…:kms:…:key/…)")
    return value
