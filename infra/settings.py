"""What a deployment may choose, read from the CDK context."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from constructs import IConstruct

ROOT = Path(__file__).resolve().parents[1]
POLICY_FILE = ROOT / "policy.toml"

MIN_HOURS = 24
MAX_HOURS = 365 * 24
"""How long Kinesis can keep records."""
_DEFAULTS = {"prefix": "sealstream", "local": "false", "retention_hours": str(7 * 24)}
_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
_HOURS = re.compile(r"[0-9]{1,4}")


class ContextError(ValueError):
    """A context value that cannot be deployed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A deployment's choices.

    Attributes:
        prefix: begins the names of roles, functions, alias and stacks; two prefixes are two deployments in one account.
        local: for the local AWS. Changes only what dies with the stacks, the asset's platform and the batch windows.
        dataset: of policy.toml; the attribute key serves this one dataset and no other.
        retention_hours: how long the source stream keeps records, 24 to 8,760.
    """

    prefix: str
    local: bool
    dataset: str
    retention_hours: int

    @classmethod
    def from_context(cls, scope: IConstruct) -> Settings:
        """The settings of this synthesis; a value that cannot be deployed ends it."""
        given = {name: scope.node.try_get_context(name) for name in ("prefix", "local", "retention_hours")}
        # the command line gives text, cdk.json what JSON says; only what is absent has a default
        prefix, local, retention_hours = (
            _DEFAULTS[name] if value is None else str(value) for name, value in given.items()
        )
        if not _PREFIX.fullmatch(prefix):
            message = f"context prefix: {prefix!r} is not 2 to 32 of a-z, 0-9 and -, beginning with a letter"
            raise ContextError(message)
        if local.lower() not in {"true", "false"}:
            message = f"context local: {local!r} is neither true nor false"
            raise ContextError(message)
        if not (_HOURS.fullmatch(retention_hours) and MIN_HOURS <= int(retention_hours) <= MAX_HOURS):
            message = f"context retention_hours: {retention_hours!r} is no whole number of {MIN_HOURS} to {MAX_HOURS}"
            raise ContextError(message)
        return cls(
            prefix=prefix,
            local=local.lower() == "true",
            dataset=tomllib.loads(POLICY_FILE.read_text(encoding="utf-8"))["dataset"],
            retention_hours=int(retention_hours),
        )

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """Data and keys outlive their stack, but on the local AWS; a first deployment that fails leaves nothing."""
        return cdk.RemovalPolicy.DESTROY if self.local else cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE

    @property
    def protected(self) -> bool:
        """Whether tables, and the stacks that hold keys or data, refuse to be deleted."""
        return not self.local

    @property
    def batch_window(self) -> cdk.Duration:
        """How long an event source mapping gathers a batch: a second halves the invocations of a quiet stream."""
        return cdk.Duration.seconds(0 if self.local else 1)

    def stack_name(self, part: str) -> str:
        """`sealstream` and `Keys` give `SealstreamKeys`."""
        return f"{self.prefix[0].upper()}{self.prefix[1:]}{part}"

    def name_of(self, part: str) -> str:
        """The name of a role or function of this deployment.

        Deterministic, so that the key policy can name a role that a later stack makes.
        """
        return f"{self.prefix}-{part}"
