from __future__ import annotations

import base64
import gzip
import json

import boto3
import pytest
from moto import mock_aws

from ops.demo.leaks import LeakSearch, bucket_objects, text_of
from shared.aws.clients import forget

VALUE = "Žofie 078-05-1120"
RAW = VALUE.encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"x{VALUE}y", id="as it is"),
        pytest.param(json.dumps({"a": VALUE}), id="JSON with escapes"),
        pytest.param(VALUE.encode().hex(), id="hex"),
        pytest.param(VALUE.encode().hex().upper(), id="upper-case hex"),
        *(
            pytest.param(
                base64.b64encode(b"?" * before + VALUE.encode() + b"!" * after).decode(), id=f"b64 {before}{after}"
            )
            for before in range(4)
            for after in range(3)
        ),
        pytest.param(text_of({"a": {"B": VALUE.encode()}}), id="a DynamoDB binary"),
        pytest.param(text_of({"a": {"SS": {VALUE}}}), id="a set"),
    ],
)
def test_a_value_is_found_in_every_form(text):
    assert LeakSearch([VALUE, "other"]).hits("here", text)


def test_what_is_not_there_is_not_found():
    assert set() == LeakSearch([VALUE]).hits("here", "Žofie 078-05-1121 " + base64.b64encode(b"Zofie 078-05").decode())


def test_what_is_zipped_is_searched_unzipped(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="trail")
        s3.put_object(Bucket="trail", Key="a.ndjson.gz", Body=gzip.compress(b"zipped secret-1\n" * 50))
        s3.put_object(Bucket="trail", Key="b-secret-2.json", Body=b"plain \xff")
        forget()
        search = LeakSearch(["secret-1", "secret-2"])
        found = [leak for where, text in bucket_objects("trail") for leak in search.hits(where, text)]
        forget()

    assert {0, 1} == {leak.value_number for leak in found}
