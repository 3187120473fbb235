"""The attribute key in KMS: makes data keys and opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.aws.errors import AWS_ERRORS, key_service_error
from shared.errors import KeyDenied
from shared.keys.ports import EncryptionContext, GeneratedKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_KEY_SPEC: Final = "AES_256"


class KmsKeyService:
    """KMS behind the keyring's port `KeyService`.

    Args:
        attribute_key_arn: the KMS key that makes data keys. Opening takes the ARN that the caller trusts and names it
            to KMS, which then opens under no other key.
    """

    def __init__(self, client: KMSClient, attribute_key_arn: str) -> None:
        self._client = client
        self._attribute_key_arn = attribute_key_arn

    def generate(self, context: EncryptionContext) -> GeneratedKey:
        """A new 32-byte data key under the attribute key, bound to the context; raises as `decrypt`."""
        try:
            made = self._client.generate_data_key(
                KeyId=self._attribute_key_arn, KeySpec=_KEY_SPEC, EncryptionContext=context
            )
        except AWS_ERRORS as error:
            raise key_service_error(error, "KMS GenerateDataKey") from None
        return GeneratedKey(
            plaintext=made["Plaintext"],
            encrypted=made["CiphertextBlob"],
            kms_key_arn=made["KeyId"],
            key_material_id=made.get("KeyMaterialId", ""),
        )

    def decrypt(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> bytes:
        """The data key in clear.

        Raises:
            KeyDenied: the credentials may not.
            DoesNotOpen: the context, the KMS key or the bytes are not those that were wrapped.
            KeyServiceUnavailable: throttled, down, or the KMS key is disabled or pending deletion.
            SettingsError: there are no credentials or no region.
        """
        try:
            opened = self._client.decrypt(KeyId=kms_key_arn, CiphertextBlob=encrypted, EncryptionContext=context)
        except AWS_ERRORS as error:
            raise key_service_error(error, "KMS Decrypt") from None
        return opened["Plaintext"]


class KmsKeyOpener(KmsKeyService):
    """The attribute key for those who may open data keys and not make any; KMS is not asked what it would refuse."""

    def generate(self, context: EncryptionContext) -> GeneratedKey:
        """No key; raises KeyDenied."""
        raise KeyDenied(f"no right to make a data key of class {context['data_class']}")
