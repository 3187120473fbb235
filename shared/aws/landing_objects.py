"""Objects of the landing bucket in S3, always of one version."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import StoreUnavailable
from shared.landing import LINES_TAG, OUTCOME_TAG, REJECTED_TAG, ObjectVersion, Progress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS: Final = 3
"""To read a part: botocore repeats a request, but not one that breaks off while its body comes. And to tag."""
MAX_TAGS: Final = 10
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"})


class S3LandingObjects:
    """The landing bucket; every call raises StoreUnavailable where S3 does not answer or refuses."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def current_version(self, bucket: str, key: str) -> str | None:
        """The version that the key stands for now; None where there is no object."""
        try:
            return self._client.head_object(Bucket=bucket, Key=key).get("VersionId", "")
        except AWS_ERRORS as error:
            if error_code(error) in _GONE:
                return None
            raise store_error(error, "looking for an object") from None

    def versions(self, bucket: str, prefix: str) -> Iterator[tuple[ObjectVersion, int]]:
        """Every version of those whose keys begin so, old ones, too, and when each was made, since the epoch."""
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        try:
            for page in pages:
                for one in page.get("Versions", ()):
                    about = ObjectVersion(bucket, one["Key"], one["VersionId"])
                    yield about, int(one["LastModified"].timestamp())
        except AWS_ERRORS as error:
            raise store_error(error, "listing the landing bucket") from None

    def find(self, about: ObjectVersion) -> tuple[int, int] | None:
        """Size in bytes, and when it was made, seconds since the epoch; None where it is gone."""
        try:
            found = self._client.head_object(**_names(about))
        except AWS_ERRORS as error:
            if error_code(error) in _GONE:
                return None
            raise store_error(error, "looking for an object") from None
        return found["ContentLength"], int(found["LastModified"].timestamp())

    def read(self, about: ObjectVersion, start: int, length: int) -> bytes:
        """Bytes of it, fewer at its end alone."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._client.get_object(**_names(about), Range=f"bytes={start}-{start + length - 1}")
                with answer["Body"] as body:
                    return body.read()
            except AWS_ERRORS as error:
                if attempt == ATTEMPTS or error_code(error) in _GONE:
                    raise store_error(error, "reading an object") from None
        raise StoreUnavailable("reading an object")  # pragma: no cover - the last attempt returned or raised

    def tag(self, progress: Progress) -> bool:
        """Say on the object what came of it, beside the tags that it has; read back, since others may tag it, too.

        Where its own tags leave no room, fewer of ours are put; the first of them is the one that its expiry hangs on.

        Returns:
            False where not even that one has room; True also where the object is gone.

        Raises:
            StoreUnavailable: S3 does not answer, or others write its tags each time.
        """
        names = _names(progress.object)
        ours = {
            OUTCOME_TAG: progress.state.value,
            LINES_TAG: str(progress.lines),
            REJECTED_TAG: str(progress.rejected),
        }
        try:
            for _ in range(ATTEMPTS + 1):
                standing = {tag["Key"]: tag["Value"] for tag in self._client.get_object_tagging(**names)["TagSet"]}
                others = {key: value for key, value in standing.items() if key not in ours}
                wanted = others | dict(islice(ours.items(), MAX_TAGS - len(others)))
                if wanted == standing:
                    return OUTCOME_TAG in wanted
                tags: list[Any] = [{"Key": key, "Value": value} for key, value in wanted.items()]
                self._client.put_object_tagging(**names, Tagging={"TagSet": tags})
        except AWS_ERRORS as error:
            if error_code(error) in _GONE:
                return True
            raise store_error(error, "tagging an object") from None
        raise StoreUnavailable("tagging an object: somebody else writes its tags at the same time")


def _names(about: ObjectVersion) -> dict[str, Any]:
    return {"Bucket": about.bucket, "Key": about.key, "VersionId": about.version}
