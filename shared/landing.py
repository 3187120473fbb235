"""Objects of the landing bucket: which one is meant, how far its ingest is, and the messages that ask for it.

A message of the landing queue is S3's own event, or one of this project's:
`{"version": 1, "landing": {"bucket": …, "key": …, "version": …, "sequencer": …, "run": …}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote_plus

from shared.errors import EventRefused
from shared.public_ids import public_item_id

NO_SEQUENCER: Final = "00"
"""Where S3 never said one, since its event was lost: the lowest there is."""
OUTCOME_TAG: Final = "sealstream-ingest"
LINES_TAG: Final = "sealstream-lines"
REJECTED_TAG: Final = "sealstream-rejected"
_VERSION: Final = 1
_SEQUENCER: Final = re.compile(r"[0-9A-Fa-f]{1,32}")
_TEST_EVENT: Final = "s3:TestEvent"
_TENANT: Final = "tenant="
_NOT_VERSIONED: Final = frozenset({"", "null"})


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of one object."""

    bucket: str
    key: str
    version: str

    @property
    def name(self) -> str:
        """As operators write it; partition key of its progress."""
        return f"s3://{self.bucket}/{self.key}?versionId={self.version}"

    @property
    def public_name(self) -> str:
        """The object as logs may show it, without its version; a digest for a key that looks sensitive."""
        return f"s3://{self.bucket}/{public_item_id(self.key)}"

    @property
    def tenants(self) -> frozenset[str]:
        """What the folders named `tenant=…` say; none, or one where the key makes sense."""
        folders = self.key.split("/")[:-1]
        return frozenset(name.removeprefix(_TENANT) for name in folders if name.startswith(_TENANT))


@dataclass(frozen=True, slots=True)
class Notice:
    """That an object is to be ingested.

    Attributes:
        sequencer: S3's, hexadecimal: orders what happened to one key.
        run: how often it was to be read from its start; whoever wants it once more says the next number.
    """

    object: ObjectVersion
    sequencer: str
    run: int = 1

    def to_message(self) -> str:
        """A message that asks for it."""
        about = self.object
        landing = {
            "bucket": about.bucket,
            "key": about.key,
            "version": about.version,
            "sequencer": self.sequencer,
            "run": self.run,
        }
        return json.dumps({"version": _VERSION, "landing": landing}, separators=(",", ":"))


class State(StrEnum):
    """Where an ingest stands; all but `running` are an end, and the outcome that the object's tag says."""

    RUNNING = "running"
    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is.

    Attributes:
        modified: S3's LastModified, seconds since the epoch; 0 before it is known, as `size`.
        size: of the object as it is stored, bytes.
        offset: bytes of its text, decompressed, whose lines are put; `line` is the number of the next one.
        read_bytes: of `size`, about how much was read for that.
        put: lines that went into the stream as records.
        rejected: lines that are no record, and went into the stream as such.
        began_at: seconds since the epoch, as `updated_at`.
        why: it failed.
    """

    object: ObjectVersion
    sequencer: str
    run: int
    state: State = State.RUNNING
    modified: int = 0
    size: int = 0
    offset: int = 0
    line: int = 1
    read_bytes: int = 0
    put: int = 0
    rejected: int = 0
    began_at: float = 0.0
    updated_at: float = 0.0
    why: str = ""

    @property
    def lines(self) -> int:
        """Those that are not blank."""
        return self.put + self.rejected

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.state is not State.RUNNING


def notices_of(body: str, bucket: str) -> list[Notice]:
    """What a message asks for; nothing, where S3 only tries whether messages arrive.

    Args:
        body: of the message.
        bucket: the landing bucket; no other is read.

    Raises:
        EventRefused: no such message, or about another bucket, or no version; quotes nothing of it.
    """
    try:
        document = json.loads(body)
        if document.get("Event") == _TEST_EVENT:
            return []
        notices = _own(document) if "landing" in document else [_of_s3(record) for record in document["Records"]]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise EventRefused("neither an event of S3 nor a message of this project") from None
    for notice in notices:
        if notice.object.bucket != bucket:
            raise EventRefused("it is about another bucket than the landing bucket")
        if notice.object.version in _NOT_VERSIONED:
            raise EventRefused("it names no version of its object")
    return notices


def _own(document: Mapping[str, Any]) -> list[Notice]:
    about = {_VERSION: document["landing"]}[document["version"]]
    run = about["run"]
    if type(run) is not int or run < 1:
        raise ValueError
    return [Notice(_object(about["bucket"], about["key"], about["version"]), _sequencer(about["sequencer"]), run)]


def _of_s3(record: Mapping[str, Any]) -> Notice:
    if record["eventSource"] != "aws:s3" or not record["eventName"].startswith("ObjectCreated:"):
        raise ValueError
    about = record["s3"]["object"]
    key = unquote_plus(about["key"], errors="strict")
    return Notice(
        _object(record["s3"]["bucket"]["name"], key, about.get("versionId", "")), _sequencer(about["sequencer"])
    )


def _object(bucket: object, key: object, version: object) -> ObjectVersion:
    if not (isinstance(bucket, str) and isinstance(key, str) and isinstance(version, str) and key):
        raise TypeError
    key.encode("utf-8")
    return ObjectVersion(bucket, key, version)


def _sequencer(value: str) -> str:
    """Whole bytes; what is shorter counts as if zeros stood behind it."""
    if not _SEQUENCER.fullmatch(value):
        raise ValueError
    return value + "0" * (len(value) % 2)
