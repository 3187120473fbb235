"""An item's keys as logs and audit events may show them.

The policy says that keys are always plain, so they are shown; but not where they look sensitive all the same: to what
every bundle can detect and, where the policy's own detectors are at hand, to these too.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from shared.identity import is_tenant_id
from shared.model import SYSTEM_TENANT
from shared.policy.compiled import Policy
from shared.policy.detect.names import WITHOUT_LIBRARY
from shared.policy.detect.scanner import Scanner, scanner

_DIGEST_HEX_DIGITS: Final = 4
_SIGN: Final = "sha256:"
_WITHHELD: Final = re.compile(rf"{_SIGN}[0-9a-f]{{{_DIGEST_HEX_DIGITS}}}")
_EVERYWHERE: Final = scanner(WITHOUT_LIBRARY)


def scanner_of_keys(policy: Policy) -> Scanner:
    """What the auditor looks for in keys before it shows them."""
    return scanner(WITHOUT_LIBRARY | policy.detect).at(f"{policy.item.tenant} {policy.item.id}")


def public_tenant(tenant_id: str, scan: Scanner = _EVERYWHERE) -> str:
    """The tenant; a short digest where no policy allows such a tenant, or it looks sensitive."""
    return public_item_id(tenant_id, scan) if is_tenant_id(tenant_id) else withheld(tenant_id)


def public_owner(tenant_id: str) -> str:
    """Whose a data key is: the tenant as it may be shown, or the system's own."""
    return tenant_id if tenant_id == SYSTEM_TENANT else public_tenant(tenant_id)


def public_item_id(item_id: str, scan: Scanner = _EVERYWHERE) -> str:
    """The item's id; a short digest where it looks sensitive, or like such a digest, which would be another's."""
    return withheld(item_id) if item_id.startswith(_SIGN) or scan.text(item_id) else item_id


def is_withheld(shown: str) -> bool:
    """Whether this, as it is shown, stands for a key that is not: then for others, too."""
    return _WITHHELD.fullmatch(shown) is not None


def withheld(key: str) -> str:
    """What stands for a key that is not shown.

    It is enough to look for an item among a tenant's, too little to try all card numbers against it. So some are shown
    alike: any two once in 65,536 times.
    """
    return f"{_SIGN}{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGEST_HEX_DIGITS]}"
