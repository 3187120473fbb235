"""S3: parts and tags of a version, versions that stay where objects are locked, what is said of a missing object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from ministack.core import iam_evaluator
from ministack.core.router import extract_access_key_id, extract_region
from ministack.services import s3

Headers = dict[str, Any]
Response = tuple[int, Headers, bytes]
Query = Mapping[str, Any]

_MAX_TAGS: Final = 10
_MAX_TAG_KEY: Final = 128
_MAX_TAG_VALUE: Final = 256

_stock_get = s3._get_object
_stock_head = s3._head_object
_stock_put_tags = s3._put_object_tagging
_stock_get_tags = s3._get_object_tagging
_stock_put_versioning = s3._put_bucket_versioning


def apply() -> None:
    """Replace how MiniStack's S3 reads and tags objects."""
    s3._get_object = _hiding_what_is_missing(get_object)
    s3._head_object = _hiding_what_is_missing(_stock_head)
    s3._put_object_tagging = put_object_tagging
    s3._get_object_tagging = get_object_tagging
    s3._put_bucket_versioning = put_bucket_versioning


def get_object(bucket: str, key: str, headers: Mapping[str, Any], query: Query | None = None) -> Response:
    """AWS: a range is of the version that is asked for. Stock answers with the whole of it."""
    span = headers.get("range")
    if not span or not _version(query):
        whole: Response = _stock_get(bucket, key, headers, query)
        return whole
    # The checksum of the whole object does not fit a part of it.
    others = {name: value for name, value in headers.items() if name != "x-amz-checksum-mode"}
    status, answered, body = _stock_get(bucket, key, others, query)
    if status != 200:
        return status, answered, body
    found = s3._parse_range(span, len(body))
    if found is None:
        size = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
        return 416, size, s3._xml_body(s3._range_error_xml(bucket, key))
    first, last = found
    part = body[first : last + 1]
    about = {"Content-Length": str(len(part)), "Content-Range": f"bytes {first}-{last}/{len(body)}"}
    return 206, {**answered, **about}, part


def _hiding_what_is_missing(read: Callable[..., Response]) -> Callable[..., Response]:
    """AWS: only who may list a bucket is told that it has no such object. Stock tells everybody."""

    @wraps(read)
    def hiding(bucket: str, key: str, headers: Mapping[str, Any], query: Query | None = None) -> Response:
        answer = read(bucket, key, headers, query)
        if answer[0] != 404 or _version(query) or bucket not in s3._buckets:
            return answer
        refusal = iam_evaluator.enforce(
            extract_access_key_id(headers, query or {}),
            "s3:ListBucket",
            "s3",
            extract_region(headers, query or {}),
            f"arn:aws:s3:::{bucket}",
        )
        return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}") if refusal else answer

    return hiding


def put_object_tagging(bucket: str, key: str, body: bytes, query: Query | None = None) -> Response:
    """AWS: tags have limits, and a version under a delete marker has tags too. Stock knows neither."""
    try:
        tags = list(s3._iter_tag_pairs(s3.fromstring(body)))
    except SyntaxError:
        tags = []
    if problem := _problem(tags):
        code, message = problem
        return s3._error(code, message, 400, f"/{bucket}/{key}")  # type: ignore[no-any-return]
    if not _is_hidden(bucket, key, query):
        answer: Response = _stock_put_tags(bucket, key, body, query)
        return answer
    s3._object_tags[bucket, key, _version(query)] = dict(tags)
    return 200, {"x-amz-version-id": _version(query)}, b""


def get_object_tagging(bucket: str, key: str, query: Query | None = None) -> Response:
    """AWS: a version under a delete marker has tags too."""
    if not _is_hidden(bucket, key, query):
        answer: Response = _stock_get_tags(bucket, key, query)
        return answer
    root = Element("Tagging", xmlns=s3.S3_NS)
    listed = SubElement(root, "TagSet")
    for name, value in s3._object_tags.get((bucket, key, _version(query)), {}).items():
        tag = SubElement(listed, "Tag")
        SubElement(tag, "Key").text, SubElement(tag, "Value").text = name, value
    return 200, {"Content-Type": "application/xml", "x-amz-version-id": _version(query)}, tostring(root)


def put_bucket_versioning(bucket: str, body: bytes) -> Response:
    """AWS: where objects are locked, every version is kept. Stock lets the versions be suspended."""
    if bucket in s3._bucket_object_lock and b">Suspended<" in body:
        message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        return s3._error("InvalidBucketState", message, 409, f"/{bucket}")  # type: ignore[no-any-return]
    answer: Response = _stock_put_versioning(bucket, body)
    return answer


def _problem(tags: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Code and message."""
    if len(tags) > _MAX_TAGS:
        return "BadRequest", "Object tags cannot be greater than 10"
    if len({name for name, _ in tags}) < len(tags):
        return "InvalidTag", "Cannot provide multiple Tags with the same key"
    if not all(0 < len(name) <= _MAX_TAG_KEY for name, _ in tags):
        return "InvalidTag", "The TagKey you have provided is invalid"
    if not all(len(value or "") <= _MAX_TAG_VALUE for _, value in tags):
        return "InvalidTag", "The TagValue you have provided is invalid"
    return None


def _is_hidden(bucket: str, key: str, query: Query | None) -> bool:
    """Whether this is a version of an object whose newest is a delete marker."""
    return (
        bucket in s3._buckets
        and key not in s3._buckets[bucket]["objects"]
        and any(
            it["version_id"] == _version(query) and not it.get("is_delete_marker")
            for it in s3._object_versions.get((bucket, key), [])
        )
    )


def _version(query: Query | None) -> str:
    return str(s3._qp(query or {}, "versionId", "") or "")
