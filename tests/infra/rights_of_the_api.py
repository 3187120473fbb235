"""What the tenant API's roles may do, and tenant sessions: rows of the table in `test_rights`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Row: TypeAlias = tuple[str, str, str, Mapping[str, Sequence[str]], str]
Context: TypeAlias = dict[str, str | Sequence[str]]

YES, NO = "allowed", "denied"
SESSIONS: Final = ("tenant", "tenant-limited")
ACME: Final[Context] = {"aws:PrincipalTag/TenantID": "acme"}
UNTAGGED: Final[Context] = {}
OUR_OWN: Final[Context] = {"aws:PrincipalTag/TenantID": "_system"}


def context_of(tenant_id: str, data_class: str = "pii", dataset: str = "customers") -> Context:
    """An encryption context."""
    pairs = {"tenant_id": tenant_id, "data_class": data_class, "dataset": dataset, "key_id": "0000002a"}
    return {f"kms:EncryptionContext:{name}": value for name, value in pairs.items()}


def without(context: Context, name: str) -> Context:
    return {key: value for key, value in context.items() if not key.endswith(name)}


def rows_of(*tenant_ids: str) -> Context:
    """A request for rows of these tenants."""
    return {"dynamodb:LeadingKeys": list(tenant_ids)}


def asked(tag: str | None, *keys: str) -> Context:
    """An AssumeRole with this tag, and with tags of these keys, that one's among them."""
    tagged: Context = {} if tag is None else {"aws:RequestTag/TenantID": tag}
    return tagged | ({"aws:TagKeys": list(keys)} if keys else {})


