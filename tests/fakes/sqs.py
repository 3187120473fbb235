"""A queue of SQS, by the calls of its client that are used; time stands until it is moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.clock import FakeClock


@dataclass
class FakeMessage:
    message_id: str
    body: str
    sent_at: float
    visible_at: float = 0.0
    receives: int = 0

    @property
    def handle(self) -> str:
        """Only that of the last receive works."""
        return f"{self.message_id}/{self.receives}"


@dataclass
class FakeSqs:
    """The client; one queue is enough, whatever its URL.

    Attributes:
        fails: names of calls that are throttled.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    messages: list[FakeMessage] = field(default_factory=list)
    fails: set[str] = field(default_factory=set)

    def put(self, message_id: str, body: str) -> None:
        self.messages.append(FakeMessage(message_id, body, self.clock.wall()))

    @property
    def visible(self) -> list[str]:
        """Ids of what another would receive now."""
        return [message.message_id for message in self.messages if message.visible_at <= self.clock.wall()]

    def receive_message(self, **asked: Any) -> Any:
        self._check("receive_message")
        ready = [one for one in self.messages if one.message_id in self.visible][: asked["MaxNumberOfMessages"]]
        for one in ready:
            one.receives += 1
            one.visible_at = self.clock.wall() + asked["VisibilityTimeout"]
        received = [
            {
                "MessageId": one.message_id,
                "ReceiptHandle": one.handle,
                "Body": one.body,
                "Attributes": {"SentTimestamp": str(int(one.sent_at * 1_000))},
            }
            for one in ready
        ]
        return {"Messages": received} if received else {}

    def delete_message(self, **asked: Any) -> Any:
        self._check("delete_message")
        self.messages = [one for one in self.messages if one.handle != asked["ReceiptHandle"]]
        return {}

    def change_message_visibility_batch(self, **asked: Any) -> Any:
        self._check("change_message_visibility_batch")
        assert 1 <= len(asked["Entries"]) <= 10
        held = {one.handle: one for one in self.messages if one.visible_at > self.clock.wall()}
        failed = []
        for entry in asked["Entries"]:
            if one := held.get(entry["ReceiptHandle"]):
                one.visible_at = self.clock.wall() + entry["VisibilityTimeout"]
            else:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "MessageNotInflight"})
        return {"Successful": [], "Failed": failed}

    def get_queue_attributes(self, **_: Any) -> Any:
        self._check("get_queue_attributes")
        visible = len(self.visible)
        numbers = {"": visible, "NotVisible": len(self.messages) - visible}
        return {"Attributes": {f"ApproximateNumberOfMessages{name}": str(count) for name, count in numbers.items()}}

    def _check(self, name: str) -> None:
        if name in self.fails:
            raise ClientError({"Error": {"Code": "RequestThrottled", "Message": "5500005555555559"}}, name)
