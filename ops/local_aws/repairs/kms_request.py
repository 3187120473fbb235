"""KMS: how a request is checked before anything is done with a key, and how it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ministack.core.responses import error_response_json, get_region
from ministack.services import kms

#: What MiniStack answers a request with: status, headers, body.
Response = tuple[int, dict[str, str], bytes]
#: The JSON body of a request.
Request = Mapping[str, Any]
#: MiniStack's mutable record of one KMS key.
Key = dict[str, Any]

ENCRYPT_DECRYPT: Final = "ENCRYPT_DECRYPT"

#: The usage that a key must have been created for. Decrypt is missing on purpose: it answers a key of another
#: usage with IncorrectKeyException, since no ciphertext can have been made with that key.
_USAGE: Final = {
    "Encrypt": ENCRYPT_DECRYPT,
    "GenerateDataKey": ENCRYPT_DECRYPT,
    "GenerateDataKeyWithoutPlaintext": ENCRYPT_DECRYPT,
    "GenerateDataKeyPair": ENCRYPT_DECRYPT,
    "GenerateDataKeyPairWithoutPlaintext": ENCRYPT_DECRYPT,
    "Sign": "SIGN_VERIFY",
    "Verify": "SIGN_VERIFY",
    "GenerateMac": "GENERATE_VERIFY_MAC",
    "VerifyMac": "GENERATE_VERIFY_MAC",
}
_REFUSED_WHILE_PENDING_DELETION: Final = {"EnableKey", "DisableKey", "ScheduleKeyDeletion", "CreateAlias"}
_KEY_FIELDS: Final = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId")
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_MAX_PLAINTEXT_BYTES: Final = 4096


class KmsRefusal(Exception):
    """The request is refused; AWS's error code and message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def response(self) -> Response:
        """The refusal on the wire."""
        refused: Response = error_response_json(self.code, self.message, 400)
        return refused


def check_request(action: str, request: Request) -> None:
    """Raise KmsRefusal where AWS refuses whatever the operation would go on to do."""
    check_plaintext_size(action, request)
    for field in _KEY_FIELDS:
        if request.get(field):
            find_key(request[field])
    key = kms._resolve_key(request.get("KeyId", ""))
    if key is None:
        return
    if action in _USAGE:
        check_usage(key, _USAGE[action], action)
        check_usable(key)
    if action in _REFUSED_WHILE_PENDING_DELETION and key["KeyState"] == "PendingDeletion":
        check_usable(key)


def check_plaintext_size(action: str, request: Request) -> None:
    """Encrypt takes 4,096 bytes at most, whatever the key."""
    if action == "Encrypt" and _decoded_size(request.get("Plaintext", "")) > _MAX_PLAINTEXT_BYTES:
        raise KmsRefusal(
            "ValidationException",
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_MAX_PLAINTEXT_BYTES}",
        )


def _decoded_size(base64_text: str) -> int:
    return len(base64_text) * 3 // 4 - base64_text[-2:].count("=")


def find_key(reference: str) -> Key:
    """The key that an id, ARN, alias name or alias ARN stands for; NotFoundException in AWS's words."""
    key: Key | None = kms._resolve_key(reference)
    if key is None:
        raise KmsRefusal("NotFoundException", _not_found_message(reference))
    return key


def _not_found_message(reference: str) -> str:
    if reference.startswith("alias/"):
        return f"Alias {kms._alias_arn(reference)} is not found."
    if reference.startswith(f"arn:aws:kms:{get_region()}:"):
        return f"Alias {reference} is not found." if ":alias/" in reference else f"Key '{reference}' does not exist"
    if reference.startswith("arn:"):
        return f"Invalid arn {(reference.split(':') + [''] * 4)[3]}"
    if _KEY_ID.fullmatch(reference):
        return f"Key '{kms._arn(reference)}' does not exist"
    return f"Invalid keyId '{reference}'"


def check_usage(key: Key, usage: str, action: str) -> None:
    """A key serves only what it was created for."""
    if key["KeyUsage"] != usage:
        raise KmsRefusal(
            "InvalidKeyUsageException", f"{key['Arn']} key usage is {key['KeyUsage']} which is not valid for {action}."
        )


def check_usable(key: Key) -> None:
    """A disabled key, and one that waits for its material or its deletion, refuses all cryptographic use."""
    match key["KeyState"]:
        case "Disabled":
            raise KmsRefusal("DisabledException", f"{key['Arn']} is disabled.")
        case "PendingDeletion" | "PendingReplicaDeletion":
            raise KmsRefusal("KMSInvalidStateException", f"{key['Arn']} is pending deletion.")
        case "PendingImport":
            raise KmsRefusal("KMSInvalidStateException", f"{key['Arn']} is pending import.")
        case _:
            pass