#: Who, wants whose rows, in what session; a session is given rows of its tag's tenant alone, and all of them.
_ROWS_WANTED: Final[list[tuple[Context, Context, str]]] = [
    (ACME, rows_of("acme"), YES),
    (ACME, rows_of("acme", "acme"), YES),
    (ACME, rows_of("globex"), NO),
    (ACME, rows_of("acme", "globex"), NO),
    (ACME, rows_of("Acme"), NO),
    (ACME, rows_of("acme "), NO),
    (ACME, rows_of("_system"), NO),
    (ACME, {}, NO),
    (UNTAGGED, rows_of("acme"), NO),
    (UNTAGGED, rows_of(""), NO),
    (UNTAGGED, {}, NO),
    (OUR_OWN, rows_of("_system"), NO),
    ({"aws:PrincipalTag/TenantID": "*"}, rows_of("acme"), NO),
    ({"aws:PrincipalTag/TenantID": "a*"}, rows_of("acme"), NO),
    ({"aws:PrincipalTag/tenant": "acme"}, rows_of("acme"), NO),
]
#: The same of the attribute key.
_KEYS_WANTED: Final[list[tuple[Context, Context, str]]] = [
    (ACME, context_of("acme"), YES),
    (ACME, context_of("globex"), NO),
    (ACME, context_of("_system", "quarantine"), NO),
    (ACME, context_of("acme", dataset="payments"), NO),
    (ACME, {}, NO),
    *((ACME, without(context_of("acme"), name), NO) for name in ("tenant_id", "data_class", "dataset", "key_id")),
    (UNTAGGED, context_of("acme"), NO),
    (UNTAGGED, context_of(""), NO),
    (OUR_OWN, context_of("_system"), NO),
    ({"aws:PrincipalTag/TenantID": "*"}, context_of("acme"), NO),
]
_ALLOWED: Final = {
    "items": ("GetItem", "BatchGetItem", "Query", "PutItem"),
    "key store": ("GetItem", "BatchGetItem"),
}
_NEVER: Final = {
    "items": ("UpdateItem", "DeleteItem", "BatchWriteItem", "ConditionCheckItem", "Scan"),
    "key store": ("Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "ConditionCheckItem"),
}
_PARTIQL: Final = ("PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete")

OF_THE_API: Final[list[Row]] = [
    # a tenant session reads and puts its own items, and reads its own data keys
    *(
        (role, f"dynamodb:{action}", table, session | wanted, answer)
        for role in SESSIONS
        for table, actions in _ALLOWED.items()
        for action in actions
        for session, wanted, answer in _ROWS_WANTED
    ),
    # … and does nothing else to them, nor by another language
    *(
        (role, f"dynamodb:{action}", table, ACME | ({} if action == "Scan" else rows_of("acme")), NO)
        for role in SESSIONS
        for table, actions in _NEVER.items()
        for action in (*actions, *_PARTIQL)
    ),
    *(
        (role, action, resource, ACME, NO)
        for role in SESSIONS
        for action, resource in (
            ("dynamodb:GetRecords", "items' stream"),
            ("dynamodb:GetItem", "runs"),
            ("dynamodb:GetItem", "quarantine index"),
            ("s3:GetObject", "quarantine object"),
            ("kinesis:GetRecords", "source stream"),
            ("kinesis:PutRecord", "source stream"),
            ("sqs:SendMessage", "findings queue"),
            ("lambda:InvokeFunction", "ensure-keys"),
            ("lambda:InvokeFunction", "encryptor"),
            ("sts:AssumeRole", "tenant role"),
            ("sts:AssumeRole", "limited tenant role"),
            ("logs:PutLogEvents", "tenant API's log"),
        )
    ),
    # it opens data keys of its own, whole context or not at all
    *(
        (role, "kms:Decrypt", "attribute key", session | wanted, answer)
        for role in SESSIONS
        for session, wanted, answer in _KEYS_WANTED
    ),
    # … the limited one of a few classes
    *(
        ("tenant", "kms:Decrypt", "attribute key", ACME | context_of("acme", name), YES)
        for name in ("phi", "restricted")
    ),
    *(
        ("tenant-limited", "kms:Decrypt", "attribute key", ACME | context_of("acme", name), NO)
        for name in ("phi", "pci", "restricted", "quarantine", "")
    ),
    # … and makes none, wraps none, hands none on
    *(
        (role, f"kms:{action}", "attribute key", ACME | context_of("acme"), NO)
        for role in SESSIONS
        for action in (
            *("GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Encrypt", "ReEncryptFrom", "ReEncryptTo"),
            "CreateGrant",
        )
    ),
    # encryption at rest works for it as for everybody, through the table alone
    ("tenant", "kms:Decrypt", "storage key", ACME, NO),
    # the API's function becomes a tenant session, and is nothing itself
    *(
        ("tenant-api", "sts:AssumeRole", role, wanted, answer)
        for role in ("tenant role", "limited tenant role")
        for wanted, answer in (
            (asked("acme", "TenantID"), YES),
            (asked("globex", "TenantID"), YES),
            (asked(None), NO),
            (asked("", "TenantID"), NO),
            (asked("_system", "TenantID"), NO),
            (asked("acme", "TenantID", "Department"), NO),
            (asked(None, "Department"), NO),
            (asked("acme", "tenantid"), NO),
        )
    ),
    ("tenant-api", "sts:TagSession", "tenant role", asked("acme", "TenantID"), YES),
    ("tenant-api", "sts:AssumeRole", "encryptor's role", asked("acme", "TenantID"), NO),
    ("tenant-api", "lambda:InvokeFunction", "ensure-keys", {}, YES),
    ("tenant-api", "logs:PutLogEvents", "tenant API's log", {}, YES),
    *(
        ("tenant-api", f"kms:{action}", "attribute key", ACME | context_of("acme"), NO)
        for action in ("Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext")
    ),
    *(
        ("tenant-api", action, resource, ACME, NO)
        for action, resource in (
            ("dynamodb:GetItem", "items"),
            ("dynamodb:PutItem", "items"),
            ("dynamodb:Query", "items"),
            ("dynamodb:GetItem", "key store"),
            ("dynamodb:PutItem", "key store"),
            ("kinesis:PutRecord", "source stream"),
            ("s3:GetObject", "quarantine object"),
            ("sqs:SendMessage", "findings queue"),
            ("lambda:InvokeFunction", "rotation function"),
            ("lambda:InvokeFunction", "encryptor"),
            ("lambda:InvokeFunction", "tenant API"),
            ("logs:PutLogEvents", "access log"),
            ("logs:PutLogEvents", "ensure-keys' log"),
        )
    ),
    # nobody else becomes one
    *(
        (role, "sts:AssumeRole", "tenant role", asked("acme", "TenantID"), NO)
        for role in ("administrator", "encryptor", "ensure-keys", "tenant", "tenant-limited")
    ),
    # ensure-keys makes keys of this dataset and sees none
    ("ensure-keys", "kms:GenerateDataKeyWithoutPlaintext", "attribute key", context_of("acme"), YES),
    ("ensure-keys", "kms:GenerateDataKeyWithoutPlaintext", "attribute key", context_of("acme", dataset="payments"), NO),
    *(
        ("ensure-keys", "kms:GenerateDataKeyWithoutPlaintext", "attribute key", without(context_of("acme"), name), NO)
        for name in ("tenant_id", "data_class", "dataset", "key_id")
    ),
    *(
        ("ensure-keys", f"kms:{action}", "attribute key", context_of("acme"), NO)
        for action in (
            "Decrypt",
            "GenerateDataKey",
            "Encrypt",
            "ReEncryptFrom",
            "ReEncryptTo",
            "DescribeKey",
            "CreateGrant",
        )
    ),
    *(("ensure-keys", f"dynamodb:{action}", "key store", {}, YES) for action in ("GetItem", "BatchGetItem", "PutItem")),
    *(
        ("ensure-keys", f"dynamodb:{action}", "key store", {}, NO)
        for action in ("UpdateItem", "DeleteItem", "Scan", "Query", "ConditionCheckItem")
    ),
    *(("ensure-keys", f"dynamodb:{action}", "items", {}, NO) for action in ("GetItem", "PutItem", "Scan", "Query")),
    ("ensure-keys", "logs:PutLogEvents", "ensure-keys' log", {}, YES),
    ("ensure-keys", "logs:PutLogEvents", "tenant API's log", {}, NO),
    ("ensure-keys", "lambda:InvokeFunction", "rotation function", {}, NO),
    ("ensure-keys", "states:StartExecution", "rotation machine", {}, NO),
    *(
        (role, "lambda:InvokeFunction", "ensure-keys", {}, NO)
        for role in ("encryptor", "rotation", "reopener", "rotation-machine")
    ),
]
