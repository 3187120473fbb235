"""What the tenant API is made of, built once per process."""

from __future__ import annotations

import time
from typing import Final

from consumers.tenant_api.api import TenantApi
from consumers.tenant_api.caller import Caller
from consumers.tenant_api.keys import TenantKeys
from consumers.tenant_api.session import connect
from consumers.tenant_api.writing import ItemChanges
from shared.aws.audited import audit_log
from shared.aws.clients import hurried_client
from shared.aws.ensure_keys_function import EnsureKeysFunction
from shared.aws.tenant_sessions import TenantSessions
from shared.policy.load import load_policy
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import TenantApiSettings
from shared.runtime.time_left import TimeLeft

ENSURE_KEYS_SECONDS: Final = 20
"""As long as that function may take."""


def wire(settings: TenantApiSettings) -> TenantApi:
    """Build it; the process's own credentials assume the tenants' roles and invoke ensure-keys, and nothing else.

    Raises:
        PolicyError: the policy does not load.
    """
    quiet_libraries()
    policy = load_policy(settings.policy_file)
    time_left = TimeLeft()
    sts = hurried_client("sts", time_left.demand)
    sessions = TenantSessions(sts, build=lambda clients: connect(clients, settings, policy), demand=time_left.demand)
    invoker = hurried_client("lambda", time_left.demand, attempts=1, read_timeout_seconds=ENSURE_KEYS_SECONDS)
    ensure_keys = EnsureKeysFunction(invoker, settings.ensure_keys)

    def role_of(caller: Caller) -> str:
        return settings.tenant_role if caller.opens_all_classes else settings.limited_role

    return TenantApi(
        tenant_claim=settings.tenant_claim,
        session_of=lambda caller: sessions.of(caller.tenant_id, role_of(caller)),
        forget_session=lambda caller: sessions.forget(caller.tenant_id, role_of(caller)),
        changes=ItemChanges(policy, TenantKeys(ensure_keys.ensure), time.time_ns),
        audit_log=audit_log(),
        wall=time.time,
        time_left=time_left,
    )
