"""The keys in KMS that sign manifests: asymmetric ones, whose private half never leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aws.errors import AWS_ERRORS, key_service_error
from shared.trail.manifest import ALGORITHM
from shared.trail.public_key import PublicKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsSigningKeys:
    """Any of the account's, by its ARN; a call raises KeyServiceUnavailable or KeyDenied where it gets no answer."""

    def __init__(self, client: KMSClient) -> None:
        self._client = client

    def public_key(self, arn: str) -> PublicKey:
        """The public half; raises TrailUnreadable where it is not of the curve P-256."""
        try:
            answer = self._client.get_public_key(KeyId=arn)
        except AWS_ERRORS as error:
            raise key_service_error(error, "reading the public key of the notary") from None
        return PublicKey.from_der(answer["PublicKey"])

    def sign(self, arn: str, digest: bytes) -> bytes:
        """The signature (DER) over a SHA-256 digest."""
        try:
            answer = self._client.sign(KeyId=arn, Message=digest, MessageType="DIGEST", SigningAlgorithm=ALGORITHM)
        except AWS_ERRORS as error:
            raise key_service_error(error, "signing a manifest") from None
        return answer["Signature"]
