"""The quarantine's bucket as a source of scans, and its objects for those who seal them anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.envelope.layout import FIRST_BYTE, KEY_ID_BYTES
from shared.errors import RunsCorrupt
from shared.scan.ports import HeldContent, HeldObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEAD_BYTES: Final = len(FIRST_BYTE) + KEY_ID_BYTES
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_CHANGED: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"}) | _GONE


class S3HeldObjects:
    """The objects as they stand now; a cursor is the key of the last one. One segment: the whole bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[HeldObject], str]:  # noqa: ARG002
        """At most `limit` objects after the cursor, in the order of their keys, and the next cursor, "" at the end."""
        after: Any = {"StartAfter": cursor} if cursor else {}
        try:
            answer = self._client.list_objects_v2(Bucket=self._bucket, MaxKeys=limit, **after)
        except AWS_ERRORS as error:
            raise store_error(error, "listing the quarantine") from None
        found = [HeldObject(one["Key"], one["Size"]) for one in answer.get("Contents", ())]
        return found, found[-1].key if answer.get("IsTruncated") and found else ""

    def head(self, held: HeldObject) -> bytes | None:
        """The first bytes, as many as name the data key, or all where there are fewer; None where it is gone."""
        if not held.size:
            return b""  # no range of it can be read
        got = self._get(held, Range=f"bytes=0-{HEAD_BYTES - 1}")
        return None if got is None else got.content

    def read(self, held: HeldObject) -> HeldContent | None:
        """The whole content as it stands now; None where it is gone."""
        return self._get(held)

    def replace(self, held: HeldObject, content: bytes, *, etag: str) -> bool:
        """Put other content in its place; False where it no longer is what had this tag, or is gone."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=held.key, Body=content, IfMatch=etag)
        except AWS_ERRORS as error:
            if error_code(error) in _CHANGED:
                return False
            raise store_error(error, "writing an object of the quarantine") from None
        return True

    def _get(self, held: HeldObject, **options: Any) -> HeldContent | None:
        if held.version_id:
            options["VersionId"] = held.version_id
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=held.key, **options)
            with answer["Body"] as body:
                return HeldContent(body.read(), answer["ETag"])
        except AWS_ERRORS as error:
            if error_code(error) in _GONE:
                return None
            raise store_error(error, "reading an object of the quarantine") from None


class S3HeldVersions:
    """Every version of every object, those too that were replaced or deleted; a cursor is key and version, as JSON."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[HeldObject], str]:  # noqa: ARG002
        """At most `limit` versions after the cursor, in the order of their keys, and the next cursor, "" at the end."""
        try:
            answer = self._client.list_object_versions(Bucket=self._bucket, MaxKeys=limit, **_markers(cursor))
        except AWS_ERRORS as error:
            raise store_error(error, "listing the versions of the quarantine") from None
        found = [HeldObject(one["Key"], one["Size"], one["VersionId"]) for one in answer.get("Versions", ())]
        if not answer.get("IsTruncated"):
            return found, ""
        return found, json.dumps([answer["NextKeyMarker"], answer["NextVersionIdMarker"]])


def _markers(cursor: str) -> dict[str, Any]:
    if not cursor:
        return {}
    try:
        key, version_id = json.loads(cursor)
    except (TypeError, ValueError):
        raise RunsCorrupt("a stored cursor is none of the quarantine's versions") from None
    return {"KeyMarker": key, "VersionIdMarker": version_id}
