"""What a tenant's name and an item's id must look like, whatever door they come through."""

from __future__ import annotations

import re
from typing import Final, TypeGuard

from shared.errors import Reason, RecordRejected

MAX_ID_BYTES: Final = 1_024
"""DynamoDB's limit of a sort key."""
_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_tenant_id(value: object) -> TypeGuard[str]:
    """Whether a tenant can have this name."""
    return isinstance(value, str) and _TENANT.fullmatch(value) is not None


def check_tenant_id(value: object) -> str:
    """The tenant's name: it is partition key, session tag and encryption context, and never our own `_system`.

    Raises:
        RecordRejected: tenant_invalid.
    """
    if not is_tenant_id(value):
        raise RecordRejected(Reason.TENANT_INVALID, f"the tenant is no string of the form {_TENANT.pattern}")
    return value


def check_item_id(value: object) -> str:
    """The item's id, the sort key.

    Raises:
        RecordRejected: id_invalid.
    """
    if not isinstance(value, str) or not 0 < len(value.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES:
        raise RecordRejected(Reason.ID_INVALID, f"the id is no string of 1 to {MAX_ID_BYTES} bytes")
    return value
