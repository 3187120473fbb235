"""The settings of each consumer, read from the environment once, when its Lambda starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.errors import SettingsError
from shared.keys.age import MAX_AGE_SECONDS

POLICY_FILE: Final = Path(__file__).resolve().parents[2] / "policy.toml"
"""At the root of the checkout, and at the root of every Lambda asset."""
MAX_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class AttributeKeys:
    """The KMS keys that wrap data keys, and how long an unwrapped data key is used.

    Attributes:
        present: ARN of the one that wraps now.
        former: ARNs of those that still may have wrapped some.
        max_age_seconds: shorter than the barrier counts on, never longer.
    """

    present: str
    former: frozenset[str] = frozenset()
    max_age_seconds: float = MAX_AGE_SECONDS

    @property
    def trusted(self) -> frozenset[str]:
        """All of them: a row that names another never gets to KMS."""
        return self.former | {self.present}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> AttributeKeys:
        """Read `SEALSTREAM_ATTRIBUTE_KEY`, and, where they are set, `…_FORMER_ATTRIBUTE_KEYS`, `…_KEY_AGE_SECONDS`."""
        former = environ.get("SEALSTREAM_FORMER_ATTRIBUTE_KEYS", "").split(",")
        return cls(
            present=_key_arn("SEALSTREAM_ATTRIBUTE_KEY", _required(environ, "SEALSTREAM_ATTRIBUTE_KEY")),
            former=frozenset(
                _key_arn("SEALSTREAM_FORMER_ATTRIBUTE_KEYS", arn.strip()) for arn in former if arn.strip()
            ),
            max_age_seconds=_key_age(environ),
        )


@dataclass(frozen=True, slots=True)
class TrailSettings:
    """Where every function keeps its audit events.

    Attributes:
        bucket: of the audit trail.
        stage: whose events they are; the one that the function's rights name.
        logs_every_event: whether the function's log gets verified writes too.
    """

    bucket: str
    stage: str
    logs_every_event: bool

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> TrailSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            bucket=_required(environ, "SEALSTREAM_AUDIT_BUCKET"),
            stage=_required(environ, "SEALSTREAM_STAGE"),
            logs_every_event=environ.get("SEALSTREAM_LOG_EVERY_EVENT", "").strip() == "true",
        )


@dataclass(frozen=True, slots=True)
class LandingIngestSettings:
    """Names of what the landing ingest works with.

    Attributes:
        stream: name of the source stream.
        progress_table: how far each object is.
        queue: URL of the landing queue, as `dead_letters` of its dead letters.
        max_age_seconds: how old an object may be and still be read.
    """

    bucket: str
    stream: str
    progress_table: str
    queue: str
    dead_letters: str
    max_age_seconds: float
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> LandingIngestSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            bucket=_required(environ, "SEALSTREAM_LANDING_BUCKET"),
            stream=_required(environ, "SEALSTREAM_STREAM"),
            progress_table=_required(environ, "SEALSTREAM_LANDING_RUNS"),
            queue=_required(environ, "SEALSTREAM_LANDING_QUEUE"),
            dead_letters=_required(environ, "SEALSTREAM_LANDING_DEAD_LETTER_QUEUE"),
            max_age_seconds=_days(environ, "SEALSTREAM_LANDING_MAX_AGE_DAYS") * 86_400.0,
        )


@dataclass(frozen=True, slots=True)
class EncryptorSettings:
    """Names of what the encryptor works with."""

    table: str
    key_store: str
    attribute_keys: AttributeKeys
    quarantine_bucket: str
    quarantine_table: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> EncryptorSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            table=_required(environ, "SEALSTREAM_TABLE"),
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            attribute_keys=AttributeKeys.from_environment(environ),
            quarantine_bucket=_required(environ, "SEALSTREAM_QUARANTINE_BUCKET"),
            quarantine_table=_required(environ, "SEALSTREAM_QUARANTINE_TABLE"),
        )


@dataclass(frozen=True, slots=True)
class RedriverSettings:
    """What the encryptor works with, and the stream that is read again.

    Attributes:
        stream: ARN of the source stream.
    """

    encryptor: EncryptorSettings
    stream: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> RedriverSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            encryptor=EncryptorSettings.from_environment(environ),
            stream=_required(environ, "SEALSTREAM_STREAM_ARN"),
        )


@dataclass(frozen=True, slots=True)
class AuditorSettings:
    """Names of what the auditor works with; it reads the items from their stream, so it needs no table's name.

    Attributes:
        findings_queue: URL of the queue of items to look at again.
    """

    key_store: str
    findings_queue: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> AuditorSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            findings_queue=_required(environ, "SEALSTREAM_FINDINGS_QUEUE"),
        )


@dataclass(frozen=True, slots=True)
class ReauditorSettings:
    """Names of what the reauditor works with: the auditor's, and the stream that it reads again.

    Attributes:
        table_stream: ARN of the items table's stream.
    """

    auditor: AuditorSettings
    table_stream: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ReauditorSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            auditor=AuditorSettings.from_environment(environ),
            table_stream=_required(environ, "SEALSTREAM_TABLE_STREAM"),
        )


@dataclass(frozen=True, slots=True)
class ReconcilerSettings:
    """Names of what the reconciler works with: the auditor's, the items table, and the table of runs."""

    auditor: AuditorSettings
    table: str
    runs: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ReconcilerSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            auditor=AuditorSettings.from_environment(environ),
            table=_required(environ, "SEALSTREAM_TABLE"),
            runs=_required(environ, "SEALSTREAM_RUNS"),
        )


