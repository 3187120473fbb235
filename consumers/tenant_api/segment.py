"""An item's id as one segment of a path, whatever is in it.

API Gateway decodes a path twice, parts it at a `/` and ends it at a `?` that comes out in between, so that what a
function gets may be another item's. Hence two forms, of which no decoding makes anything else:

| segment | stands for |
| --- | --- |
| letters, digits and `_ : @ - .`, the first no dot | the id that it is |
| `~` and base64url without padding | the id of these bytes of UTF-8 |
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from urllib.parse import unquote

from consumers.tenant_api.problems import ProblemType, Refused
from consumers.tenant_api.request import Request

_PLAIN: Final = re.compile(r"[A-Za-z0-9_:@-][A-Za-z0-9._:@-]*", re.ASCII)
_MARK: Final = "~"


def segment_of(item_id: str) -> str:
    """The segment that stands for an id: itself where it may be."""
    return item_id if _PLAIN.fullmatch(item_id) else _MARK + _encoded(item_id.encode())


def item_id_of(segment: str) -> str:
    """The id that a segment of the document's form stands for.

    Raises:
        Refused: invalid-request.
    """
    if not segment.startswith(_MARK):
        return segment
    text = segment.removeprefix(_MARK)
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        item_id = raw.decode()
    except ValueError:
        raw, item_id = b"", ""
    if not item_id or _encoded(raw) != text:
        raise Refused(ProblemType.INVALID_REQUEST, "path parameter item_id is no base64url of UTF-8 after its ~")
    return item_id


def check_whole(request: Request) -> None:
    """See that the path is the route's, filled in with the parameters, and no more.

    Before it there may be what a custom domain maps to the API.

    Raises:
        Refused: invalid-request.
    """
    _, _, template = request.route.partition(" ")
    if not unquote(request.raw_path).endswith(template.format_map(request.path)):
        raise Refused(ProblemType.INVALID_REQUEST, "the path holds more than its parameters")


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")
