"""What audit trail, quarantine and landing bucket ask of S3: conditional writes, versions, ranges, tags, rights."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import LocalAws, make_role, unique


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


def test_a_range_of_one_version_is_read(s3: Any, bucket: str) -> None:
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc")
    answer = s3.get_object(Bucket=bucket, Key="k", VersionId=first, Range="bytes=4-")
    assert (b"456789", first, "bytes 4-9/10") == (answer["Body"].read(), answer["VersionId"], answer["ContentRange"])
    assert 10 == s3.head_object(Bucket=bucket, Key="k", VersionId=first)["ContentLength"]


@pytest.mark.also_on_stock
def test_what_is_not_there_is_told_apart(s3: Any, bucket: str) -> None:
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    absent = version[:-1] + ("a" if version[-1] != "a" else "b")
    assert {
        "an absent key": (404, "NoSuchKey"),
        "a deleted key": (404, "NoSuchKey"),
        "an absent version": (404, "NoSuchVersion"),
        "a delete marker": (405, "MethodNotAllowed"),
    } == {
        "an absent key": refusal(s3.get_object, Bucket=bucket, Key="none"),
        "a deleted key": refusal(s3.get_object, Bucket=bucket, Key="k"),
        "an absent version": refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=absent),
        "a delete marker": refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=marker),
    }
    assert b"1" == s3.get_object(Bucket=bucket, Key="k", VersionId=version)["Body"].read()


@pytest.mark.also_on_stock
def test_an_object_says_when_it_was_modified_in_whole_seconds_and_as_long_as_it_lives(s3: Any, bucket: str) -> None:
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    modified = s3.get_object(Bucket=bucket, Key="k", VersionId=version)["LastModified"]
    assert 0 == modified.microsecond
    s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=version, Tagging={"TagSet": []})
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    (listed,) = [it for it in s3.list_object_versions(Bucket=bucket)["Versions"] if it["VersionId"] == version]
    assert [modified, modified] == [
        s3.get_object(Bucket=bucket, Key="k", VersionId=version)["LastModified"],
        listed["LastModified"].replace(microsecond=0),
    ]


@pytest.mark.also_on_stock
def test_each_version_has_tags_of_its_own(s3: Any, bucket: str) -> None:
    first, second = (
        s3.put_object(Bucket=bucket, Key="k", Body=b"1", Tagging=f"made={n}&other=a%20b")["VersionId"] for n in (1, 2)
    )

    def tags(**version: str) -> dict[str, str]:
        answer = s3.get_object_tagging(Bucket=bucket, Key="k", **version)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    done = [{"Key": "state", "Value": "done"}, {"Key": "lines", "Value": "7"}]
    s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=first, Tagging={"TagSet": done})
    assert {"state": "done", "lines": "7"} == tags(VersionId=first)
    assert {"made": "2", "other": "a b"} == tags(VersionId=second) == tags()
    assert 2 == s3.get_object(Bucket=bucket, Key="k", VersionId=first)["TagCount"]
    assert (404, "NoSuchVersion") == refusal(
        s3.put_object_tagging, Bucket=bucket, Key="k", VersionId=first[:-1] + "_", Tagging={"TagSet": done}
    )


def test_a_version_under_a_delete_marker_has_tags_too(s3: Any, bucket: str) -> None:
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1", Tagging="made=1")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k")
    made = {"Key": "made", "Value": "1"}
    assert [made] == s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=version)["TagSet"]
    done = {"Key": "state", "Value": "done"}
    s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=version, Tagging={"TagSet": [done]})
    answer = s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=version)
    assert ([done], version) == (answer["TagSet"], answer["VersionId"])


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param(
            [{"Key": f"tag{n}", "Value": ""} for n in range(11)], id="more than ten", marks=pytest.mark.also_on_stock
        ),
        pytest.param([{"Key": "k" * 129, "Value": ""}], id="a long key"),
        pytest.param([{"Key": "k", "Value": "v" * 257}], id="a long value"),
        pytest.param([{"Key": "k", "Value": "a"}, {"Key": "k", "Value": "b"}], id="the same twice"),
    ],
)
def test_tags_have_limits(s3: Any, bucket: str, tags: list[dict[str, str]]) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    status, code = refusal(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert 400 == status
    assert code in ("BadRequest", "InvalidTag")


def test_a_multipart_upload_is_one_object_of_all_its_parts(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ContentType="application/gzip")["UploadId"]
    bodies = [b"a" * (5 * 2**20), b"b" * 3]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in enumerate(bodies, start=1)
    ]
    assert (404, "NoSuchKey") == refusal(s3.get_object, Bucket=bucket, Key="k")
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    assert done["ETag"].strip('"').endswith("-2")
    answer = s3.get_object(Bucket=bucket, Key="k", VersionId=done["VersionId"], Range="bytes=5242878-")
    assert (b"aabbb", "application/gzip") == (answer["Body"].read(), answer["ContentType"])


@pytest.mark.also_on_stock
def test_a_content_encoding_is_told_and_nothing_is_decoded(s3: Any, bucket: str) -> None:
    packed = gzip.compress(b"line\n" * 100)
    s3.put_object(Bucket=bucket, Key="k", Body=packed, ContentEncoding="gzip", ContentType="application/x-ndjson")
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert (packed, "gzip", "application/x-ndjson") == (
        answer["Body"].read(),
        answer["ContentEncoding"],
        answer["ContentType"],
    )


@pytest.mark.also_on_stock
@pytest.mark.parametrize("key", ["a b/ü+&=?#%25.ndjson", "tenant=acme/x", "//double//", "a/../b"])
def test_a_key_is_kept_to_the_letter(s3: Any, bucket: str, key: str) -> None:
    version = s3.put_object(Bucket=bucket, Key=key, Body=b"1")["VersionId"]
    assert [key] == [it["Key"] for it in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert b"1" == s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
    s3.put_object_tagging(Bucket=bucket, Key=key, VersionId=version, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert 1 == len(s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"])


#: What is asked of a version, and of the newest whatever it is, each with the permission that it needs.
PERMISSIONS: dict[str, tuple[str, Callable[[Any, str, str], Any]]] = {
    "read": ("s3:GetObject", lambda s3, bucket, _: s3.get_object(Bucket=bucket, Key="k")),
    "read a version": (
        "s3:GetObjectVersion",
        lambda s3, bucket, version: s3.get_object(Bucket=bucket, Key="k", VersionId=version),
    ),
    "head a version": (
        "s3:GetObjectVersion",
        lambda s3, bucket, version: s3.head_object(Bucket=bucket, Key="k", VersionId=version),
    ),
    "tags": ("s3:GetObjectTagging", lambda s3, bucket, _: s3.get_object_tagging(Bucket=bucket, Key="k")),
    "tags of a version": (
        "s3:GetObjectVersionTagging",
        lambda s3, bucket, version: s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=version),
    ),
    "tag": (
        "s3:PutObjectTagging",
        lambda s3, bucket, _: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": []}),
    ),
    "tag a version": (
        "s3:PutObjectVersionTagging",
        lambda s3, bucket, version: s3.put_object_tagging(
            Bucket=bucket, Key="k", VersionId=version, Tagging={"TagSet": []}
        ),
    ),
    "put": ("s3:PutObject", lambda s3, bucket, _: s3.put_object(Bucket=bucket, Key="k", Body=b"2")),
    "delete": ("s3:DeleteObject", lambda s3, bucket, _: s3.delete_object(Bucket=bucket, Key="k")),
}


@pytest.mark.also_on_stock
@pytest.mark.parametrize("what", PERMISSIONS)
def test_each_call_needs_its_own_permission(local_aws: LocalAws, s3: Any, bucket: str, what: str) -> None:
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    needed, call = PERMISSIONS[what]
    objects = f"arn:aws:s3:::{bucket}/*"

    def outcome(*statements: dict[str, Any]) -> str:
        role = make_role(local_aws, {"Version": "2012-10-17", "Statement": list(statements)})
        session = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        try:
            call(local_aws.client("s3", session), bucket, version)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    others = sorted({action for action, _ in PERMISSIONS.values()} - {needed})
    assert outcome({"Effect": "Allow", "Action": others, "Resource": objects}) in ("AccessDenied", "403")
    assert "" == outcome({"Effect": "Allow", "Action": needed, "Resource": objects})


def test_who_may_not_list_is_not_told_that_an_object_is_missing(local_aws: LocalAws, s3: Any, bucket: str) -> None:
    read = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    refusals = []
    for statements in ([read], [read, listing]):
        role = make_role(local_aws, {"Version": "2012-10-17", "Statement": statements})
        session = local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        client = local_aws.client("s3", session)
        refusals.append(refusal(client.get_object, Bucket=bucket, Key="none"))
        refusals.append(refusal(client.head_object, Bucket=bucket, Key="none"))
    assert [(403, "AccessDenied"), (403, "403"), (404, "NoSuchKey"), (404, "404")] == refusals
