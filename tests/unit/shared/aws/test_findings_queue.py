"""References arrive, in few calls; what SQS does not take is sent again, and then said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.findings_queue import ATTEMPTS, BYTES_PER_CALL, SqsFindingsQueue
from shared.errors import StoreUnavailable
from shared.findings import ItemReference, from_message
from shared.model import VerdictKind


def references(number, item_id="id"):
    return [ItemReference("acme", f"{item_id}-{one}", VerdictKind.PLAINTEXT, 1.0) for one in range(number)]


class FakeSqs:
    """Takes messages, but not those that `refuses` says, given the call's number from 1 and the entry's id."""

    def __init__(self, refuses=lambda call, entry_id: False):
        self.refuses = refuses
        self.calls: list[list[Any]] = []
        self.taken: list[str] = []

    def send_message_batch(self, QueueUrl, Entries):  # noqa: N803 - boto3's names
        assert QueueUrl == "url"
        self.calls.append(Entries)
        failed = [one for one in Entries if self.refuses(len(self.calls), one["Id"])]
        self.taken += [one["MessageBody"] for one in Entries if one not in failed]
        return {"Failed": [{"Id": one["Id"], "Code": "InternalError", "SenderFault": False} for one in failed]}

    def references(self):
        return [reference for body in self.taken for reference in from_message(body)]


def queue(sqs, waited=None):
    return SqsFindingsQueue(sqs, "url", sleep=(waited if waited is not None else []).append)


@pytest.fixture
def real() -> Iterator[tuple[SqsFindingsQueue, Any, str]]:
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1", config=config("sqs"))
        url = sqs.create_queue(QueueName="findings")["QueueUrl"]
        yield SqsFindingsQueue(sqs, url), sqs, url


def test_what_is_sent_lies_in_the_queue(real):
    findings, sqs, url = real
    findings.send(references(150))
    bodies = [message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    assert set(references(150)) == {reference for body in bodies for reference in from_message(body)}
    assert len(bodies) == 2


def test_an_error_of_sqs_is_an_outage_that_quotes_nothing(real):
    findings, sqs, url = real
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(
        StoreUnavailable, match=r"sending findings: AWS[.]SimpleQueueService[.]NonExistentQueue"
    ) as caught:
        findings.send(references(1))
    assert "id-0" not in str(caught.value)


def test_nothing_to_send_is_no_call():
    sqs = FakeSqs()
    queue(sqs).send([])
    assert sqs.calls == []


def test_a_call_has_at_most_ten_messages():
    sqs = FakeSqs()
    queue(sqs).send(references(2_100))
    assert [10, 10, 1] == [len(entries) for entries in sqs.calls]
    assert references(2_100) == sqs.references()


def test_a_call_stays_below_the_size_that_sqs_takes():
    sqs = FakeSqs()
    long = references(200, item_id="\x01" * 1_000)
    queue(sqs).send(long)
    sizes = [sum(len(entry["MessageBody"]) for entry in entries) for entries in sqs.calls]
    assert max(sizes) <= BYTES_PER_CALL
    assert long == sqs.references()


def test_what_sqs_refuses_is_sent_again_alone():
    waited: list[float] = []
    sqs = FakeSqs(refuses=lambda call, entry_id: call < 3 and entry_id in {"1", "3"})
    queue(sqs, waited).send(references(400))
    assert [["0", "1", "2", "3"], ["1", "3"], ["1", "3"]] == [[one["Id"] for one in call] for call in sqs.calls]
    assert set(references(400)) == set(sqs.references())
    assert len(waited) == 2


def test_what_sqs_keeps_refusing_is_an_outage():
    sqs = FakeSqs(refuses=lambda call, entry_id: entry_id == "1")
    with pytest.raises(StoreUnavailable, match="1 messages refused 4 times: InternalError"):
        queue(sqs).send(references(300))
    assert len(sqs.calls) == ATTEMPTS


def test_an_error_of_a_call_is_told_by_its_code():
    class Down:
        def send_message_batch(self, **_):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "canary"}}, "SendMessageBatch")

    with pytest.raises(StoreUnavailable, match=r"^sending findings: ThrottlingException$"):
        queue(Down()).send(references(1))
