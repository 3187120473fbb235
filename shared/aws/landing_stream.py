"""The source stream, seen from who puts many records: what Kinesis does not take is put again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import uniform
from time import sleep as real_sleep
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, store_error
from shared.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

Record = tuple[str, bytes]
"""Partition key and data."""

ATTEMPTS_IN_VAIN: Final = 8
"""In a row, none of which a record passed in: some half a minute."""
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0


class KinesisLandingStream:
    """Puts records; `sleep` waits, in seconds, before what was not taken is put again."""

    def __init__(self, client: KinesisClient, name: str, *, sleep: Callable[[float], None] = real_sleep) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def put(self, records: Sequence[Record], *, may_wait: Callable[[], bool]) -> None:
        """Put all of them, up to 500 and 5 MB; again, what was throttled, as long as some of it passes.

        The longer in between, the more is refused: a pause grows where over a quarter is.

        Raises:
            StoreUnavailable: Kinesis does not answer, or takes nothing more, or no time is left to wait; some may be
                in the stream.
        """
        left = list(records)
        in_vain, pause = 0, _FIRST_PAUSE_SECONDS
        while True:
            refused, codes = self._put(left)
            if not refused:
                return
            refused_share = len(refused) / len(left)
            in_vain = in_vain + 1 if len(refused) == len(left) else 0
            left = refused
            if in_vain == ATTEMPTS_IN_VAIN or not may_wait():
                raise StoreUnavailable(f"putting records: {len(left)} are not taken: {', '.join(sorted(codes))}")
            pause = min(_LONGEST_PAUSE_SECONDS, max(_FIRST_PAUSE_SECONDS, pause * 4 * refused_share))
            self._sleep(uniform(pause / 2, pause))  # noqa: S311 - jitter

    def _put(self, records: Sequence[Record]) -> tuple[list[Record], set[str]]:
        """Those that were not taken, in their order, and why."""
        asked: Any = [{"PartitionKey": key, "Data": data} for key, data in records]
        try:
            answers = self._client.put_records(StreamName=self._name, Records=asked)["Records"]
        except AWS_ERRORS as error:
            raise store_error(error, "putting records") from None
        failed = [index for index, answer in enumerate(answers) if answer.get("ErrorCode")]
        return [records[index] for index in failed], {str(answers[index]["ErrorCode"]) for index in failed}
