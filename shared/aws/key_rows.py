"""The rows of the key store table.

| tenant_id | row | is | other attributes |
| --- | --- | --- | --- |
| tenant | `key#<key id, 8 hex digits>` | a data key | those of `DataKeyRow`, under the same names |
| tenant | `active#<data class>` | a pointer | active_key_id (8 hex digits) |
| `_system` | `policy#<digest, hex digits>` | a published policy | source, created_at |

All are strings but `encrypted_data_key` (binary, empty once the key is destroyed) and the times (`…_at`: numbers,
seconds since the epoch). What rotation adds to a data key (`ADDED_BY_ROTATION`) is absent before. Reading takes exactly
the form that writing gives; anything else raises KeyStoreCorrupt, which names the row and none of its content, or is a
status that says so.
"""

from __future__ import annotations

import re
from math import inf
from typing import Any, Final

from shared.errors import KeyStoreCorrupt
from shared.keys.ports import DataKeyRow, PolicyRow
from shared.model import ENDED, SYSTEM_TENANT, Attributes, KeyState, KeyStatus

KEY_PREFIX: Final = "key#"
POLICY_PREFIX: Final = "policy#"
STATUS_ATTRIBUTES: Final = ("tenant_id", "row", "data_class", "state", "state_set_at")
"""What an auditor may know of a key."""
ADDED_BY_ROTATION: Final = ("closed_at", "rewrapped_by", "state_set_by", "state_set_at")
POLICY_ATTRIBUTES: Final = ("row", "source", "created_at")

_KEY_ROW: Final = re.compile(r"key#((?!00000000)[0-9a-f]{8})")
_KEY_ID: Final = re.compile(r"((?!00000000)[0-9a-f]{8})")
_NOT_EMPTY: Final = re.compile(r"(.+)", re.DOTALL)
_POLICY_ROW: Final = re.compile(r"policy#((?:[0-9a-f]{2})+)")


def primary_key(tenant_id: str, row: str) -> dict[str, Any]:
    """The primary key of a row."""
    return {"tenant_id": {"S": tenant_id}, "row": {"S": row}}


def data_key_key(tenant_id: str, key_id: int) -> dict[str, Any]:
    """The primary key of a data key's row."""
    return primary_key(tenant_id, f"{KEY_PREFIX}{key_id:08x}")


def pointer_key(tenant_id: str, data_class: str) -> dict[str, Any]:
    """The primary key of the row that names a class's active key."""
    return primary_key(tenant_id, f"active#{data_class}")


def data_key_item(row: DataKeyRow) -> dict[str, Any]:
    """A data key as its row."""
    return {**data_key_key(row.tenant_id, row.key_id), **data_key_attributes(row)}


def data_key_attributes(row: DataKeyRow) -> dict[str, Any]:
    """What the row of a data key holds beside its primary key."""
    item: dict[str, Any] = {
        "data_class": {"S": row.data_class},
        "encrypted_data_key": {"B": row.encrypted_data_key},
        "kms_key_arn": {"S": row.kms_key_arn},
        "key_material_id": {"S": row.key_material_id},
        "state": {"S": row.state.value},
        "created_at": time_value(row.created_at),
        "made_by": {"S": row.made_by},
    }
    if row.closed_at is not None:
        item["closed_at"] = time_value(row.closed_at)
    if row.rewrapped_by:
        item["rewrapped_by"] = {"S": row.rewrapped_by}
    if row.state_set_by:
        item["state_set_by"] = {"S": row.state_set_by}
    if row.state_set_at is not None:
        item["state_set_at"] = time_value(row.state_set_at)
    return item


def time_value(seconds: float) -> dict[str, Any]:
    """A time, as exact as it is."""
    return {"N": repr(seconds)}


def pointer_item(tenant_id: str, data_class: str, key_id: int) -> dict[str, Any]:
    """A pointer as its row."""
    return {**pointer_key(tenant_id, data_class), "active_key_id": {"S": f"{key_id:08x}"}}


