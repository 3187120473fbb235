"""What the rotation function is made of, built once per process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from consumers.rotation.advance import Advancer
from consumers.rotation.begin import Beginner
from consumers.rotation.ending import Ending
from consumers.rotation.known import HeldCount, Known
from consumers.rotation.look import Looker
from consumers.rotation.options import is_loopback, read_run_id
from consumers.rotation.pages import Pages
from consumers.rotation.prepare import Preparation
from consumers.rotation.report import Report
from shared.aws.audited import audit_log
from shared.aws.backups import DynamoItemsHistory
from shared.aws.clients import client
from shared.aws.held_count import DynamoHeldCount
from shared.aws.key_store_admin import DynamoKeyStoreAdmin
from shared.aws.kms_wrapping import KmsWrappingService
from shared.aws.runs import DynamoRunStore
from shared.errors import RunRefused
from shared.keys.key_id import random_key_id
from shared.keys.rotation.counting import CountedWrapping
from shared.keys.rotation.ending import KeyEnder
from shared.keys.rotation.ports import ItemsHistory, RotatingKeyStore, WrappingService
from shared.keys.rotation.renewal import KeyRenewer
from shared.policy.compiled import Policy
from shared.policy.load import load_policy
from shared.runs.ports import RunStore
from shared.runtime.audit_log import AuditLog
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import AttributeKeys, RotationSettings

_KEYS_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Rotation:
    """The four operations.

    Attributes:
        asked: tells what KMS made of the questions since the last time.
    """

    beginner: Beginner
    advancer: Advancer
    looker: Looker
    asked: Callable[[], None]

    def run(self, event: Mapping[str, Any], seconds_left: Callable[[], float]) -> dict[str, Any]:
        """Do what the event's `operation` says.

        Raises:
            RunRefused: there is no such operation, or it cannot be done as asked.
            RetryLater: the same call may succeed later.
        """
        match event.get("operation"):
            case "begin":
                return self.beginner.begin(event)
            case "advance":
                try:
                    return self.advancer.advance(read_run_id(event), seconds_left)
                finally:
                    self.asked()
            case "cancel":
                return self.advancer.cancel(read_run_id(event))
            case "look":
                return self.looker.look()
        raise RunRefused("the operation is one of: begin, advance, cancel, look")


def wire(settings: RotationSettings, environ: Mapping[str, str]) -> Rotation:
    """Build rotation on AWS."""
    quiet_libraries()
    dynamodb = client("dynamodb")
    return compose(
        runs=DynamoRunStore(dynamodb, settings.runs),
        store=DynamoKeyStoreAdmin(dynamodb, settings.key_store),
        service=KmsWrappingService(client("kms"), settings.attribute_keys.present),
        history=DynamoItemsHistory(dynamodb, client("backup"), settings.table),
        held=DynamoHeldCount(dynamodb, settings.quarantine_table),
        policy=load_policy(settings.policy_file),
        attribute_keys=settings.attribute_keys,
        audit_log=audit_log(),
        pool=ThreadPoolExecutor(_KEYS_AT_ONCE, thread_name_prefix="key"),
        is_local=is_loopback(environ.get("AWS_ENDPOINT_URL", "")),
    )


def compose(
    *,
    runs: RunStore,
    store: RotatingKeyStore,
    service: WrappingService,
    history: ItemsHistory,
    held: HeldCount,
    policy: Policy,
    attribute_keys: AttributeKeys,
    audit_log: AuditLog,
    pool: Executor,
    is_local: bool,
    wall: Callable[[], float] = time.time,
    new_key_id: Callable[[], int] = random_key_id,
) -> Rotation:
    """Put rotation together from its ports."""
    report = Report(audit_log)
    counted = CountedWrapping(service)
    pages = Pages(runs, store, report.counted, audit_log.flush)
    renewer = KeyRenewer(
        store=store,
        service=counted,
        dataset=policy.dataset,
        classes=policy.classes,
        attribute_key=attribute_keys.present,
        trusted=attribute_keys.trusted,
        new_key_id=new_key_id,
        wall=wall,
    )
    preparation = Preparation(pages, renewer, report, pool, wall)
    return Rotation(
        Beginner(runs, store, history, policy, report, is_local, wall),
        Advancer(pages, preparation, Ending(pages, KeyEnder(store, wall), history, report, wall), report, wall),
        Looker(runs, Known(runs, held), wall),
        lambda: report.asked(counted.tally.take(), at=wall()),
    )
