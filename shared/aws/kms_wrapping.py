"""The attribute key in KMS, seen from rotation: wraps data keys anew and makes wrapped ones; opens none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.aws.errors import AWS_ERRORS, key_service_error
from shared.keys.ports import EncryptionContext
from shared.keys.rotation.ports import WrappedKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_KEY_SPEC: Final = "AES_256"


class KmsWrappingService:
    """KMS behind the port `WrappingService`; errors as those of `KmsKeyService.decrypt`.

    Args:
        attribute_key_arn: the KMS key that everything is wrapped under.
    """

    def __init__(self, client: KMSClient, attribute_key_arn: str) -> None:
        self._client = client
        self._attribute_key_arn = attribute_key_arn

    def current_material_id(self, kms_key_arn: str) -> str:
        """The id of the key material that this KMS key wraps with now; "" where KMS tells none."""
        try:
            answer = self._client.describe_key(KeyId=kms_key_arn)
        except AWS_ERRORS as error:
            raise key_service_error(error, "KMS DescribeKey") from None
        return answer["KeyMetadata"].get("CurrentKeyMaterialId", "")

    def generate_wrapped(self, context: EncryptionContext) -> WrappedKey:
        """A new 32-byte data key under the attribute key, bound to the context."""
        try:
            made = self._client.generate_data_key_without_plaintext(
                KeyId=self._attribute_key_arn, KeySpec=_KEY_SPEC, EncryptionContext=context
            )
        except AWS_ERRORS as error:
            raise key_service_error(error, "KMS GenerateDataKeyWithoutPlaintext") from None
        return WrappedKey(made["CiphertextBlob"], made["KeyId"], made.get("KeyMaterialId", ""))

    def rewrap(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> WrappedKey:
        """The same data key under the attribute key's current material, bound to the same context."""
        try:
            made = self._client.re_encrypt(
                CiphertextBlob=encrypted,
                SourceKeyId=kms_key_arn,
                SourceEncryptionContext=context,
                DestinationKeyId=self._attribute_key_arn,
                DestinationEncryptionContext=context,
            )
        except AWS_ERRORS as error:
            raise key_service_error(error, "KMS ReEncrypt") from None
        return WrappedKey(made["CiphertextBlob"], made["KeyId"], made.get("DestinationKeyMaterialId", ""))
