"""Which role reaches whose data: what every role may do to whatever holds tenants' data; what is not granted is denied.

`test_isolation` puts each question of this matrix to a policy simulator, `test_isolation_matrix` of the integration
tests to the local AWS with a session of each role, and `isolation_page` writes it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

OWN_TENANT: Final = "acme"
"""The tenant of a tenant session: the value of its tag."""
OTHER_TENANT: Final = "globex"
OWN_CLASS: Final = "pii"
"""The data class that a limited session opens."""
OTHER_CLASS: Final = "restricted"
CLASSES: Final = (OWN_CLASS, OTHER_CLASS)


class By(Enum):
    """What a request tells apart: nothing, whose data it wants, or of which class too."""

    NOTHING = ((None, None),)
    TENANT = ((OWN_TENANT, None), (OTHER_TENANT, None))
    CLASS = (*((OWN_TENANT, name) for name in CLASSES), *((OTHER_TENANT, name) for name in CLASSES))


class Reach(StrEnum):
    """Which of the questions about one operation are answered with yes."""

    ALL = "all"
    OWN = "own"
    OWN_CLASS = f"own: {OWN_CLASS}"
    NONE = "·"

    def takes_in(self, tenant: str | None, data_class: str | None) -> bool:
        """Whether a request for data of this tenant and class is allowed; None where it tells no such thing apart."""
        match self:
            case Reach.ALL:
                return True
            case Reach.OWN:
                return tenant == OWN_TENANT
            case Reach.OWN_CLASS:
                return (tenant, data_class) == (OWN_TENANT, OWN_CLASS)
            case Reach.NONE:
                return False


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to be done to what holds tenants' data.

    Attributes:
        place: which table of the page it stands in.
        needs: the permissions that IAM asks for, each of them.
    """

    place: str
    name: str
    by: By
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One question and its answer."""

    role: str
    operation: Operation
    tenant: str | None
    data_class: str | None
    is_allowed: bool


ITEMS: Final = "items"
KEY_STORE: Final = "data keys"
ATTRIBUTE_KEY: Final = "attribute key"
DOORS: Final = "whatever holds or opens the data of all"
STATES: Final = "BatchGetItem, states"
ENCRYPTED_KEYS: Final = "BatchGetItem, encrypted keys"
READ_SOURCE: Final = "read the source stream"
WRITE_SOURCE: Final = "write to it"
READ_CHANGES: Final = "read the items' stream"
READ_QUARANTINE: Final = "read quarantine"
READ_LANDING: Final = "read landed files"
READ_TRAIL: Final = "read the audit trail"
BECOME_TENANT: Final = "become a tenant session"
BECOME_LIMITED: Final = "become a limited one"
ENSURE_KEYS: Final = "have keys made"


def _of(place: str, service: str, by: By, *names: str) -> Iterator[Operation]:
    return (Operation(place, name, by, (f"{service}:{name.partition(',')[0]}",)) for name in names)


OPERATIONS: Final = (
    *_of(ITEMS, "dynamodb", By.TENANT, "GetItem", "BatchGetItem", "Query"),
    *_of(ITEMS, "dynamodb", By.NOTHING, "Scan"),
    *_of(ITEMS, "dynamodb", By.TENANT, "PutItem", "UpdateItem", "DeleteItem", "PartiQLSelect", "PartiQLUpdate"),
    *_of(KEY_STORE, "dynamodb", By.TENANT, "GetItem", ENCRYPTED_KEYS, STATES, "Query"),
    *_of(KEY_STORE, "dynamodb", By.NOTHING, "Scan"),
    *_of(KEY_STORE, "dynamodb", By.TENANT, "PutItem", "UpdateItem", "DeleteItem", "PartiQLSelect"),
    *_of(ATTRIBUTE_KEY, "kms", By.CLASS, "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Encrypt"),
    Operation(ATTRIBUTE_KEY, "ReEncrypt", By.CLASS, ("kms:ReEncryptFrom", "kms:ReEncryptTo")),
    *_of(ATTRIBUTE_KEY, "kms", By.NOTHING, "CreateGrant"),
    Operation(DOORS, READ_SOURCE, By.NOTHING, ("kinesis:GetRecords",)),
    Operation(DOORS, WRITE_SOURCE, By.NOTHING, ("kinesis:PutRecords",)),
    Operation(DOORS, READ_CHANGES, By.NOTHING, ("dynamodb:GetRecords",)),
    Operation(DOORS, READ_QUARANTINE, By.NOTHING, ("s3:GetObject",)),
    Operation(DOORS, READ_LANDING, By.NOTHING, ("s3:GetObjectVersion",)),
    Operation(DOORS, READ_TRAIL, By.NOTHING, ("s3:GetObjectVersion",)),
    Operation(DOORS, BECOME_TENANT, By.TENANT, ("sts:AssumeRole",)),
    Operation(DOORS, BECOME_LIMITED, By.TENANT, ("sts:AssumeRole",)),
    Operation(DOORS, ENSURE_KEYS, By.NOTHING, ("lambda:InvokeFunction",)),
)

_READ_KEYS: Final = ("GetItem", ENCRYPTED_KEYS, STATES)
_SEALS: Final = {KEY_STORE: (*_READ_KEYS, "PutItem"), ATTRIBUTE_KEY: ("Decrypt", "GenerateDataKey")}
_AUDITS: Final = {KEY_STORE: (STATES,), DOORS: (READ_CHANGES,)}
_TENANT: Final = {
    ITEMS: ("GetItem", "BatchGetItem", "Query", "PutItem"),
    KEY_STORE: _READ_KEYS,
    ATTRIBUTE_KEY: ("Decrypt",),
}
SESSIONS: Final = ("tenant", "tenant-limited")
"""The roles that a session tag ties to one tenant."""

#: What each role may do; whose data it reaches by that is all tenants', but for tenant sessions.
GRANTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "tenant": _TENANT,
    "tenant-limited": _TENANT,
    "tenant-api": {DOORS: (BECOME_TENANT, BECOME_LIMITED, ENSURE_KEYS)},
    "ensure-keys": {KEY_STORE: (*_READ_KEYS, "PutItem"), ATTRIBUTE_KEY: ("GenerateDataKeyWithoutPlaintext",)},
    "landing-ingest": {DOORS: (READ_LANDING, WRITE_SOURCE)},
    "encryptor": {**_SEALS, ITEMS: ("PutItem",), DOORS: (READ_SOURCE,)},
    "redriver": {**_SEALS, ITEMS: ("PutItem",), DOORS: (READ_SOURCE, READ_QUARANTINE)},
    "auditor": _AUDITS,
    "reauditor": _AUDITS,
    "reconciler": {ITEMS: ("Scan",), KEY_STORE: (STATES,)},
    "reencryptor": {**_SEALS, ITEMS: ("GetItem", "BatchGetItem", "UpdateItem")},
    "sweeper": {**_SEALS, ITEMS: ("GetItem", "BatchGetItem", "Scan", "UpdateItem"), DOORS: (READ_QUARANTINE,)},
    "reopener": {KEY_STORE: (ENCRYPTED_KEYS, STATES, "UpdateItem")},
    "rotation": {
        KEY_STORE: (*_READ_KEYS, "Query", "Scan", "PutItem", "UpdateItem"),
        ATTRIBUTE_KEY: ("GenerateDataKeyWithoutPlaintext", "ReEncrypt"),
    },
    "notary": {DOORS: (READ_TRAIL,)},
    "rotation-machine": {},
    "rotation-start": {},
}


def reach(role: str, operation: Operation) -> Reach:
    """Whose data a role reaches by an operation."""
    if operation.name not in GRANTS[role].get(operation.place, ()):
        return Reach.NONE
    if role not in SESSIONS:
        return Reach.ALL
    return Reach.OWN_CLASS if (role, operation.place) == ("tenant-limited", ATTRIBUTE_KEY) else Reach.OWN


def cells(role: str) -> list[Cell]:
    """Every question about a role."""
    return [
        Cell(role, operation, tenant, data_class, reach(role, operation).takes_in(tenant, data_class))
        for operation in OPERATIONS
        for tenant, data_class in operation.by.value
    ]
