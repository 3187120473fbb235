"""The Lambda's entry point: what it answers, prints and keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consumers.notary import handler as module
from shared.aws.clients import config, forget
from shared.errors import KeyDenied, KeyServiceUnavailable, RetryLater, SettingsError, StoreUnavailable, TrailBroken
from tests.fakes.notary import NotaryAtWork

REGION = "eu-central-1"


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest.fixture
def work(monkeypatch) -> NotaryAtWork:
    work = NotaryAtWork()
    monkeypatch.setattr(module, "_notary", lambda: work.notary)
    return work


def invoke() -> Any:
    return module.handler({}, Context())


def _metrics(capsys: Any) -> dict[str, Any]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return next(line for line in lines if "ManifestsWritten" in line)


def test_it_answers_and_counts(work, capsys, kept):
    work.trail.write([1])

    assert {"manifests": 1, "segments": 1, "findings": 0} == invoke()
    metrics = _metrics(capsys)
    names = ("ManifestsWritten", "ManifestsComplete", "SegmentsAttested", "TrailVerificationFailed")
    assert (1, 1, 1, 0) == tuple(metrics[name] for name in names)
    assert [] == kept.events


def test_a_manifest_that_leaves_something_is_not_complete(work, capsys, kept, monkeypatch):
    work.trail.write([1])
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _: 1_000)
    invoke()
    metrics = _metrics(capsys)

    assert (1, 0) == (metrics["ManifestsWritten"], metrics["ManifestsComplete"])


def test_each_manifest_is_logged_by_number_and_digest(work, capsys, kept):
    invoke()

    first, *_ = map(json.loads, capsys.readouterr().out.splitlines())
    content = work.trail.objects["manifests/000000000001.json"].content
    assert {"event": "manifest", "number": 1, "sha256": sha256(content).hexdigest()} == first


def test_what_is_wrong_is_told_under_one_id(work, capsys, kept):
    gone = work.trail.write([1])
    invoke()
    del work.trail.objects[gone]
    capsys.readouterr()

    assert [1, 1] == [invoke()["findings"] for _ in range(2)]
    assert 1 == _metrics(capsys)["TrailVerificationFailed"]
    first, second = kept.events
    assert "trail.verification_failed" == first["event"]
    assert first["event_id"] == second["event_id"]
    assert [{"kind": "removed", "where": gone, "why": "was attested, and is not there"}] == first["findings"]
    assert 1 == first["finding_count"]


def test_where_it_stops_it_tells_why_first(work, capsys, kept):
    invoke()
    work.trail.alter("manifests/000000000001.json", b"")
    capsys.readouterr()

    with pytest.raises(TrailBroken):
        invoke()
    metrics = _metrics(capsys)
    assert (0, 1) == (metrics["ManifestsWritten"], metrics["TrailVerificationFailed"])
    assert ["trail.verification_failed"] == kept.names


def test_a_bucket_that_does_not_answer_is_no_finding(work, capsys, kept, monkeypatch):
    def down(*_: Any) -> Any:
        raise StoreUnavailable("the audit bucket is down")

    monkeypatch.setattr(work.bucket, "listed", down)

    with pytest.raises(RetryLater):
        invoke()
    metrics = _metrics(capsys)
    assert (0, 0) == (metrics["ManifestsWritten"], metrics["TrailVerificationFailed"])
    assert [] == kept.events


@pytest.mark.parametrize("error", [KeyServiceUnavailable("throttled"), KeyDenied("no such right")])
def test_a_signature_that_kms_does_not_give_is_counted(work, capsys, monkeypatch, error):
    invoke()
    assert 0 == _metrics(capsys)["KmsFailures"]

    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(type(work.notary), "write", refuse)

    with pytest.raises((RetryLater, KeyDenied)):
        invoke()
    assert 1 == _metrics(capsys)["KmsFailures"]


@pytest.fixture
def aws(monkeypatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        kms = boto3.client("kms", region_name=REGION, config=config("kms"))
        arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        boto3.client("s3", region_name=REGION).create_bucket(
            Bucket="trail", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        monkeypatch.setenv("SEALSTREAM_NOTARY_KEYS", arn)
        names: Any = (("run_id", "HASH"), ("row", "RANGE"))
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName="runs",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in names],
            BillingMode="PAY_PER_REQUEST",
        )
        monkeypatch.setenv("SEALSTREAM_RUNS", "runs")
        forget()
        module._notary.cache_clear()
        yield monkeypatch
        module._notary.cache_clear()
        forget()


def test_it_is_made_of_the_bucket_and_the_keys_that_the_environment_names(aws):
    # moto signs a digest of the digest, which the notary sees: up to there everything was found
    with pytest.raises(TrailBroken, match="does not sign as its public key verifies"):
        invoke()


@pytest.mark.parametrize("value", ["", "alias/notary", "arn:aws:kms:eu-central-1:1:key/a,"])
def test_without_its_keys_it_is_not_begun(aws, value):
    aws.setenv("SEALSTREAM_NOTARY_KEYS", value)

    with pytest.raises(SettingsError, match="SEALSTREAM_NOTARY_KEYS"):
        invoke()
