"""What an invocation's events come from, as a segment's name has it."""

from __future__ import annotations

import re
from typing import Any, Final

_OTHERS: Final = re.compile(r"[^A-Za-z0-9._-]")
_MOST: Final = 200
TABLE_STREAM: Final = "items"
"""In place of a shard, which Lambda does not tell of a table's stream."""


def where_of(event: Any, request_id: str) -> str:
    """Shard and first sequence number of a stream's batch, so that one delivered again finds its segment there.

    Of anything else, and of a batch that does not tell, the id of the request.
    """
    place = _first_place(event) or request_id
    return _OTHERS.sub("-", place)[:_MOST]


def _first_place(event: Any) -> str:
    match event:
        case {"Records": [{"eventSource": "aws:kinesis", "eventID": str(shard_and_number)}, *_]}:
            return shard_and_number
        case {"Records": [{"dynamodb": {"SequenceNumber": str(number)}}, *_]}:
            return f"{TABLE_STREAM}-{number}"
    return ""
