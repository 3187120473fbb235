"""A message of a dead-letter queue, read: the position of records that Lambda gave up, or findings; never a record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from shared.errors import EventRefused
from shared.findings import ItemReference, from_message
from shared.landing import Notice, notices_of

_SEQUENCE_NUMBER_DIGITS: Final = 128


class Of(StrEnum):
    """Whose dead letters."""

    ENCRYPTOR = "encryptor"
    AUDITOR = "auditor"
    REENCRYPTOR = "reencryptor"
    LANDING = "landing"


_BATCH_INFO: Final = {Of.ENCRYPTOR: "KinesisBatchInfo", Of.AUDITOR: "DDBStreamBatchInfo"}


@dataclass(frozen=True, slots=True)
class Position:
    """Records of one shard that a function never got done.

    Attributes:
        first: sequence number, as `last`.
        arrived_from: approximate arrival of the first, seconds since the epoch, as `arrived_to` of the last; None
            where the message does not say.
        condition: why Lambda gave up.
    """

    shard_id: str
    first: str
    last: str
    records: int
    arrived_from: float | None
    arrived_to: float | None
    condition: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Items that the re-encryptor was to look at."""

    references: Sequence[ItemReference]


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects that the landing ingest was to read."""

    notices: Sequence[Notice]


@dataclass(frozen=True, slots=True)
class Foreign:
    """What this project's mappings do not write, or not about this deployment; `why` says in what it differs."""

    why: str


Content = Position | Findings | Objects | Foreign


def content_of(of: Of, body: str, *, stream: str = "") -> Content:
    """What a message says.

    Args:
        of: in whose queue it lies.
        body: of the message.
        stream: the ARN of the stream that the queue's letters are about, or its end, or the landing bucket; "" takes
            any stream.
    """
    if of is Of.REENCRYPTOR:
        try:
            return Findings(from_message(body))
        except ValueError:
            return Foreign("no message of the findings queue")
    if of is Of.LANDING:
        try:
            return Objects(notices_of(body, stream))
        except EventRefused as error:
            return Foreign(str(error))
    try:
        document = json.loads(body)
        info = document[_BATCH_INFO[of]]
        position = _position(info, document)
        is_of_stream = str(info["streamArn"]).endswith(stream)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return Foreign("no position in a stream")
    return position if is_of_stream else Foreign("a position in another stream")


def _position(info: Mapping[str, Any], document: Mapping[str, Any]) -> Position:
    return Position(
        shard_id=_text(info["shardId"]),
        first=_number(info["startSequenceNumber"]),
        last=_number(info["endSequenceNumber"]),
        records=_count(info["batchSize"]),
        arrived_from=_time(info.get("approximateArrivalOfFirstRecord")),
        arrived_to=_time(info.get("approximateArrivalOfLastRecord")),
        condition=str(document.get("requestContext", {}).get("condition", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _number(value: object) -> str:
    text = _text(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= _SEQUENCE_NUMBER_DIGITS):
        raise ValueError
    return text


def _count(value: object) -> int:
    if type(value) is not int or value < 1:
        raise TypeError
    return value


def _time(value: object) -> float | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC).timestamp()
    except (OverflowError, ValueError):
        return None