@dataclass(frozen=True, slots=True)
class ReencryptorSettings:
    """Names of what the re-encryptor works with.

    Attributes:
        reopener: the function that reopens retired data keys.
    """

    table: str
    key_store: str
    attribute_keys: AttributeKeys
    reopener: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ReencryptorSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            table=_required(environ, "SEALSTREAM_TABLE"),
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            attribute_keys=AttributeKeys.from_environment(environ),
            reopener=_required(environ, "SEALSTREAM_REOPENER"),
        )


@dataclass(frozen=True, slots=True)
class SweeperSettings:
    """Names of what the sweeper works with.

    Attributes:
        runs: the table of runs.
        reopener: the function that reopens retired data keys.
    """

    table: str
    key_store: str
    attribute_keys: AttributeKeys
    runs: str
    quarantine_bucket: str
    reopener: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> SweeperSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            table=_required(environ, "SEALSTREAM_TABLE"),
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            attribute_keys=AttributeKeys.from_environment(environ),
            runs=_required(environ, "SEALSTREAM_RUNS"),
            quarantine_bucket=_required(environ, "SEALSTREAM_QUARANTINE_BUCKET"),
            reopener=_required(environ, "SEALSTREAM_REOPENER"),
        )


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """Names of what rotation works with.

    Attributes:
        table: of the items, of which it reads the size and the backups only.
        runs: the table of runs.
        quarantine_table: the quarantine's index, of which it counts what waits.
    """

    table: str
    key_store: str
    attribute_keys: AttributeKeys
    runs: str
    quarantine_table: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> RotationSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            table=_required(environ, "SEALSTREAM_TABLE"),
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            attribute_keys=AttributeKeys.from_environment(environ),
            runs=_required(environ, "SEALSTREAM_RUNS"),
            quarantine_table=_required(environ, "SEALSTREAM_QUARANTINE_TABLE"),
        )


@dataclass(frozen=True, slots=True)
class NotarySettings:
    """Names of what the notary works with.

    Attributes:
        bucket: of the audit trail.
        keys: ARNs of the keys that sign, or signed once; the oldest first.
        runs: the table in which a row says how far the trail goes.
    """

    bucket: str
    keys: tuple[str, ...]
    runs: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> NotarySettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        arns = _required(environ, "SEALSTREAM_NOTARY_KEYS").split(",")
        return cls(
            bucket=_required(environ, "SEALSTREAM_AUDIT_BUCKET"),
            keys=tuple(_key_arn("SEALSTREAM_NOTARY_KEYS", arn.strip()) for arn in arns),
            runs=_required(environ, "SEALSTREAM_RUNS"),
        )


@dataclass(frozen=True, slots=True)
class EnsureKeysSettings:
    """Names of what ensure-keys works with."""

    key_store: str
    attribute_keys: AttributeKeys
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> EnsureKeysSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            attribute_keys=AttributeKeys.from_environment(environ),
        )


@dataclass(frozen=True, slots=True)
class ReopenerSettings:
    """The name of what the reopener works with."""

    key_store: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ReopenerSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(key_store=_required(environ, "SEALSTREAM_KEY_STORE"))


@dataclass(frozen=True, slots=True)
class TenantApiSettings:
    """Names of what the tenant API works with.

    Attributes:
        tenant_role: ARN of the role whose sessions may open every data class of their tenant.
        limited_role: ARN of the one whose sessions may open a few.
        ensure_keys: the function that makes a tenant's first data keys.
        tenant_claim: the claim of a token that says whose tenant's it is.
    """

    table: str
    key_store: str
    attribute_keys: AttributeKeys
    tenant_role: str
    limited_role: str
    ensure_keys: str
    tenant_claim: str
    policy_file: Path = POLICY_FILE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> TenantApiSettings:
        """Read the `SEALSTREAM_*` variables; raises SettingsError with the name of the one that is missing."""
        return cls(
            table=_required(environ, "SEALSTREAM_TABLE"),
            key_store=_required(environ, "SEALSTREAM_KEY_STORE"),
            attribute_keys=AttributeKeys.from_environment(environ),
            tenant_role=_required(environ, "SEALSTREAM_TENANT_ROLE"),
            limited_role=_required(environ, "SEALSTREAM_TENANT_LIMITED_ROLE"),
            ensure_keys=_required(environ, "SEALSTREAM_ENSURE_KEYS"),
            tenant_claim=environ.get("SEALSTREAM_TENANT_CLAIM", "").strip() or "tenant_id",
        )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"environment variable {name} is missing or empty")
    return value


def _days(environ: Mapping[str, str], name: str) -> int:
    value = _required(environ, name)
    if not (value.isascii() and value.isdecimal()) or not 1 <= int(value) <= MAX_DAYS:
        raise SettingsError(f"environment variable {name} must be a whole number of 1 to {MAX_DAYS}")
    return int(value)


def _key_arn(name: str, value: str) -> str:
    # an alias could be pointed at another key without a deployment, and key policies do not see it
    if not value.startswith("arn:") or ":kms:" not in value or ":key/" not in value:
        raise SettingsError(f"environment variable {name} must be the ARN of a KMS key (arn:…:kms:…:key/…)")
    return value


def _key_age(environ: Mapping[str, str]) -> float:
    # the census that retires a key waits for as long as it may be in use: a longer age would falsify it
    name = "SEALSTREAM_KEY_AGE_SECONDS"
    value = environ.get(name, "").strip()
    if not value:
        return MAX_AGE_SECONDS
    if not (value.isascii() and value.isdecimal()) or not 1 <= int(value) <= MAX_AGE_SECONDS:
        raise SettingsError(f"environment variable {name} must be a whole number of 1 to {MAX_AGE_SECONDS:.0f}")
    return float(value)
