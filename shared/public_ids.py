"""An item's keys as logs and audit events may show them.

The policy says that keys are always plain, so they are shown; but not where they look sensitive all the same.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from shared.identity import is_tenant_id
from shared.model import SYSTEM_TENANT
from shared.policy.sensitive import scan_text

_DIGEST_HEX_DIGITS: Final = 4


def public_tenant(tenant_id: str) -> str:
    """The tenant; a short digest where no policy allows such a tenant, or it looks sensitive."""
    return public_item_id(tenant_id) if is_tenant_id(tenant_id) else _digest(tenant_id)


def public_owner(tenant_id: str) -> str:
    """Whose a data key is: the tenant as it may be shown, or the system's own."""
    return tenant_id if tenant_id == SYSTEM_TENANT else public_tenant(tenant_id)


def public_item_id(item_id: str) -> str:
    """The item's id; a short digest where it looks sensitive."""
    return _digest(item_id) if scan_text(item_id) else item_id


def _digest(key: str) -> str:
    """Enough to find the item again among a tenant's, too little to try all card numbers against it."""
    return f"sha256:{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGEST_HEX_DIGITS]}"
