"""What a re-encryptor is made of, built once per process."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from consumers.reencryptor.batch import FindingsConsumer
from shared.aws.clients import client
from shared.aws.item_reader import DynamoItemReader
from shared.aws.item_updates import DynamoItemUpdates
from shared.aws.key_store import DynamoKeyStatusReader, DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.aws.reopener_function import ReopenerFunction
from shared.keys.keyring import Keyring
from shared.policy.load import load_policy
from shared.reencrypt.reencryptor import Reencryptor
from shared.runtime.audit_log import AuditLog
from shared.runtime.key_events import report_created_key
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import ReencryptorSettings

_MENDS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Wired:
    """What works messages off, and the keyring whose counts its batches are reported with."""

    consumer: FindingsConsumer
    keyring: Keyring


def wire(settings: ReencryptorSettings) -> Wired:
    """Build the re-encryptor; nothing is sealed before the policy it seals under is published.

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
        opens_retired=True,
    )
    reencryptor = Reencryptor(
        policy=policy,
        keyring=keyring,
        statuses=DynamoKeyStatusReader(dynamodb, settings.key_store),
        updates=DynamoItemUpdates(dynamodb, settings.table),
        reopen=ReopenerFunction(client("lambda"), settings.reopener).reopen,
        pool=ThreadPoolExecutor(_MENDS_AT_ONCE, thread_name_prefix="mend"),
    )
    return Wired(FindingsConsumer(DynamoItemReader(dynamodb, settings.table), reencryptor), keyring)
