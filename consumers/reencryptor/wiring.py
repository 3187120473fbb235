"""What a re-encryptor is made of, built once per process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from consumers.reencryptor.batch import FindingsConsumer
from shared.aws.audited import audit_log
from shared.aws.clients import client
from shared.aws.item_reader import DynamoItemReader
from shared.aws.item_updates import DynamoItemUpdates
from shared.aws.key_store import DynamoKeyStatusReader
from shared.aws.reopener_function import ReopenerFunction
from shared.aws.sealing_keys import SealingKeys
from shared.keys.keyring import Keyring
from shared.reencrypt.reencryptor import Reencryptor
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
    keys = SealingKeys.of(settings, audit_log()).publish_policy()
    keyring = keys.keyring(opens_retired=True)
    dynamodb = client("dynamodb")
    reencryptor = Reencryptor(
        policy=keys.policy,
        keyring=keyring,
        statuses=DynamoKeyStatusReader(dynamodb, settings.key_store),
        updates=DynamoItemUpdates(dynamodb, settings.table),
        reopen=ReopenerFunction(client("lambda"), settings.reopener).reopen,
        pool=ThreadPoolExecutor(_MENDS_AT_ONCE, thread_name_prefix="mend"),
    )
    return Wired(FindingsConsumer(DynamoItemReader(dynamodb, settings.table), reencryptor), keyring)
