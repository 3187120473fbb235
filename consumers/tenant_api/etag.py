"""Entity tags: what a client holds against the item, so that it changes only what it has seen.

An item's tag is the count of its writes where it was last written through a door that counts; else a digest of its
source position. A sweep changes neither. An item that somebody wrote past sealstream has none.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from consumers.tenant_api.problems import ProblemType, Refused
from shared.sealed_table_positions import position_of
from shared.sealed_table_writing import Standing
from shared.source_position import FOUND, SourcePosition

_DIGEST_BYTES: Final = 9
_TAGS: Final = re.compile(r'(W/)?("[^"]*")')


def etag_of(position: SourcePosition | None) -> str | None:
    """The tag of an item at this position; None where its content may change without it."""
    if position is None or position == FOUND:
        return None
    if position.counter is not None:
        return f'"{position.counter}"'
    digest = urlsafe_b64encode(sha256(position.to_bytes()).digest()[:_DIGEST_BYTES]).decode("ascii")
    return f'"p.{digest}"'


def check_preconditions(parameters: Mapping[str, Any], standing: Standing) -> None:
    """Hold what stands there against If-Match and If-None-Match, as RFC 9110 says.

    Raises:
        Refused: precondition-failed.
    """
    wanted = parameters.get("If-Match")
    if wanted is not None and not _matches(wanted, standing):
        raise Refused(ProblemType.PRECONDITION_FAILED, "no item has the ETag of If-Match")
    if parameters.get("If-None-Match") is not None and standing.is_live:
        raise Refused(ProblemType.PRECONDITION_FAILED, "there is an item")


def _matches(wanted: str, standing: Standing) -> bool:
    """By strong comparison: a weak tag matches nothing."""
    if not standing.is_live:
        return False
    tag = etag_of(position_of(standing.item))
    return wanted == "*" or tag in [found for weak, found in _TAGS.findall(wanted) if not weak]
