"""The session tag that says whose data a tenant session may touch, in the words of policies."""

from __future__ import annotations

from typing import Final

from infra.attribute_key import Conditions, all_of

TAG: Final = "TenantID"
TENANT: Final = f"${{aws:PrincipalTag/{TAG}}}"
"""Without the tag this has no value, and a statement that names it matches nothing."""
NOT_OUR_OWN: Final[Conditions] = {"StringNotLike": {f"aws:PrincipalTag/{TAG}": "_*"}}
"""`_system` is no tenant: under its name are the quarantine's data keys and the published policies."""

OWN_KEYS: Final = all_of({"StringEquals": {"kms:EncryptionContext:tenant_id": TENANT}}, NOT_OUR_OWN)
"""A data key of the tenant's."""
OWN_ROWS: Final = all_of(
    {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [TENANT]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
    NOT_OUR_OWN,
)
"""The tenant's rows alone; a request that names none, as a scan does, would pass `ForAllValues`: hence the `Null`."""
