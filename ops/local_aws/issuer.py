"""Who issues tokens for the tenant API of a local AWS: the same server, under a path of its own.

There is nobody to prove oneself to: whoever reaches the loopback port gets whatever claims he asks for, as the access
key `test` is the account's root. On AWS an issuer is said by the context `jwt_issuer`, and none is deployed.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from ops.local_aws.process import HOST, LocalAwsError, Server

PATH: Final = "/_issuer"
TOKEN_PATH: Final = f"{PATH}/token"
AUDIENCE: Final = "sealstream"
SCOPES: Final = ("items.read", "items.write", "classes.all")
LIFETIME_SECONDS: Final = 3600
_TIMEOUT_SECONDS: Final = 10


def issuer_of(endpoint: str) -> str:
    """The issuer's URL: where its discovery document is, and the claim `iss` of its tokens."""
    return f"{endpoint}{PATH}"


def claims_of(
    endpoint: str,
    tenant_id: str,
    *,
    scopes: tuple[str, ...] = SCOPES,
    expires_seconds: float = LIFETIME_SECONDS,
    tenant_claim: str = "tenant_id",
) -> dict[str, Any]:
    """What a token of this tenant's says; a test takes out or changes what it wants to see refused.

    The endpoint is the local AWS's. `expires_seconds` counts from now, and is below 0 for a token that has expired.
    """
    now = int(time.time())
    return {
        "iss": issuer_of(endpoint),
        "aud": AUDIENCE,
        "sub": f"somebody at {tenant_id}",
        tenant_claim: tenant_id,
        "scope": " ".join(scopes),
        "iat": now - 1,  # whoever checks it may have a clock that was cut off to the second
        "exp": now + int(expires_seconds),
    }


def token(server: Server, claims: Mapping[str, Any]) -> str:
    """These claims, as they are, in a token that the issuer signed.

    Raises:
        LocalAwsError: the server does not answer, or has no issuer since it runs without the repairs.
    """
    connection = http.client.HTTPConnection(HOST, server.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", TOKEN_PATH, json.dumps(claims), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise LocalAwsError(f"the local AWS ({server.endpoint}) gives no token: {type(error).__name__}") from None
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise LocalAwsError(f"the local AWS ({server.endpoint}) gives no token: HTTP status {response.status}")
    return str(json.loads(body)["access_token"])