def policy_item(digest: bytes, source: str, created_at: float) -> dict[str, Any]:
    """A published policy as its row."""
    key = primary_key(SYSTEM_TENANT, f"{POLICY_PREFIX}{digest.hex()}")
    return {**key, "source": {"S": source}, "created_at": time_value(created_at)}


def read_data_key(tenant_id: str, item: Attributes) -> DataKeyRow:
    """A data key from its row."""
    try:
        return DataKeyRow(
            tenant_id=tenant_id,
            key_id=int(_matching(_KEY_ROW, _string(item, "row")), 16),
            data_class=_matching(_NOT_EMPTY, _string(item, "data_class")),
            encrypted_data_key=_encrypted_data_key(item),
            kms_key_arn=_string(item, "kms_key_arn"),
            key_material_id=_string(item, "key_material_id"),
            state=KeyState(_string(item, "state")),
            created_at=_time(item, "created_at"),
            made_by=_string(item, "made_by"),
            closed_at=_time(item, "closed_at") if "closed_at" in item else None,
            rewrapped_by=_string(item, "rewrapped_by") if "rewrapped_by" in item else "",
            state_set_by=_string(item, "state_set_by") if "state_set_by" in item else "",
            state_set_at=_time(item, "state_set_at") if "state_set_at" in item else None,
        )
    except (KeyError, TypeError, ValueError):
        raise _malformed(tenant_id, item) from None


def read_status(item: Attributes) -> KeyStatus:
    """What may be known of a data key without its bytes, from the `STATUS_ATTRIBUTES` of its row.

    A row of another form raises nothing: it must not keep the states of all others from being known.
    """
    key_id = int(item["row"]["S"].removeprefix(KEY_PREFIX), 16)  # part of the key that was asked for
    try:
        data_class = _matching(_NOT_EMPTY, _string(item, "data_class"))
        state = KeyState(_string(item, "state"))
        set_at = _time(item, "state_set_at") if "state_set_at" in item else None
        return KeyStatus(key_id, data_class, state, set_at if state in ENDED else None)
    except (KeyError, TypeError, ValueError):
        return KeyStatus(key_id, data_class="", state=None)


def read_pointer(tenant_id: str, item: Attributes) -> int:
    """The key id that a pointer names."""
    try:
        return int(_matching(_KEY_ID, _string(item, "active_key_id")), 16)
    except (KeyError, TypeError, ValueError):
        raise _malformed(tenant_id, item) from None


def read_policy(item: Attributes) -> PolicyRow:
    """A published policy, from the `POLICY_ATTRIBUTES` of its row."""
    try:
        return PolicyRow(
            digest=bytes.fromhex(_matching(_POLICY_ROW, _string(item, "row"))),
            source=_string(item, "source"),
            created_at=_time(item, "created_at"),
        )
    except (KeyError, TypeError, ValueError):
        raise _malformed(SYSTEM_TENANT, item) from None


def _string(item: Attributes, name: str) -> str:
    match item[name]:
        case {"S": str() as text}:
            return text
    raise TypeError


def _encrypted_data_key(item: Attributes) -> bytes:
    encrypted = bytes(memoryview(item["encrypted_data_key"]["B"]))
    if not encrypted and _string(item, "state") != KeyState.DESTROYED:
        raise ValueError
    return encrypted


def _time(item: Attributes, name: str) -> float:
    seconds = float(item[name]["N"])
    if not 0 <= seconds < inf:  # nor no number at all
        raise ValueError
    return seconds


def _matching(form: re.Pattern[str], text: str) -> str:
    match = form.fullmatch(text)
    if match is None:
        raise ValueError
    return match[1]


def _malformed(tenant_id: str, item: Attributes) -> KeyStoreCorrupt:
    name = item.get("row", {}).get("S", "(without a name)")
    return KeyStoreCorrupt(f"key store row {name} of tenant {tenant_id} has not the form that it was written in")
