"""Items as a tenant's caller sees them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final

from consumers.tenant_api.etag import etag_of
from consumers.tenant_api.problems import ProblemType, Refused
from consumers.tenant_api.render import attributes_text
from consumers.tenant_api.segment import segment_of
from consumers.tenant_api.session import TenantSession
from shared.errors import RecordRejected
from shared.identity import check_item_id
from shared.model import ITEM_ID, TENANT_ID
from shared.sealed_table_positions import position_of

MAX_PAGE_BYTES: Final = 3 * 512 * 1024
"""Of JSON, but for one item: Lambda's answers hold 6 MB, in which much of it is escaped once more."""
_QUERIES: Final = 10
"""Of one page: deleted items count for DynamoDB's limits, not for the caller's."""
_TENANT_BYTES: Final = 8


def get(session: TenantSession, item_id: str) -> tuple[dict[str, Any], str | None]:
    """One item, opened as far as the session can, and its ETag.

    Raises:
        Refused: not-found.
    """
    standing = session.table.writer.standing((session.tenant_id, check_item_id(item_id)))
    if standing.item is None or not standing.is_live:
        raise Refused(ProblemType.NOT_FOUND, "there is no such item")
    return session.table.open_items([standing.item])[0], etag_of(position_of(standing.item))


def item_text(item: dict[str, Any]) -> str:
    """An item in JSON: its address and its attributes."""
    return f'{address_text(item[TENANT_ID], item[ITEM_ID])[:-1]},"attributes":{own_text(item)}}}'


def address_text(tenant_id: str, item_id: str) -> str:
    """Where an item is, in JSON: by its names, and by the path that leads to it."""
    path = f"/tenants/{tenant_id}/items/{segment_of(item_id)}"
    return json.dumps({TENANT_ID: tenant_id, ITEM_ID: item_id, "self": path}, ensure_ascii=False)


def own_text(item: dict[str, Any]) -> str:
    """An item's attributes alone in JSON."""
    return attributes_text({name: value for name, value in item.items() if name not in {TENANT_ID, ITEM_ID}})


def page_text(session: TenantSession, *, limit: int, token: str | None) -> str:
    """A page of the tenant's items in JSON.

    Raises:
        Refused: invalid-request, where the token is not of this tenant's list.
    """
    after = None if token is None else _after(token, session.tenant_id)
    texts, after = _gather(session, limit, after)
    following = "" if after is None else f',"next":"{_token(after, session.tenant_id)}"'
    return f'{{"items":[{",".join(texts)}]{following}}}'


def _gather(session: TenantSession, limit: int, after: str | None) -> tuple[list[str], str | None]:
    """Items, and the id after which there are more; None at the end."""
    texts: list[str] = []
    size = 0
    for _ in range(_QUERIES):
        page = session.reads.of_tenant(session.tenant_id, after=after, limit=limit - len(texts), consistent=True)
        for item in session.table.open_items(page.items):
            text = item_text(item)
            size += len(text.encode())
            if texts and size > MAX_PAGE_BYTES:
                return texts, after
            texts.append(text)
            after = item[ITEM_ID]
        after = None if page.last_key is None else page.last_key[ITEM_ID]["S"]
        if after is None or len(texts) >= limit:
            break
    return texts, after


def _token(after: str, tenant_id: str) -> str:
    return urlsafe_b64encode(_bound(tenant_id) + after.encode()).decode("ascii").rstrip("=")


def _after(token: str, tenant_id: str) -> str:
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        after = check_item_id(raw[_TENANT_BYTES:].decode())
    except (ValueError, RecordRejected):
        raw, after = b"", ""
    if raw[:_TENANT_BYTES] != _bound(tenant_id) or not after:
        raise Refused(ProblemType.INVALID_REQUEST, "query parameter next is not of this tenant's list")
    return after


def _bound(tenant_id: str) -> bytes:
    return sha256(b"next " + tenant_id.encode()).digest()[:_TENANT_BYTES]
