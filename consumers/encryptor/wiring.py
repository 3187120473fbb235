"""What an encryptor is made of, built once per process."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from consumers.encryptor.batch import Encryptor
from consumers.encryptor.quarantine import Quarantine
from consumers.encryptor.sealing import RecordSealer
from consumers.encryptor.writing import Writer
from shared.aws.clients import client
from shared.aws.items import DynamoItemTable
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.quarantine import S3Quarantine
from shared.aws.shards import KinesisShards
from shared.keys.keyring import Keyring
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.key_events import report_created_key
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
    audit_log = AuditLog()
    policy = load_policy(settings.policy_file)
    dynamodb = client("dynamodb")
    key_store = DynamoKeyStore(dynamodb, settings.key_store)
    key_store.publish_policy(policy.digest, policy.source, time.time())
    keyring = Keyring(
        store=key_store,
        service=KmsKeyService(client("kms"), settings.attribute_keys.present),
        dataset=policy.dataset,
        trusted_kms_key_arns=settings.attribute_keys.trusted,
        max_age_seconds=settings.attribute_keys.max_age_seconds,
        on_created=lambda row: report_created_key(row, audit_log),
    )
    writer = Writer(DynamoItemTable(dynamodb, settings.table), RecordSealer(policy, keyring))
    held = S3Quarantine(client("s3"), dynamodb, bucket=settings.quarantine_bucket, table=settings.quarantine_table)
    encryptor = Encryptor(
        policy=policy,
        writer=writer,
        quarantine=Quarantine(held, keyring, policy.dataset),
        prefetch=keyring.prefetch_active,
        pool=ThreadPoolExecutor(_WRITES_AT_ONCE, thread_name_prefix="write"),
        shards=KinesisShards(client("kinesis")),
    )
    return Wired(encryptor, keyring, audit_log)
