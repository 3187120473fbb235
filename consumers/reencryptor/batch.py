"""One batch of the findings queue: a message is done when each of its items is, else it comes back whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from shared.errors import OutOfTime, RetryLater
from shared.findings import ItemReference, from_message
from shared.model import ITEM_ID, TENANT_ID, Attributes
from shared.reencrypt.model import Candidate, Fate, Mended
from shared.reencrypt.ports import ItemReads
from shared.runtime.batch import attempt

RESERVE_SECONDS: Final = 36
"""With less time left no items are begun: a call of AWS takes 27 s at most (shared/aws/clients.py)."""
ITEMS_AT_ONCE: Final = 8
"""Of 400 KB each, which can be 50 MB a piece once they are read: so many are in memory, and mended before the next."""


class Mender(Protocol):
    """Mends items; see `shared.reencrypt.reencryptor.Reencryptor`."""

    def mend(self, candidates: Sequence[Candidate]) -> list[Mended]:
        """What became of each candidate, in their order."""


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What became of one message.

    Attributes:
        sent_at: by the auditor; seconds since the epoch.
        references: each item once; none where the message is none of ours.
        mended: for those that were come to before items could not be read, time was up or nobody foresaw what happened.
        done: false: it is delivered again.
    """

    message_id: str
    sent_at: float
    references: Sequence[ItemReference]
    mended: Sequence[Mended]
    done: bool

    def fates(self) -> Counter[Fate]:
        """How many items had each fate; they add up to the references."""
        untold = len(self.references) - len(self.mended)
        return Counter(one.fate for one in self.mended) + Counter({Fate.RETRY: untold})


@dataclass(frozen=True, slots=True)
class FindingsConsumer:
    """What messages are worked off with."""

    reads: ItemReads
    mender: Mender

    def process(
        self, messages: Sequence[Mapping[str, Any]], *, seconds_left: Callable[[], float]
    ) -> list[MessageResult]:
        """Work off the messages of one Lambda event, one after the other.

        Args:
            messages: as in the event.
            seconds_left: until the invocation is ended; what is not begun in time is delivered again.
        """
        return [self._work_off(message, seconds_left) for message in messages]

    def _work_off(self, message: Mapping[str, Any], seconds_left: Callable[[], float]) -> MessageResult:
        about = message["attributes"]
        references: list[ItemReference] = []
        mended: list[Mended] = []

        def work() -> None:
            references.extend({_key(one): one for one in from_message(message["body"])}.values())
            for some in _in_turn(references, deliveries=int(about["ApproximateReceiveCount"])):
                if seconds_left() < RESERVE_SECONDS:
                    raise OutOfTime(f"less than {RESERVE_SECONDS} s of the invocation are left")
                mended.extend(map(_sent_back, self._mend(some)))
            _check_done(mended)

        done = attempt(message["messageId"], work, named="message_id")
        return MessageResult(message["messageId"], int(about["SentTimestamp"]) / 1_000, references, mended, done)

    def _mend(self, references: Sequence[ItemReference]) -> list[Mended]:
        """What became of each item, as it stands now: by the time of its message it may be mended, or gone."""
        by_key = {_key(one): one for one in references}
        images = {_key_of(image): image for image in self.reads.batch_get(list(by_key))}
        gone = [Mended(*key, Fate.CLEAN) for key in by_key if key not in images]
        candidates = [Candidate(image, _open_since(by_key[key])) for key, image in images.items()]
        return gone + self.mender.mend(candidates)


def _in_turn(references: Sequence[ItemReference], *, deliveries: int) -> list[Sequence[ItemReference]]:
    """A few at a time, beginning further on at each delivery: what takes all the time stands in nobody's way twice."""
    some = [references[start : start + ITEMS_AT_ONCE] for start in range(0, len(references), ITEMS_AT_ONCE)]
    begin = (deliveries - 1) % max(1, len(some))
    return some[begin:] + some[:begin]


def _sent_back(one: Mended) -> Mended:
    """The same, but to be tried again where what was left may pass: a short denial would drop the finding for good."""
    return replace(one, fate=Fate.RETRY) if one.may_pass else one


def _check_done(mended: Sequence[Mended]) -> None:
    again = [one for one in mended if one.fate is Fate.RETRY]
    if again:
        reasons = Counter(example.why for one in again for example in one.examples)
        said = "; ".join(f"{why} ({count})" for why, count in reasons.most_common(3))
        raise RetryLater(f"{len(again)} of {len(mended)} items could not be mended now: {said}")


def _key(reference: ItemReference) -> tuple[str, str]:
    return reference.tenant_id, reference.item_id


def _key_of(image: Attributes) -> tuple[str, str]:
    return image[TENANT_ID]["S"], image[ITEM_ID]["S"]


def _open_since(reference: ItemReference) -> float | None:
    """Since when it stands in clear, as far as the auditor saw."""
    return reference.changed_at or None
