"""What a deployment may choose, read from the CDK context."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from constructs import IConstruct

from infra import api_settings, audit_settings
from infra.api_settings import ApiSettings
from infra.audit_settings import AuditSettings
from infra.context import ContextError, context_of
from infra.watch_settings import WatchSettings
from shared.policy.load import load_policy

ROOT = Path(__file__).resolve().parents[1]
POLICY_FILE = ROOT / "policy.toml"

MIN_HOURS = 24
MAX_HOURS = 365 * 24
"""How long Kinesis can keep records."""
TOMBSTONE_HOURS = 400 * 24
"""How long an item's deletion is remembered after the record that asked for it arrived."""
REDRIVE_HOURS = 365 * 24
"""How long after its arrival a record may be put back from quarantine."""
DEAD_LETTER_HOURS = 14 * 24
"""How long a dead letter, which names a record, waits for somebody to decide: the longest that SQS can."""
LANDING_LIVES = 2
"""An object is read for so many times as long as it stays once it was: until then its old versions are there, too."""
_DEFAULTS = {
    "prefix": "sealstream",
    "local": "false",
    "retention_hours": str(7 * 24),
    "attribute_keys": "1",
    "present_attribute_key": "",
    "landing_days": "7",
}
_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,25}[a-z0-9]")
"""A bucket's name has 63 characters: this, `-landing-`, an account and the longest name of a region."""
_HOURS = re.compile(r"[0-9]{1,4}")
_GENERATIONS = re.compile(r"[1-9]")
_DAYS = re.compile(r"[1-9][0-9]{0,2}")


@dataclass(frozen=True, slots=True)
class Settings:
    """A deployment's choices.

    Attributes:
        prefix: begins the names of roles, functions, alias and stacks; two prefixes are two deployments in one account.
        local: for the local AWS. Changes only what dies with the stacks, the asset's platform and where it lies, the
            batch windows and how long a finding is invisible.
        dataset: of policy.toml; the attribute key serves this one dataset and no other.
        retention_hours: how long the source stream keeps records, 24 to 8,760.
        attribute_keys: how many generations of the attribute key there are, 1 to 9; never fewer than once deployed.
        present_attribute_key: the generation that wraps data keys; the newest, where nothing else is said.
        landing_days: how long an object that was ingested stays in the landing bucket, and its old versions once more.
        audit: of the audit trail.
        watch: of alarms and the dashboard.
        api: of the tenant API; None where none is deployed.
    """

    prefix: str
    local: bool
    dataset: str
    retention_hours: int
    attribute_keys: int
    present_attribute_key: int
    landing_days: int
    audit: AuditSettings
    watch: WatchSettings
    api: ApiSettings | None

    @classmethod
    def from_context(cls, scope: IConstruct) -> Settings:
        """The settings of this synthesis; a value that cannot be deployed, or a policy that does not load, ends it."""
        context = context_of(scope, _DEFAULTS)
        prefix, local, retention_hours, attribute_keys, present_attribute_key, landing_days = context.values()
        if not _PREFIX.fullmatch(prefix):
            message = f"context prefix: {prefix!r} is not 2 to 27 of a-z, 0-9 and -, beginning with a letter"
            raise ContextError(message)
        if local.lower() not in {"true", "false"}:
            message = f"context local: {local!r} is neither true nor false"
            raise ContextError(message)
        if not (_HOURS.fullmatch(retention_hours) and MIN_HOURS <= int(retention_hours) <= MAX_HOURS):
            message = f"context retention_hours: {retention_hours!r} is no whole number of {MIN_HOURS} to {MAX_HOURS}"
            raise ContextError(message)
        if not _DAYS.fullmatch(landing_days):
            message = f"context landing_days: {landing_days!r} is no whole number of 1 to 999"
            raise ContextError(message)
        landed = LANDING_LIVES * int(landing_days) * 24
        comes_back = landed + max(int(retention_hours), REDRIVE_HOURS) + DEAD_LETTER_HOURS
        if comes_back >= TOMBSTONE_HOURS:
            message = f"a record can come back {comes_back} h after it arrived, its deletion is forgotten after"
            within = f"(of these {landed} h in the landing bucket: landing_days)"
            raise ContextError(f"{message} {TOMBSTONE_HOURS} h: the item would rise again {within}")
        if not _GENERATIONS.fullmatch(attribute_keys):
            message = f"context attribute_keys: {attribute_keys!r} is no whole number of 1 to 9"
            raise ContextError(message)
        present_attribute_key = present_attribute_key or attribute_keys
        if not (_GENERATIONS.fullmatch(present_attribute_key) and present_attribute_key <= attribute_keys):
            message = f"context present_attribute_key: {present_attribute_key!r} is none of the {attribute_keys}"
            raise ContextError(message)
        policy = load_policy(POLICY_FILE)
        is_local = local.lower() == "true"
        return cls(
            prefix=prefix,
            local=is_local,
            dataset=policy.dataset,
            retention_hours=int(retention_hours),
            attribute_keys=int(attribute_keys),
            present_attribute_key=int(present_attribute_key),
            landing_days=int(landing_days),
            audit=AuditSettings.of(context_of(scope, audit_settings.DEFAULTS), local=is_local),
            watch=WatchSettings.from_context(scope),
            api=ApiSettings.of(context_of(scope, api_settings.DEFAULTS), local=is_local, classes=policy.classes.keys()),
        )

    @property
    def landing_max_age_days(self) -> int:
        """How old an object may be and still be read."""
        return LANDING_LIVES * self.landing_days

    @property
    def landing_kept_days(self) -> int:
        """How long an old version stays that was not ingested: as long as it is read, and its dead letters lie."""
        return self.landing_max_age_days + DEAD_LETTER_HOURS // 24

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

    @property
    def key_age_seconds(self) -> int | None:
        """How long functions use a data key; None for as long as the barrier counts on, which nobody may exceed.

        Short on the local AWS, so that a barrier can be.
        """
        return 10 if self.local else None

    def invisible_for(self, timeout_seconds: int) -> cdk.Duration:
        """How long a message is hidden while a function with this timeout works on it: AWS advises six times that.

        On the local AWS as briefly as Lambda allows, since what failed is tried again only after it.
        """
        return cdk.Duration.seconds(timeout_seconds if self.local else 6 * timeout_seconds)

    def landing_bucket_name(self, stack: cdk.Stack) -> str:
        """Known before the bucket is made: its queue's policy and the storage key's name it."""
        return f"{self.name_of('landing')}-{stack.account}-{stack.region}"

    def stack_name(self, part: str) -> str:
        """`sealstream` and `Keys` give `SealstreamKeys`."""
        return f"{self.prefix[0].upper()}{self.prefix[1:]}{part}"

    def name_of(self, part: str) -> str:
        """The name of a role or function of this deployment.

        Deterministic, so that the key policy can name a role that a later stack makes.
        """
        return f"{self.prefix}-{part}"
