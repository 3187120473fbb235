"""What the ensure-keys function is made of, built once per process."""

from __future__ import annotations

import time

from consumers.rotation.ensure.ensurer import KeyEnsurer
from consumers.rotation.ensure.report import count_made
from shared.aws.audited import audit_log
from shared.aws.clients import client
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms_wrapping import KmsWrappingService
from shared.keys.key_id import random_key_id
from shared.policy.load import load_policy
from shared.runtime.key_events import report_created_key
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import EnsureKeysSettings


def wire(settings: EnsureKeysSettings) -> KeyEnsurer:
    """Build it on AWS; no key is made before the policy that something will be sealed under is published.

    Raises:
        PolicyError, StoreUnavailable: nothing was built; the same call may succeed later.
    """
    quiet_libraries()
    policy = load_policy(settings.policy_file)
    store = DynamoKeyStore(client("dynamodb"), settings.key_store)
    store.publish_policy(policy.digest, policy.source, time.time())
    log = audit_log()
    return KeyEnsurer(
        store=store,
        service=KmsWrappingService(client("kms"), settings.attribute_keys.present),
        policy=policy,
        attribute_key=settings.attribute_keys.present,
        on_created=lambda row: report_created_key(row, log),
        on_made=count_made,
        new_key_id=random_key_id,
        wall=time.time,
    )
