"""The quarantine seen by a scan: what the fake of the tests and the one in S3 (on moto) both do, then S3 alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.held_objects import S3HeldObjects, S3HeldVersions
from shared.errors import RunsCorrupt, StoreUnavailable
from shared.scan.ports import HeldObject
from tests.fakes.held_objects import FakeHeldObjects

KEYS = [f"2023/11/{day:02}/{day:032x}" for day in range(1, 8)]
ODD_KEY = "2023/11/30/ü + &%?"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", config=config("s3"))
        client.create_bucket(Bucket="held")
        client.put_bucket_versioning(Bucket="held", VersioningConfiguration={"Status": "Enabled"})
        yield client


Bucket = tuple[Any, Callable[[str, bytes], None], Callable[[str], None]]


@pytest.fixture(params=["fake", "s3"])
def bucket(request) -> Bucket:
    """A bucket, and how somebody else writes and deletes in it."""
    if request.param == "fake":
        fake = FakeHeldObjects()
        return fake, fake.contents.__setitem__, fake.contents.__delitem__
    s3 = request.getfixturevalue("s3")
    return (
        S3HeldObjects(s3, "held"),
        lambda key, content: s3.put_object(Bucket="held", Key=key, Body=content),
        lambda key: s3.delete_object(Bucket="held", Key=key),
    )


def _pages(source: Any, limit: int) -> Iterator[list[HeldObject]]:
    cursor, first = "", True
    while cursor or first:
        found, cursor = source.page(segment=4, total=4, cursor=cursor, limit=limit)
        first = False
        yield list(found)


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_every_object_comes_once_in_the_order_of_the_keys(bucket, limit):
    held, put, _ = bucket
    for key in (*KEYS, ODD_KEY):
        put(key, b"12")

    pages = list(_pages(held, limit))

    assert [HeldObject(key, 2) for key in (*KEYS, ODD_KEY)] == [one for page in pages for one in page]
    assert max(map(len, pages)) <= limit


def test_an_empty_bucket_is_one_empty_page(bucket):
    assert [[]] == list(_pages(bucket[0], 10))


def test_an_objects_id_is_the_last_part_of_its_key():
    assert f"{1:032x}" == HeldObject(KEYS[0], 2).quarantine_id
    assert HeldObject("no folder", 2).quarantine_id == "no folder"


@pytest.mark.parametrize("content", [b"", b"1", b"12345", b"1234567"])
def test_the_first_bytes_and_the_whole_are_read(bucket, content):
    held, put, _ = bucket
    put(KEYS[0], content)
    one = HeldObject(KEYS[0], len(content))

    assert content[:5] == held.head(one)
    assert content == held.read(one).content


def test_what_is_gone_is_told_as_gone(bucket):
    held, put, delete = bucket
    put(KEYS[0], b"1234567")
    one, tag = HeldObject(KEYS[0], 7), held.read(HeldObject(KEYS[0], 7)).etag
    delete(KEYS[0])

    assert held.head(one) is None
    assert held.read(one) is None
    assert not held.replace(one, b"other", etag=tag)
    assert [[]] == list(_pages(held, 10))


def test_content_is_replaced_only_while_it_is_what_was_read(bucket):
    held, put, _ = bucket
    put(KEYS[0], b"first")
    one = HeldObject(KEYS[0], 5)
    read = held.read(one)

    assert held.replace(one, b"second", etag=read.etag)
    assert not held.replace(one, b"third", etag=read.etag)
    assert held.read(one).content == b"second"


def test_only_the_asked_range_of_an_object_is_fetched(s3):
    ranges = []
    s3.meta.events.register("provide-client-params.s3.GetObject", lambda params, **_: ranges.append(params["Range"]))
    s3.put_object(Bucket="held", Key="k", Body=b"x" * 1_000)

    assert S3HeldObjects(s3, "held").head(HeldObject("k", 1_000)) == b"xxxxx"
    assert ["bytes=0-4"] == ranges


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_every_version_comes_once_and_is_read_as_it_was(s3, limit):
    for key in ("a", "b", "c"):
        for content in (b"old", b"newer"):
            s3.put_object(Bucket="held", Key=key, Body=content)
    s3.delete_object(Bucket="held", Key="b")
    held = S3HeldObjects(s3, "held")

    versions = [one for page in _pages(S3HeldVersions(s3, "held"), limit) for one in page]

    expected = [(key, content) for key in ("a", "b", "c") for content in (b"newer", b"old")]
    assert sorted(expected) == sorted((one.key, held.read(one).content) for one in versions)
    assert {content[:5] for _, content in expected} == {held.head(one) for one in versions}
    assert held.head(HeldObject("a", 3, version_id="00000000-0000-0000-0000-000000000000")) is None


@pytest.mark.parametrize("cursor", ["x", "[]", "{}", '["a"]', "1"])
def test_a_cursor_of_another_form_is_refused(s3, cursor):
    with pytest.raises(RunsCorrupt):
        S3HeldVersions(s3, "held").page(segment=0, total=0, cursor=cursor, limit=1)


ONE = HeldObject("k", 9)
CALLS = {
    "page": lambda s3: S3HeldObjects(s3, "not-there").page(segment=0, total=1, cursor="", limit=1),
    "versions": lambda s3: S3HeldVersions(s3, "not-there").page(segment=0, total=1, cursor="", limit=1),
    "head": lambda s3: S3HeldObjects(s3, "not-there").head(ONE),
    "read": lambda s3: S3HeldObjects(s3, "not-there").read(ONE),
    "replace": lambda s3: S3HeldObjects(s3, "not-there").replace(ONE, b"", etag='"x"'),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_its_bucket_nothing_is_answered(s3, call):
    with pytest.raises(StoreUnavailable):
        call(s3)
