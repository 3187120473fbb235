"""Four queues with letters, and the functions that work them off."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ops.clock import Clock
from ops.deadletter.letter import Of
from ops.deadletter.queues import Queue
from ops.deadletter.redrive import Ports
from shared.findings import ItemReference, to_messages
from shared.landing import Notice
from shared.model import VerdictKind
from tests.fakes.clock import FakeClock
from tests.fakes.landing import BUCKET
from tests.fakes.redriver import FakeAuditor, FakeRecord, FakeRedriver
from tests.fakes.sqs import FakeSqs

STREAM = "arn:aws:kinesis:eu-central-1:111122223333:stream/source"
TABLE_STREAM = "arn:aws:dynamodb:eu-central-1:111122223333:table/items/stream/1"
REFERENCES = [ItemReference("acme", str(number), VerdictKind.STALE, 0.0) for number in range(2)]
RECORDS = [FakeRecord(number, 1_700_000_000.0 + number) for number in range(10, 20)]


def position(first: int, last: int, *, stream: str = STREAM, shard: str = "shard-1") -> str:
    info = {
        "shardId": shard,
        "startSequenceNumber": str(first),
        "endSequenceNumber": str(last),
        "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20.000Z",
        "approximateArrivalOfLastRecord": "2023-11-14T22:13:21.000Z",
        "batchSize": last - first + 1,
        "streamArn": stream,
    }
    name = "KinesisBatchInfo" if ":kinesis:" in stream else "DDBStreamBatchInfo"
    return json.dumps({"requestContext": {"condition": "RecordAgeExceeded"}, name: info})


def findings() -> str:
    (message,) = to_messages(REFERENCES)
    return message


@dataclass
class World:
    """`sent` is what came to the findings queue, `asked` to the landing queue."""

    clock: FakeClock = field(default_factory=FakeClock)
    redriver: FakeRedriver = field(default_factory=lambda: FakeRedriver({"shard-1": RECORDS}))
    auditor: FakeAuditor = field(default_factory=FakeAuditor)
    sent: list[ItemReference] = field(default_factory=list)
    asked: list[Notice] = field(default_factory=list)
    sqs: dict[Of, FakeSqs] = field(init=False)

    def __post_init__(self) -> None:
        self.sqs = {of: FakeSqs(self.clock) for of in Of}

    def ports(self) -> Ports:
        streams = {Of.ENCRYPTOR: ":stream/source", Of.AUDITOR: TABLE_STREAM, Of.REENCRYPTOR: "", Of.LANDING: BUCKET}
        clients: dict[Of, object] = dict(self.sqs)
        return Ports(
            queues=[Queue(clients[of], of, "https://queue", streams[of]) for of in Of],  # type: ignore[arg-type]
            functions={
                Of.ENCRYPTOR: (self.redriver, "redriver"),
                Of.AUDITOR: (self.auditor, "auditor"),
                Of.LANDING: (self.redriver, "redriver"),
            },
            send_findings=self.sent.extend,
            send_object=self.asked.append,
            clock=Clock(self.clock.wall, self.clock.monotonic, self.clock.advance),
        )

    def left(self, of: Of) -> list[str]:
        return [message.message_id for message in self.sqs[of].messages]
