"""The audit bucket: objects that are written once, where nothing is, and never again.

Of each key the oldest version counts, the one that its writer put there. Whatever came later, a newer version or a
delete marker, is not read but told: nothing that keeps the bucket's rules makes any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import ObjectUnreadable, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS: Final = 3
"""To read an object: botocore repeats a request, but not one that breaks off while its body comes."""
_TAKEN: Final = frozenset({"PreconditionFailed", "412"})
_OF_THE_OBJECT: Final = frozenset(
    {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405", "InvalidRequest", "InvalidObjectState"}
)
"""It is gone, lies under a key that whoever uploaded it has (`InvalidRequest`), or in an archive."""
_OF_ITS_KEY: Final = "KMS."
"""What S3 says of the key that an object lies under begins so: disabled, not found, to be deleted."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object that is there.

    Attributes:
        bytes: how many it has.
        last_modified: by the bucket's clock, seconds since the epoch.
        version_id: of the oldest version; None in a copy that does not know it.
        other_versions: whether the bucket has more versions of the key, or a delete marker.
    """

    key: str
    bytes: int
    last_modified: float
    version_id: str | None = None
    other_versions: bool = False


class AuditBucket:
    """The bucket in S3; every call raises StoreUnavailable where S3 does not answer or refuses."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_once(self, key: str, content: bytes) -> bool:
        """Write an object where nothing is; False where something is there already."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, IfNoneMatch="*")
        except AWS_ERRORS as error:
            if error_code(error) in _TAKEN:
                return False
            raise store_error(error, "writing to the audit bucket") from None
        return True

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        """The objects whose keys begin so and come after `start_after`, by key, ascending."""
        after: Any = {"KeyMarker": start_after} if start_after else {}
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix, **after)
        try:
            for _, versions in groupby((one for page in pages for one in _by_key(page)), key=lambda one: one["Key"]):
                all_of_it = list(versions)
                # the newest comes first; a delete marker has no size
                if contents := [one for one in all_of_it if "Size" in one]:
                    yield _listed(contents[-1], other_versions=len(all_of_it) > 1)
        except AWS_ERRORS as error:
            raise store_error(error, "listing the audit bucket") from None

    def now(self) -> float:
        """The bucket's own time, seconds since the epoch: the one that it stamps objects with."""
        try:
            answer = self._client.list_object_versions(Bucket=self._bucket, MaxKeys=1)
        except AWS_ERRORS as error:
            raise store_error(error, "listing the audit bucket") from None
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()

    def read(self, key: str, version_id: str | None = None) -> bytes:
        """The bytes of an object, or of one version of it; ObjectUnreadable where S3 answers that it never gives it."""
        version: Any = {"VersionId": version_id} if version_id else {}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._client.get_object(Bucket=self._bucket, Key=key, **version)["Body"] as body:
                    return body.read()
            except AWS_ERRORS as error:
                failed = store_error(error, "reading from the audit bucket")
                if _of_the_object(error_code(error)):
                    raise ObjectUnreadable(str(failed)) from None
                if attempt == ATTEMPTS:
                    raise failed from None
        raise StoreUnavailable("reading from the audit bucket")  # pragma: no cover - the last attempt did either


def _of_the_object(code: str) -> bool:
    return code in _OF_THE_OBJECT or (code.startswith(_OF_ITS_KEY) and "Throttling" not in code)


def _by_key(page: Any) -> list[Any]:
    """Versions and delete markers of a page by key; those of one key in the order in which they were listed."""
    return sorted([*page.get("DeleteMarkers", ()), *page.get("Versions", ())], key=lambda one: one["Key"])


def _listed(version: Any, *, other_versions: bool) -> Listed:
    modified = version["LastModified"].timestamp()
    return Listed(version["Key"], version["Size"], modified, version["VersionId"], other_versions)
