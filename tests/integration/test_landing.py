"""Files in the landing bucket become items, on the real stacks; whatever S3 tells, and however often."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from consumers.landing_ingest import batches
from consumers.landing_ingest.ingest import Tally
from consumers.landing_ingest.wiring import wire
from shared.aws.clients import client
from shared.landing import Notice, ObjectVersion
from shared.runtime.settings import LandingIngestSettings
from tests.fakes.kept_events import kept_in_memory
from tests.integration.support import ARRIVES_WITHIN_SECONDS, SEALSTREAM, Deployment, unique
from tests.local_aws.support import wait_until

LARGE_BYTES = 50_000_000
LONG_LINE_BYTES = 350_000
"""Few such lines make many bytes; each is an item that DynamoDB just takes."""


def upload(deployment: Deployment, key: str, content: bytes) -> ObjectVersion:
    """By as many parts as the client takes."""
    s3 = client("s3")
    s3.upload_fileobj(io.BytesIO(content), deployment["LANDING_BUCKET"], key)
    version = s3.head_object(Bucket=deployment["LANDING_BUCKET"], Key=key)["VersionId"]
    return ObjectVersion(deployment["LANDING_BUCKET"], key, version)


def tags(about: ObjectVersion) -> dict[str, str]:
    answer = client("s3").get_object_tagging(Bucket=about.bucket, Key=about.key, VersionId=about.version)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def ended(about: ObjectVersion, within_seconds: float = ARRIVES_WITHIN_SECONDS) -> dict[str, str]:
    """The object's tags, once it has them."""
    return wait_until(lambda: tags(about), within_seconds, 0.2)


