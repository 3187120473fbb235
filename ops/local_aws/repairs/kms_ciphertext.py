"""KMS: ciphertexts with integrity, bound to their key and encryption context.

| bytes | field |
| --- | --- |
| 36 | key id, ASCII; first, because MiniStack's IAM check finds a Decrypt's key there |
| 32 | key material id |
| 12 | nonce |
| n | AES-256-GCM ciphertext |
| 16 | tag |

Associated data: the first two fields, then the encryption context as JSON with sorted keys.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from ministack.core.responses import json_response
from ministack.services import kms

from ops.local_aws.repairs.kms_request import (
    ENCRYPT_DECRYPT,
    Key,
    KmsRefusal,
    Request,
    Response,
    check_usable,
    check_usage,
    find_key,
)
from ops.local_aws.repairs.kms_rotation import current_material_id, material

_SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
_KEY_ID_END: Final = 36
_MATERIAL_ID_END: Final = _KEY_ID_END + 32
_NONCE_BYTES: Final = 12
_NONCE_END: Final = _MATERIAL_ID_END + _NONCE_BYTES
_DATA_KEY_BYTES: Final = {"AES_128": 16, "AES_256": 32}
_MAX_RANDOM_BYTES: Final = 1024

_stock_encrypt = kms._encrypt
_stock_decrypt = kms._decrypt
_stock_key_pair = kms._generate_data_key_pair_common


def apply() -> None:
    """Replace MiniStack's handlers that make or open a symmetric ciphertext."""
    kms._encrypt = encrypt
    kms._decrypt = decrypt
    kms._generate_data_key = generate_data_key
    kms._generate_data_key_without_plaintext = generate_data_key_without_plaintext
    kms._generate_data_key_pair_common = generate_data_key_pair


@dataclass(frozen=True, slots=True)
class Opened:
    """What a ciphertext held, and what it was made with."""

    key: Key = field(repr=False)
    material_id: str
    plaintext: bytes = field(repr=False)


def seal(key: Key, plaintext: bytes, context: Mapping[str, str]) -> bytes:
    """Encrypt under the key's current material."""
    header: bytes = key["KeyId"].encode() + bytes.fromhex(current_material_id(key))
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(key["_symmetric_key"])
    return header + nonce + cipher.encrypt(nonce, plaintext, _associated_data(header, context))


def open_ciphertext(blob: bytes, expected_key: str | None, context: Mapping[str, str]) -> Opened:
    """Decrypt under whichever material of the key made it.

    Raises KmsRefusal: IncorrectKeyException where `expected_key` is given and is another key;
    InvalidCiphertextException, always without a message, for anything that AES-GCM does not open.
    """
    header, material_id = blob[:_MATERIAL_ID_END], blob[_KEY_ID_END:_MATERIAL_ID_END].hex()
    key = kms._resolve_key(blob[:_KEY_ID_END].decode("latin-1"))
    if expected_key and find_key(expected_key) is not key:
        raise KmsRefusal(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )
    if key is None:
        raise KmsRefusal("InvalidCiphertextException")
    check_usable(key)
    secret = material(key, material_id)
    if secret is None:
        raise KmsRefusal("InvalidCiphertextException")
    try:
        nonce, ciphertext = blob[_MATERIAL_ID_END:_NONCE_END], blob[_NONCE_END:]
        plaintext = AESGCM(secret).decrypt(nonce, ciphertext, _associated_data(header, context))
    except (InvalidTag, ValueError):
        raise KmsRefusal("InvalidCiphertextException") from None
    return Opened(key, material_id, plaintext)


def _associated_data(header: bytes, context: Mapping[str, str]) -> bytes:
    return header + json.dumps(context, sort_keys=True).encode()


def encrypt(request: Request) -> Response:
    """Encrypt; MiniStack's own for asymmetric keys."""
    key = find_key(request["KeyId"])
    if key["KeySpec"] != _SYMMETRIC:
        return _stock(_stock_encrypt(request))
    blob = seal(key, base64.b64decode(request["Plaintext"]), request.get("EncryptionContext") or {})
    return _answer({"KeyId": key["Arn"], "CiphertextBlob": _base64(blob), "EncryptionAlgorithm": _SYMMETRIC})


def decrypt(request: Request) -> Response:
    """Decrypt; MiniStack's own for asymmetric keys, which the algorithm tells since no key need be named."""
    if request.get("EncryptionAlgorithm", _SYMMETRIC) != _SYMMETRIC:
        return _stock(_stock_decrypt(request))
    opened = _open_request(request)
    return _answer(
        {
            "KeyId": opened.key["Arn"],
            "Plaintext": _base64(opened.plaintext),
            "EncryptionAlgorithm": _SYMMETRIC,
            "KeyMaterialId": opened.material_id,
        }
    )


