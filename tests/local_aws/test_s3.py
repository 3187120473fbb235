"""What the audit trail and the quarantine ask of S3: conditional writes, versions, ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import LocalAws, unique


@pytest.fixture
def s3(local_aws: LocalAws) -> Any:
    return local_aws.client("s3")


@pytest.fixture
def bucket(s3: Any) -> Iterator[str]:
    name = unique("bucket")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    yield name
    listed = s3.list_object_versions(Bucket=name)
    for one in listed.get("Versions", []) + listed.get("DeleteMarkers", []):
        s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=name)


def refusal(call: Any, **parameters: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response: dict[str, Any] = dict(error.value.response)
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.also_on_stock
def test_a_put_is_conditional_on_what_is_there(s3: Any, bucket: str) -> None:
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert (412, "PreconditionFailed") == refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first)["ETag"]
    assert second != first
    assert (412, "PreconditionFailed") == refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"3", IfMatch=first)
    assert (404, "NoSuchKey") == refusal(s3.put_object, Bucket=bucket, Key="none", Body=b"3", IfMatch=first)
    assert b"2" == s3.get_object(Bucket=bucket, Key="k")["Body"].read()


@pytest.mark.also_on_stock
def test_a_range_is_read(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")

    def read(span: str) -> tuple[bytes, str, int]:
        answer = s3.get_object(Bucket=bucket, Key="k", Range=span)
        return answer["Body"].read(), answer["ContentRange"], answer["ResponseMetadata"]["HTTPStatusCode"]

    assert (b"234", "bytes 2-4/10", 206) == read("bytes=2-4")
    assert (b"89", "bytes 8-9/10", 206) == read("bytes=8-")
    assert (b"789", "bytes 7-9/10", 206) == read("bytes=-3")
    assert (416, "InvalidRange") == refusal(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-")


@pytest.mark.also_on_stock
def test_versions_and_delete_markers_are_listed_newest_first_and_in_pages(s3: Any, bucket: str) -> None:
    versions = [s3.put_object(Bucket=bucket, Key="a", Body=str(n).encode())["VersionId"] for n in range(3)]
    marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]
    s3.put_object(Bucket=bucket, Key="b", Body=b"x")
    listed = s3.list_object_versions(Bucket=bucket, Prefix="a")
    assert versions[::-1] == [one["VersionId"] for one in listed["Versions"]]
    assert [(marker, True)] == [(one["VersionId"], one["IsLatest"]) for one in listed["DeleteMarkers"]]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    entries = [
        (one["Key"], one["VersionId"])
        for page in pages
        for one in page.get("Versions", []) + page.get("DeleteMarkers", [])
    ]
    assert 5 == len(entries)
    assert 5 == len(set(entries))
    assert b"1" == s3.get_object(Bucket=bucket, Key="a", VersionId=versions[1])["Body"].read()


def test_a_put_that_names_no_kms_key_is_encrypted_with_the_accounts_own(s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="a", Body=b"", ServerSideEncryption="aws:kms")
    assert put["ServerSideEncryption"] == "aws:kms"
    assert put["SSEKMSKeyId"].startswith("arn:aws:kms:")
