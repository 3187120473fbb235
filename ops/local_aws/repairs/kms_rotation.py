"""KMS: key material that is rotated on demand, with all earlier material kept for decryption.

MiniStack keeps one material in a key's record, under `_symmetric_key`. That stays the current one, so that all
which MiniStack derives from it (DescribeKey's CurrentKeyMaterialId among it) follows a rotation by itself.
What it supersedes is kept beside it, as base64 text since the record is saved as JSON.
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any, Final

from ministack.core.responses import json_response
from ministack.services import eventbridge, kms

from ops.local_aws.repairs.kms_request import Key, KmsRefusal, Request, Response, check_usable, find_key

_SUPERSEDED: Final = "_superseded_materials"  # material id -> base64, oldest first
_ROTATIONS: Final = "_rotations"  # entries of ListKeyRotations but KeyId and KeyMaterialState, oldest first
_ENABLED: Final = "KeyRotationEnabled"
_ENABLED_AT: Final = "_rotation_enabled_at"
_PERIOD: Final = "RotationPeriodInDays"
_DEFAULT_PERIOD_DAYS: Final = 365
_SECONDS_A_DAY: Final = 86_400
_MATERIAL_BYTES: Final = 32
_MAX_ON_DEMAND_ROTATIONS: Final = 25
_PAGE: Final = 100


def apply() -> None:
    """Replace MiniStack's handlers of automatic rotation."""
    kms._enable_key_rotation = enable_key_rotation
    kms._disable_key_rotation = disable_key_rotation
    kms._get_key_rotation_status = get_key_rotation_status


def current_material_id(key: Key) -> str:
    """The id (64 hex digits) of the material that encrypts."""
    material_id: str = kms._key_material_id(key)
    return material_id


def material(key: Key, material_id: str) -> bytes | None:
    """The material of this id, current or superseded."""
    if material_id == current_material_id(key):
        current: bytes = key["_symmetric_key"]
        return current
    superseded = key.get(_SUPERSEDED, {}).get(material_id)
    return base64.b64decode(superseded) if superseded else None


def rotate_key_on_demand(request: Request) -> Response:
    """RotateKeyOnDemand: new material, and its event, at once; the schedule of automatic rotation stays as it is."""
    key = _rotatable_key(request)
    if key["Origin"] == "EXTERNAL":
        raise KmsRefusal(
            "KMSInvalidStateException",
            f"No available key material pending rotation for the key: {key['Arn']}.",
        )
    if len(key.get(_ROTATIONS, [])) >= _MAX_ON_DEMAND_ROTATIONS:
        raise KmsRefusal(
            "LimitExceededException",
            "The on-demand rotations limit has been reached for the given keyId. "
            f"No more on-demand rotations can be performed for this key: {key['Arn']}",
        )
    previous = {current_material_id(key): base64.b64encode(key["_symmetric_key"]).decode()}
    key[_SUPERSEDED] = key.get(_SUPERSEDED, {}) | previous
    key["_symmetric_key"] = os.urandom(_MATERIAL_BYTES)
    rotation = {
        "KeyMaterialId": current_material_id(key),
        "RotationDate": time.time(),
        "RotationType": "ON_DEMAND",
    }
    key[_ROTATIONS] = [*key.get(_ROTATIONS, []), rotation]
    _tell_eventbridge(key)
    return _answer({"KeyId": key["Arn"]})


def _tell_eventbridge(key: Key) -> None:
    event = {
        "Source": "aws.kms",
        "DetailType": "KMS CMK Rotation",
        "Detail": json.dumps({"key-id": key["KeyId"]}),
        "Resources": [key["Arn"]],
    }
    eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)


def list_key_rotations(request: Request) -> Response:
    """ListKeyRotations, oldest first; with ALL_KEY_MATERIAL the first material too, which no rotation made."""
    key = find_key(request["KeyId"])
    _check_symmetric(key)
    entries: list[dict[str, Any]] = list(key.get(_ROTATIONS, []))
    if request.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL":
        first = next(iter(key.get(_SUPERSEDED, {})), current_material_id(key))
        entries.insert(0, {"KeyMaterialId": first})
    start = int(request.get("Marker", "0"))
    end = start + request.get("Limit", _PAGE)
    page = {"NextMarker": str(end)} if end < len(entries) else {}
    listed = [_rotation_entry(key, entry) for entry in entries[start:end]]
    return _answer({"Rotations": listed, "Truncated": end < len(entries), **page})


def _rotation_entry(key: Key, entry: dict[str, Any]) -> dict[str, Any]:
    is_current = entry["KeyMaterialId"] == current_material_id(key)
    return {"KeyId": key["KeyId"], "KeyMaterialState": "CURRENT" if is_current else "NON_CURRENT", **entry}


def enable_key_rotation(request: Request) -> Response:
    """EnableKeyRotation: says that the next rotation is one period from now; no local key lives to see it."""
    key = _rotatable_key(request)
    key.update({_ENABLED: True, _PERIOD: request.get(_PERIOD, _DEFAULT_PERIOD_DAYS), _ENABLED_AT: time.time()})
    return _answer({})


def disable_key_rotation(request: Request) -> Response:
    """DisableKeyRotation."""
    _rotatable_key(request)[_ENABLED] = False
    return _answer({})


def get_key_rotation_status(request: Request) -> Response:
    """GetKeyRotationStatus: period and next date only while automatic rotation is enabled."""
    key = find_key(request["KeyId"])
    _check_symmetric(key)
    enabled = key.get(_ENABLED, False) and key["KeyState"] != "PendingDeletion"
    return _answer({"KeyId": key["Arn"], _ENABLED: enabled, **(_schedule(key) if enabled else {})})


def _schedule(key: Key) -> dict[str, Any]:
    # CloudFormation enables rotation in the record itself, as it creates the key.
    enabled_at, period_days = key.get(_ENABLED_AT, key["CreationDate"]), key[_PERIOD]
    return {_PERIOD: period_days, "NextRotationDate": enabled_at + period_days * _SECONDS_A_DAY}


def _rotatable_key(request: Request) -> Key:
    key = find_key(request["KeyId"])
    check_usable(key)
    _check_symmetric(key)
    return key


def _check_symmetric(key: Key) -> None:
    if key["KeySpec"] != "SYMMETRIC_DEFAULT":
        raise KmsRefusal("UnsupportedOperationException")


def _answer(body: dict[str, Any]) -> Response:
    response: Response = json_response(body)
    return response
