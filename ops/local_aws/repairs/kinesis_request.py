"""What the repaired operations of Kinesis share: the stream that is meant, and refusals in AWS's words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import kinesis

Request: TypeAlias = Mapping[str, Any]
#: A stream or shard as MiniStack stores it.
Stored: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Request], Any]


class Refused(Exception):
    """The error that a client gets."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def answering(operation: Callable[[Request], Mapping[str, Any]]) -> Handler:
    """MiniStack's handler of an operation that returns its answer or raises Refused."""

    @functools.wraps(operation)
    def handle(request: Request) -> Any:
        try:
            return json_response(operation(request))
        except Refused as refusal:
            return error_response_json(refusal.code, str(refusal), 400)

    return handle


def stream_of(request: Request) -> Stored:
    """The stream that a request names, by name or ARN; raises Refused."""
    name, stream = kinesis._resolve_stream(request)
    if not stream:
        raise Refused("ResourceNotFoundException", f"Stream {name} under account {get_account_id()} not found.")
    found: Stored = stream
    return found


def shard_of(stream: Stored, shard_id: str) -> Stored:
    """The shard of this id, open or closed; raises Refused."""
    shard: Stored | None = stream["shards"].get(shard_id)
    if shard is None:
        raise Refused(
            "ResourceNotFoundException",
            f"Shard {shard_id} in stream {stream['StreamName']} under account {get_account_id()} does not exist",
        )
    return shard


def invalid(message: str) -> Refused:
    """An argument that AWS refuses."""
    return Refused("InvalidArgumentException", message)
