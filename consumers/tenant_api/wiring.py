"""What the tenant API is made of, built once per process."""

from __future__ import annotations

import time

from consumers.tenant_api.api import TenantApi
from consumers.tenant_api.caller import Caller
from consumers.tenant_api.keys import TenantKeys
from consumers.tenant_api.session import TenantSession, connect
from consumers.tenant_api.writing import ItemChanges
from shared.aws.clients import client
from shared.aws.ensure_keys_function import EnsureKeysFunction
from shared.aws.tenant_sessions import TenantSessions
from shared.policy.load import load_policy
from shared.runtime.audit_log import AuditLog
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import TenantApiSettings


def wire(settings: TenantApiSettings) -> TenantApi:
    """Build it; the process's own credentials assume the tenants' roles and invoke ensure-keys, and nothing else.

    Raises:
        PolicyError: the policy does not load.
    """
    quiet_libraries()
    policy = load_policy(settings.policy_file)
    sessions = TenantSessions(client("sts"), build=lambda clients: connect(clients, settings, policy))
    ensure_keys = EnsureKeysFunction(client("lambda"), settings.ensure_keys)

    def session_of(caller: Caller) -> TenantSession:
        role = settings.tenant_role if caller.opens_all_classes else settings.limited_role
        return sessions.of(caller.tenant_id, role)

    return TenantApi(
        tenant_claim=settings.tenant_claim,
        session_of=session_of,
        changes=ItemChanges(policy, TenantKeys(ensure_keys.ensure), time.time_ns),
        audit_log=AuditLog(),
        wall=time.time,
    )
