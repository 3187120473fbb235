"""The issuer within the server: its discovery document, its public key, and the signing of what it is given."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from ministack import app

from ops.local_aws.issuer import PATH, TOKEN_PATH, issuer_of
from ops.local_aws.process import HOST

Response: TypeAlias = tuple[int, dict[str, str], bytes]

ALGORITHM: Final = "RS256"
_KEY_BITS: Final = 2048
_PUBLIC_EXPONENT: Final = 65537

_stock_before_body = app._handle_pre_body_request  # noqa: SLF001 - the server's own way in, as the next
_stock_after_body = app._handle_post_body_shortcuts  # noqa: SLF001


class _Issuer:
    """Holds the one key, which is made when it is first asked for: that takes a tenth of a second."""

    def __init__(self) -> None:
        self.made: rsa.RSAPrivateKey | None = None

    @property
    def key(self) -> rsa.RSAPrivateKey:
        self.made = self.made or rsa.generate_private_key(_PUBLIC_EXPONENT, _KEY_BITS)
        return self.made


_issuer: Final = _Issuer()


def prepare() -> None:
    """Answer under the issuer's path; call it before the first request."""
    app._handle_pre_body_request = _before_body  # noqa: SLF001
    app._handle_post_body_shortcuts = _after_body  # noqa: SLF001


def key() -> rsa.RSAPrivateKey | None:
    """The key, for a server that keeps its state; None where nobody asked for it yet."""
    return _issuer.made


def restore(kept: rsa.RSAPrivateKey | None) -> None:
    """Go on with the key that an earlier server kept: its tokens stay good."""
    _issuer.made = kept


async def _before_body(method: str, path: str, *rest: Any) -> Any:
    if method == "GET" and path == f"{PATH}/.well-known/openid-configuration":
        return _answer(_discovery())
    if method == "GET" and path == f"{PATH}/jwks.json":
        return _answer({"keys": [_public_key()]})
    return await _stock_before_body(method, path, *rest)


async def _after_body(method: str, path: str, headers: Mapping[str, str], body: bytes, *rest: Any) -> Any:
    if path == TOKEN_PATH and method == "POST":
        try:
            claims = json.loads(body)
        except ValueError:
            return _answer({"error": "invalid_request"}, HTTPStatus.BAD_REQUEST)
        return _answer({"access_token": signed(claims), "token_type": "Bearer"})
    return await _stock_after_body(method, path, headers, body, *rest)


def signed(claims: Any) -> str:
    """A JSON Web Token of these claims (RFC 7515, compact), whatever they say."""
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": _public_key()["kid"]}
    content = ".".join(_url_safe(json.dumps(part).encode()) for part in (header, claims))
    return f"{content}.{_url_safe(_issuer.key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _discovery() -> dict[str, Any]:
    """What OpenID Connect Discovery 1.0 demands of it, as far as a token's reader needs it."""
    issuer = issuer_of(f"http://{HOST}:{os.environ['GATEWAY_PORT']}")
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "token_endpoint": f"{issuer}/token",
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
    }


def _public_key() -> dict[str, str]:
    numbers = _issuer.key.public_key().public_numbers()
    modulus = numbers.n.to_bytes(_KEY_BITS // 8, "big")
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": ALGORITHM,
        "kid": hashlib.sha256(modulus).hexdigest()[:16],
        "n": _url_safe(modulus),
        "e": _url_safe(numbers.e.to_bytes(3, "big")),
    }


def _answer(document: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


def _url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
