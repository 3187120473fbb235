"""Entry point of the reopener Lambda: wire, call, answer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from consumers.reopener.reopen import Reopener
from shared.aws.audited import audit_log, audited
from shared.aws.clients import client
from shared.aws.key_store_admin import DynamoKeyStoreAdmin
from shared.keys.rotation.ending import KeyEnder
from shared.runtime.batch import Context, whole_batch
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import ReopenerSettings


@cache
def _reopener() -> Reopener:
    quiet_libraries()
    settings = ReopenerSettings.from_environment(os.environ)
    store = DynamoKeyStoreAdmin(client("dynamodb"), settings.key_store)
    return Reopener(KeyEnder(store, time.time), audit_log())


@audited
def handler(event: Mapping[str, Any], _context: Context) -> dict[str, Any]:
    """Reopen the data key that the event names."""
    return whole_batch(lambda: _reopener().reopen(event))
