"""The audit bucket, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from moto import mock_aws

from shared.aws.audit_bucket import ATTEMPTS, AuditBucket
from shared.aws.clients import config
from shared.errors import ObjectUnreadable, StoreDenied, StoreUnavailable

START = 1_767_225_600
KEYS = [f"segments/2026/01/01/{hour:02}/encryptor/shard-{hour:016x}.ndjson.gz" for hour in range(7)]


@pytest.fixture
def s3(monkeypatch) -> Iterator[Any]:
    """Each object is a second younger than the one before: moto tells versions of one key apart by their time."""
    seconds = count(START)
    monkeypatch.setattr(
        "moto.s3.models.utcnow", lambda: datetime.fromtimestamp(next(seconds), UTC).replace(tzinfo=None)
    )
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", config=config("s3"))
        client.create_bucket(Bucket="trail")
        client.put_bucket_versioning(Bucket="trail", VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def bucket(s3) -> AuditBucket:
    return AuditBucket(s3, "trail")


def test_an_object_is_written_once(bucket):
    assert bucket.put_once("segments/a", b"first")
    assert not bucket.put_once("segments/a", b"second")

    assert b"first" == bucket.read("segments/a")


def test_objects_are_listed_by_key_with_what_is_known_of_them(bucket):
    for key in (*reversed(KEYS), "manifests/000000000001.json"):
        bucket.put_once(key, key.encode())

    listed = list(bucket.listed("segments/"))

    assert KEYS == [one.key for one in listed]
    assert {len(KEYS[0])} == {one.bytes for one in listed}
    assert all(START <= one.last_modified < START + 100 for one in listed)
    assert [key.encode() for key in KEYS] == [bucket.read(one.key, one.version_id) for one in listed]
    assert not any(one.other_versions for one in listed)


def test_a_listing_goes_on_after_a_key(bucket):
    for key in KEYS:
        bucket.put_once(key, b"content")

    assert KEYS[4:] == [one.key for one in bucket.listed("segments/", KEYS[3])]
    assert [] == list(bucket.listed("segments/", KEYS[-1]))


@pytest.mark.parametrize("page", [1, 2, 3, 1_000])
def test_of_each_key_the_oldest_version_counts(s3, bucket, page):
    s3.meta.events.register(
        "provide-client-params.s3.ListObjectVersions", lambda params, **_: params | {"MaxKeys": page}
    )
    for key in KEYS[:4]:
        bucket.put_once(key, b"as written")
    s3.put_object(Bucket="trail", Key=KEYS[1], Body=b"put over it")
    s3.delete_object(Bucket="trail", Key=KEYS[1])
    s3.put_object(Bucket="trail", Key=KEYS[1], Body=b"and again")
    s3.delete_object(Bucket="trail", Key=KEYS[2])

    listed = list(bucket.listed("segments/"))

    assert [(KEYS[0], False), (KEYS[1], True), (KEYS[2], True), (KEYS[3], False)] == [
        (one.key, one.other_versions) for one in listed
    ]
    assert {b"as written"} == {bucket.read(one.key, one.version_id) for one in listed}


def test_a_delete_marker_alone_is_no_object(s3, bucket):
    s3.delete_object(Bucket="trail", Key=KEYS[0])

    assert [] == list(bucket.listed(""))


class _BrokenOff(BytesIO):
    def read(self, *_: Any) -> bytes:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=2)


def test_what_breaks_off_is_read_again(s3, bucket, monkeypatch):
    bodies = [_BrokenOff() for _ in range(ATTEMPTS - 1)] + [BytesIO(b"whole")]
    monkeypatch.setattr(s3, "get_object", lambda **_: {"Body": bodies.pop(0)})

    assert b"whole" == bucket.read("segments/a")

    bodies[:] = [_BrokenOff() for _ in range(ATTEMPTS)]
    with pytest.raises(StoreUnavailable, match="reading from the audit bucket: IncompleteReadError"):
        bucket.read("segments/a")
    assert [] == bodies


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("InvalidRequest", ObjectUnreadable),
        ("KMS.DisabledException", ObjectUnreadable),
        ("NoSuchVersion", ObjectUnreadable),
        ("KMS.ThrottlingException", StoreUnavailable),
        ("SlowDown", StoreUnavailable),
        ("AccessDenied", StoreDenied),
    ],
)
def test_an_object_that_is_given_to_nobody_is_told_from_a_bucket_that_does_not_answer(
    s3, bucket, monkeypatch, code, error
):
    asked = []

    def refuse(**_: Any) -> None:
        asked.append(1)
        raise ClientError({"Error": {"Code": code, "Message": "CANARY"}}, "GetObject")

    monkeypatch.setattr(s3, "get_object", refuse)
    with pytest.raises(StoreUnavailable, match=f"reading from the audit bucket: {code}") as raised:
        bucket.read("segments/a")
    assert (error, 1 if error is ObjectUnreadable else ATTEMPTS) == (type(raised.value), len(asked))
    assert "CANARY" not in str(raised.value)


def test_its_time_is_that_of_its_answers(s3, bucket):
    answered = {"date": "Thu, 01 Jan 2026 00:00:05 GMT"}

    s3.meta.events.register(
        "before-parse.s3.ListObjectVersions", lambda response_dict, **_: response_dict["headers"].update(answered)
    )
    assert START + 5 == bucket.now()


CALLS = {
    "now": lambda bucket: bucket.now(),
    "put": lambda bucket: bucket.put_once("a", b""),
    "list": lambda bucket: list(bucket.listed("")),
    "read": lambda bucket: bucket.read("a"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_its_bucket_nothing_is_answered(s3, call):
    with pytest.raises(StoreUnavailable):
        call(AuditBucket(s3, "not-there"))


def test_what_is_not_there_cannot_be_read(bucket):
    with pytest.raises(StoreUnavailable, match="NoSuchKey"):
        bucket.read("segments/a")
