"""A caller of the tenant API: one token, and whatever the API answers to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from shared.errors import StoreUnavailable

_TIMEOUT_SECONDS: Final = 40
"""API Gateway gives up before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body's document."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class TenantClient:
    """Calls the API at a URL; without a token where that is empty."""

    url: str
    token: str = field(repr=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; a body that is no bytes is sent as JSON, a header's `_` as `-`.

        Raises:
            StoreUnavailable: nobody answers.
        """
        where = urlsplit(self.url)
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        named |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            named = {"Content-Type": "application/json"} | named
            body = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        is_local = where.scheme == "http"
        kind = http.client.HTTPConnection if is_local else http.client.HTTPSConnection
        connection = kind(where.netloc, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, where.path + path, body, named)
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): text for name, text in got.getheaders()}, got.read())
        except (OSError, http.client.HTTPException) as error:
            raise StoreUnavailable(f"the tenant API does not answer: {type(error).__name__}") from None
        finally:
            connection.close()
