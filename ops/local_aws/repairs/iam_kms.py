"""IAM for KMS: what a request says about its encryption context, the key it means, and grants on that key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.services import kms

from ops.local_aws.repairs.iam_variables import role_of

Request = Mapping[str, Any]

_KEY_ID_BYTES: Final = 36


@dataclass(frozen=True, slots=True)
class KmsCheck:
    """One permission that a request needs; ReEncrypt needs two.

    Attributes:
        action: with its prefix, like `kms:Decrypt`.
        key_arn: the resource; "" where the request names no key that exists.
        encryption_context: what the caller sends, not what a ciphertext was made with.
    """

    action: str
    key_arn: str
    encryption_context: Mapping[str, str]
    request: Request = field(repr=False)

    def condition_keys(self) -> dict[str, Any]:
        """The condition keys of this permission. `kms:ViaService` is absent: no service calls KMS here."""
        keys: dict[str, Any] = {f"kms:EncryptionContext:{name}": it for name, it in self.encryption_context.items()}
        if self.encryption_context:
            keys["kms:EncryptionContextKeys"] = list(self.encryption_context)
        for alias in (self.request.get("KeyId"), self.request.get("DestinationKeyId")):
            if str(alias).startswith("alias/"):
                keys["kms:RequestAlias"] = alias
        return keys


def checks(action: str, request: Request) -> Iterator[KmsCheck]:
    """The permissions that a request needs, each on its own key and encryption context."""
    if action != "kms:ReEncrypt":
        key_arn = _arn_of(request.get("KeyId")) or _arn_in_ciphertext(request)
        yield KmsCheck(action, key_arn, request.get("EncryptionContext") or {}, request)
        return
    source = _arn_of(request.get("SourceKeyId")) or _arn_in_ciphertext(request)
    yield KmsCheck("kms:ReEncryptFrom", source, request.get("SourceEncryptionContext") or {}, request)
    destination = _arn_of(request.get("DestinationKeyId"))
    yield KmsCheck("kms:ReEncryptTo", destination, request.get("DestinationEncryptionContext") or {}, request)


def _arn_of(reference: Any) -> str:
    """The ARN of the key that an id, ARN or alias stands for: policies name keys, not aliases."""
    key = kms._resolve_key(reference) if isinstance(reference, str) else None
    return str(key["Arn"]) if key else ""


def _arn_in_ciphertext(request: Request) -> str:
    try:
        blob = base64.b64decode(request.get("CiphertextBlob", ""))
    except (binascii.Error, TypeError, ValueError):
        return ""
    return _arn_of(blob[:_KEY_ID_BYTES].decode("latin-1"))


def grant_allows(check: KmsCheck, principal_arn: str) -> bool:
    """Whether a grant on the key permits the caller what neither its policies nor the key's do."""
    return any(
        grant["KeyId"] == check.key_arn
        and check.action.removeprefix("kms:") in grant["Operations"]
        and grant["GranteePrincipal"] in (principal_arn, role_of(principal_arn))
        and _constraints_met(grant.get("Constraints") or {}, check.encryption_context)
        for grant in kms._grants.values()
    )


def _constraints_met(constraints: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    subset = constraints.get("EncryptionContextSubset") or {}
    exactly = constraints.get("EncryptionContextEquals", context)
    return bool(subset.items() <= context.items() and exactly == context)