def _open_request(request: Request) -> Opened:
    blob = base64.b64decode(request["CiphertextBlob"])
    return open_ciphertext(blob, request.get("KeyId"), request.get("EncryptionContext") or {})


def re_encrypt(request: Request) -> Response:
    """ReEncrypt: Decrypt with the source's fields, then Encrypt with the destination's; no plaintext leaves."""
    destination = find_key(request["DestinationKeyId"])
    opened = json.loads(_require_success(decrypt(_part_of(request, "Source"))))
    check_usage(destination, ENCRYPT_DECRYPT, "ReEncrypt")
    check_usable(destination)
    sealed = json.loads(
        _require_success(encrypt(_part_of(request, "Destination") | {"Plaintext": opened["Plaintext"]}))
    )
    materials = {"SourceKeyMaterialId": opened.get("KeyMaterialId")}
    if destination["KeySpec"] == _SYMMETRIC:
        materials["DestinationKeyMaterialId"] = current_material_id(destination)
    return _answer(
        {
            "CiphertextBlob": sealed["CiphertextBlob"],
            "SourceKeyId": opened["KeyId"],
            "KeyId": sealed["KeyId"],
            "SourceEncryptionAlgorithm": opened["EncryptionAlgorithm"],
            "DestinationEncryptionAlgorithm": sealed["EncryptionAlgorithm"],
            **{name: value for name, value in materials.items() if value},
        }
    )


def _part_of(request: Request, side: str) -> dict[str, Any]:
    """The fields of one side of ReEncrypt under the names that Encrypt and Decrypt know."""
    part = {"CiphertextBlob": request["CiphertextBlob"]}
    for name in ("KeyId", "EncryptionContext", "EncryptionAlgorithm"):
        if side + name in request:
            part[name] = request[side + name]
    return part


def generate_data_key(request: Request) -> Response:
    """GenerateDataKey."""
    data_key, answer = _new_data_key(request)
    return _answer(answer | {"Plaintext": _base64(data_key)})


def generate_data_key_without_plaintext(request: Request) -> Response:
    """GenerateDataKeyWithoutPlaintext."""
    _, answer = _new_data_key(request)
    return _answer(answer)


def _new_data_key(request: Request) -> tuple[bytes, dict[str, Any]]:
    key = find_key(request["KeyId"])
    if key["KeySpec"] != _SYMMETRIC:
        raise KmsRefusal(
            "InvalidKeyUsageException", f"{key['Arn']} key spec is {key['KeySpec']} which is not valid for data keys."
        )
    data_key = os.urandom(_data_key_size(request))
    blob = seal(key, data_key, request.get("EncryptionContext") or {})
    answer = {"KeyId": key["Arn"], "CiphertextBlob": _base64(blob), "KeyMaterialId": current_material_id(key)}
    return data_key, answer


def _data_key_size(request: Request) -> int:
    spec, size = request.get("KeySpec"), request.get("NumberOfBytes")
    if (spec is None) == (size is None):
        raise KmsRefusal("ValidationException", "Please specify either number of bytes or key spec.")
    if size is None:
        return _DATA_KEY_BYTES[str(spec)]
    if size > _MAX_RANDOM_BYTES:
        raise KmsRefusal(
            "ValidationException",
            f"1 validation error detected: Value '{size}' at 'numberOfBytes' failed to satisfy constraint: "
            f"Member must have value less than or equal to {_MAX_RANDOM_BYTES}",
        )
    return int(size)


def generate_data_key_pair(request: Request, action: str) -> Any:
    """MiniStack's key pair with its private key sealed anew, so that Decrypt opens it."""
    payload, private_key, refused = _stock_key_pair(request, action)
    if refused:
        return payload, private_key, refused
    key = find_key(request["KeyId"])
    blob = seal(key, private_key, request.get("EncryptionContext") or {})
    return payload | {"PrivateKeyCiphertextBlob": _base64(blob)}, private_key, None


def _require_success(response: Response) -> bytes:
    status, _, body = response
    if status != 200:
        refused = json.loads(body)
        raise KmsRefusal(refused["__type"], refused.get("message", ""))
    return body


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _answer(body: dict[str, Any]) -> Response:
    return _stock(json_response(body))


def _stock(response: Any) -> Response:
    typed: Response = response
    return typed
