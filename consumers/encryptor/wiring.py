"""What an encryptor is made of, built once per process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from consumers.encryptor.batch import Encryptor
from consumers.encryptor.quarantine import Quarantine
from consumers.encryptor.sealing import RecordSealer
from consumers.encryptor.writing import Writer
from shared.aws.audited import audit_log
from shared.aws.clients import client
from shared.aws.items import DynamoItemTable
from shared.aws.quarantine import S3Quarantine
from shared.aws.sealing_keys import SealingKeys
from shared.aws.shards import KinesisShards
from shared.keys.keyring import Keyring
from shared.runtime.audit_log import AuditLog
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import EncryptorSettings

_WRITES_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Wired:
    """The encryptor and what its batches are reported with."""

    encryptor: Encryptor
    keyring: Keyring
    audit_log: AuditLog


def wire(settings: EncryptorSettings) -> Wired:
    """Build the encryptor; nothing is sealed before the policy it seals under is published.

    Raises:
        PolicyError, StoreUnavailable: nothing was built; the invocation fails and is repeated.
    """
    quiet_libraries()
    return build(settings, SealingKeys.of(settings, audit_log()).publish_policy())


def build(settings: EncryptorSettings, keys: SealingKeys) -> Wired:
    """The same, of keys whose policy is published, or will be before anything is sealed."""
    dynamodb = client("dynamodb")
    keyring = keys.keyring()
    held = S3Quarantine(client("s3"), dynamodb, bucket=settings.quarantine_bucket, table=settings.quarantine_table)
    shards = KinesisShards(client("kinesis"))
    encryptor = Encryptor(
        policy=keys.policy,
        writer=Writer(DynamoItemTable(dynamodb, settings.table), RecordSealer(keys.policy, keyring)),
        quarantine=Quarantine(held, keyring, keys.policy.dataset, shards),
        prefetch=keyring.prefetch_active,
        pool=ThreadPoolExecutor(_WRITES_AT_ONCE, thread_name_prefix="write"),
        shards=shards,
    )
    return Wired(encryptor, keyring, keys.audit_log)
