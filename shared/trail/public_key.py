"""The public key that manifests are checked with: ECDSA over the curve P-256."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from shared.errors import TrailUnreadable


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key; two are the same where their DER bytes are."""

    der: bytes
    _key: EllipticCurvePublicKey = field(repr=False, compare=False)

    @classmethod
    def from_pem(cls, pem: str) -> Self:
        """The key of a PEM text.

        Raises:
            TrailUnreadable: it is none, or not of the curve P-256.
        """
        try:
            return cls._of(load_pem_public_key(pem.encode("utf-8", "surrogatepass")))
        except (ValueError, UnsupportedAlgorithm):
            raise TrailUnreadable("the public key is not a PEM text that can be read") from None

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """The key of a SubjectPublicKeyInfo.

        Raises:
            TrailUnreadable: it is none, or not of the curve P-256.
        """
        try:
            return cls._of(load_der_public_key(der))
        except (ValueError, UnsupportedAlgorithm):
            raise TrailUnreadable("the public key is not a SubjectPublicKeyInfo that can be read") from None

    @classmethod
    def _of(cls, key: object) -> Self:
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise TrailUnreadable("the public key is not of the curve P-256")
        return cls(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), key)

    @property
    def pem(self) -> str:
        """The key as text."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    @property
    def sha256(self) -> str:
        """The digest by which manifests name it: of its DER bytes, in hex."""
        return sha256(self.der).hexdigest()

    def has_signed(self, digest: bytes, signature: bytes) -> bool:
        """Whether the signature (DER) is this key's, over what has this SHA-256."""
        try:
            self._key.verify(signature, digest, ECDSA(Prehashed(SHA256())))
        except InvalidSignature:
            return False
        return True