def run(*words: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run([SEALSTREAM, *words], check=False, capture_output=True, text=True)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def status(about: ObjectVersion) -> dict[str, Any]:
    _, (told,) = run("ingest", "status", about.name)
    return told


@pytest.fixture
def tenant() -> str:
    return unique("tenant")


def test_the_lines_of_a_file_become_sealed_and_audited_items(deployment: Deployment, tenant: str):
    about = upload(
        deployment,
        f"in/tenant={tenant}/a b.json",
        b'\xef\xbb\xbf{"id": "abc123", "encrypt": "I will be encrypted one day!", "secret_item": '
        b'{"nested_attribute": "Encrypt me!", "other": 7}, "list": [{"encrypt": "x"}]}\r\n\r\n'
        b'{"id": "efg456", "encrypt": "I am sensitive data!"}\r\n',
    )

    assert {"sealstream-ingest": "done", "sealstream-lines": "2", "sealstream-rejected": "0"} == ended(about)
    deployment.wait_for_item(tenant, "efg456")
    deployment.wait_for_item(tenant, "abc123")
    first = deployment.opened(tenant, "abc123")
    assert "I will be encrypted one day!" == first["encrypt"]
    assert {"nested_attribute": "Encrypt me!", "other": Decimal(7)} == first["secret_item"]
    assert [{"encrypt": "x"}] == first["list"]
    assert "I am sensitive data!" == deployment.opened(tenant, "efg456")["encrypt"]
    assert b"Encrypt me!" not in repr(deployment.stored(tenant, "abc123")).encode()
    deployment.wait_for_event(event="item.written", tenant_id=tenant, item_id="abc123")
    told = deployment.wait_for_event(event="object.ingested", object=f"s3://{about.bucket}/{about.key}")
    assert ("done", 2, 0) == (told["state"], told["lines"], told["rejected"])
    assert status(about).items() >= {"state": "done", "lines": 2, "next_line": 4}.items()


def test_what_is_no_record_is_held_with_its_object_and_line(deployment: Deployment, tenant: str):
    about = upload(
        deployment,
        f"tenant={tenant}/bad.json.gz",
        gzip.compress(b'nonsense\n{"id":"1","tenant_id":"somebody-else"}\n')
        + gzip.compress(b'{"id":"2","x":"fine"}\n' + b"x" * 1_500_000),
    )

    assert {"sealstream-ingest": "rejected", "sealstream-lines": "4", "sealstream-rejected": "3"} == ended(about)
    deployment.wait_for_item(tenant, "2")

    def held() -> list[dict[str, Any]]:
        _, lines = run("quarantine", "list")
        return [line for line in lines if line.get("version") == about.version]

    entries = wait_until(lambda: found if len(found := held()) == 3 else None, ARRIVES_WITHIN_SECONDS, 1)
    assert {(1, "not_json"), (2, "tenant_conflict"), (4, "line_too_long")} == {
        (entry["line"], entry["reason"]) for entry in entries
    }
    assert {f"s3://{about.bucket}/{about.key}"} == {entry["object"] for entry in entries}


def test_what_comes_again_changes_nothing_and_an_older_file_undoes_no_newer_one(deployment: Deployment, tenant: str):
    older = upload(deployment, f"tenant={tenant}/x.json", b'{"id":"1","is":"old"}\n{"id":"1","is":"a line later"}\n')
    ended(older)
    wait_until(lambda: deployment.stored(tenant, "1"), ARRIVES_WITHIN_SECONDS, 0.1)
    newer = upload(deployment, f"tenant={tenant}/y.json", b'{"id":"1","is":"new"}\n{"id":"2"}\n')
    ended(newer)
    deployment.wait_for_item(tenant, "2")
    wait_until(lambda: deployment.opened(tenant, "1")["is"] == "new", ARRIVES_WITHIN_SECONDS, 0.2)
    changes = deployment.changes(tenant, "1")

    assert 1 == run("ingest", "again", older.name)[0], "it has ended"
    assert 0 == run("ingest", "again", older.name, "--from-start")[0]
    assert 0 == run("ingest", "again", newer.name, "--from-start")[0]
    for _ in range(3):
        queue, late = deployment["LANDING_QUEUE"], Notice(older, "FF")
        client("sqs").send_message(QueueUrl=queue, MessageBody=late.to_message())

    wait_until(lambda: {status(one)["run"] for one in (older, newer)} == {2}, ARRIVES_WITHIN_SECONDS, 0.5)
    wait_until(lambda: {status(one)["state"] for one in (older, newer)} == {"done"}, ARRIVES_WITHIN_SECONDS, 0.5)
    upload(deployment, f"tenant={tenant}/z.json", b'{"id":"3"}\n')
    deployment.wait_for_item(tenant, "3")
    assert "new" == deployment.opened(tenant, "1")["is"]
    assert changes == deployment.changes(tenant, "1")


@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_what_one_invocation_leaves_the_next_one_does(
    deployment: Deployment, tenant: str, squeeze: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
):
    """The first, here, has hardly any time; what it asks for, the deployed function does."""
    content = b"".join(b'{"id":"%d"}\n' % number for number in range(12))
    about = upload(deployment, f"tenant={tenant}/left", squeeze(content))
    ended(about)
    settings = LandingIngestSettings(
        bucket=deployment["LANDING_BUCKET"],
        stream=deployment["STREAM"],
        progress_table=deployment["LANDING_RUNS"],
        queue=deployment["LANDING_QUEUE"],
        dead_letters=deployment["LANDING_DEAD_LETTER_QUEUE"],
        max_age_seconds=86_400,
    )
    monkeypatch.setattr(batches, "BATCH_RECORDS", 5)
    left, tally = iter([600.0]), Tally()

    with kept_in_memory():
        wire(settings).ingest.work_off(Notice(about, "00", run=2), seconds_left=lambda: next(left, 59.0), tally=tally)

    assert 5 == tally.lines
    wait_until(lambda: status(about)["state"] == "done", ARRIVES_WITHIN_SECONDS, 0.2)
    told = status(about)
    assert (2, 12, 0, 13) == (told["run"], told["put"], told["rejected"], told["next_line"])
    wait_until(lambda: _items(deployment, tenant) == 12, ARRIVES_WITHIN_SECONDS, 0.5)


def test_a_file_that_is_cut_off_is_told_and_its_whole_lines_are_in(deployment: Deployment, tenant: str):
    content = b"".join(b'{"id":"%d"}\n' % number for number in range(200))

    about = upload(deployment, f"tenant={tenant}/cut.gz", gzip.compress(content, 0)[:-40])

    assert "failed" == ended(about)["sealstream-ingest"]
    deployment.wait_for_item(tenant, "150")
    assert "cut off" in status(about)["why"]
    assert 1 == run("ingest", "status", about.name)[0]


def test_an_event_of_a_foreign_bucket_is_refused_and_kept_for_somebody_to_look_at(deployment: Deployment):
    key = unique("tenant=acme/somebodys-secret")
    about = ObjectVersion("somebody-elses-bucket", key, "v1")
    client("sqs").send_message(QueueUrl=deployment["LANDING_QUEUE"], MessageBody=Notice(about, "00").to_message())

    def letters() -> list[dict[str, Any]]:
        return [line for line in run("deadletter", "list", "--of", "landing")[1] if "foreign" in line]

    (letter,) = wait_until(letters, ARRIVES_WITHIN_SECONDS, 0.5)

    assert "it is about another bucket than the landing bucket" == letter["foreign"]
    assert 0 == run("deadletter", "skip", "--of", "landing", "--yes", letter["message_id"])[0]


def _large_lines() -> Iterator[bytes]:
    for number in range(LARGE_BYTES // LONG_LINE_BYTES):
        yield b'{"id":"%d","notes":"%s"}\n' % (number, b"%04d" % number * (LONG_LINE_BYTES // 4))


def test_fifty_megabytes_come_whole_through_a_function(deployment: Deployment, tenant: str):
    content = b"".join(_large_lines())
    lines = content.count(b"\n")

    about = upload(deployment, f"tenant={tenant}/large.json", content)

    assert {"sealstream-ingest": "done", "sealstream-lines": str(lines), "sealstream-rejected": "0"} == ended(
        about, 120
    )
    wait_until(lambda: _items(deployment, tenant) == lines, 120, 1)
    assert "0007" * (LONG_LINE_BYTES // 4) == deployment.opened(tenant, "7")["notes"]


def _items(deployment: Deployment, tenant: str) -> int:
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=deployment["TABLE"],
            KeyConditionExpression="tenant_id = :tenant",
            ExpressionAttributeValues={":tenant": {"S": tenant}},
            Select="COUNT",
        )
    )
    return sum(page["Count"] for page in pages)
