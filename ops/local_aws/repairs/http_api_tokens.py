"""HTTP APIs: which tokens a JWT authorizer takes, and how it refuses the others."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from ministack.services import apigateway

#: The only signatures that are looked at; AWS knows RSA's alone.
_ALGORITHM: Final = "RS256"

_stock_validate = apigateway._validate_jwt_authorizer


def apply() -> None:
    """Put AWS's checks before MiniStack's."""
    apigateway._validate_jwt_authorizer = validate


async def validate(
    route: Mapping[str, Any], authorizer: Mapping[str, Any], headers: Mapping[str, str], query: Mapping[str, Any]
) -> tuple[Any, Any, Any]:
    """Claims and scopes, or the refusal, which says in a header what is wrong with the token.

    AWS: the header's algorithm is RSA's, and there is an end, in seconds. Stock looks at neither, and breaks down
    on claims of other types.
    """
    token = apigateway._extract_token_from_identity_source(authorizer.get("identitySource", []), headers, query)
    if not token:
        return None, None, _refusal("Bearer")
    if _is_well_formed(token):
        claims, scopes, refusal = await _stock_validate(route, authorizer, headers, query)
        if not refusal or refusal[0] != 401:
            return claims, scopes, refusal
    return None, None, _refusal('Bearer scope="" error="invalid_token" error_description="the token is not valid"')


def _is_well_formed(token: str) -> bool:
    try:
        header, claims = (json.loads(apigateway._b64url_decode(part)) for part in token.split(".")[:2])
    except (ValueError, binascii.Error):
        return False
    return (
        isinstance(header, dict)
        and isinstance(claims, dict)
        and header.get("alg") == _ALGORITHM
        and "exp" in claims
        and all(_is_time(claims[name]) for name in ("exp", "nbf", "iat") if name in claims)
    )


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refusal(reason: str) -> Any:
    status, headers, body = apigateway._jwt_unauthorized()
    return status, {**headers, "WWW-Authenticate": reason}, body
