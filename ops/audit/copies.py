"""What AWS tells of the places that keep the items table's content, or what goes into it; all by reading."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Final, TypeVar

from ops.audit.holders import Copies
from ops.environment import setting
from shared.aws.backups import Copy, DynamoItemsHistory
from shared.aws.clients import client
from shared.aws.retention import object_days, stream_hours
from shared.errors import RetryLater

Answer = TypeVar("Answer")

_NONE: Final[Sequence[Copy]] = ()


def known_copies(
    since: float, until: float, environment: Mapping[str, str] = os.environ, *, other_tables: Sequence[str] = ()
) -> Copies:
    """Those that may keep something of these times; what cannot be asked is said.

    Args:
        since: seconds since the epoch.
        until: the same.
        environment: what is deployed.
        other_tables: those that had the items before, or were restored from a copy.

    Raises:
        SettingsError: a name is missing.
    """
    history = _history(setting("TABLE", environment))
    stream, bucket = setting("STREAM", environment), setting("LANDING_BUCKET", environment)
    asking = _Asking()
    return Copies(
        window=asking.for_(history.recovery_window, None),
        copies=[
            *_kept(history, asking, since, until),
            *(copy for name in other_tables for copy in _of_another_table(name, asking, since)),
        ],
        stream_hours=asking.for_(lambda: stream_hours(client("kinesis"), stream), None),
        landing=asking.for_(lambda: object_days(client("s3"), bucket), None),
        unknown=asking.unknown,
    )


class _Asking:
    """Asks, and keeps what did not answer."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def for_(self, ask: Callable[[], Answer], otherwise: Answer, *, about: str = "") -> Answer:
        try:
            return ask()
        except RetryLater as error:
            self.unknown.append(f"{about}{error}")
            return otherwise


def _history(table: str) -> DynamoItemsHistory:
    return DynamoItemsHistory(client("dynamodb"), client("backup"), table)


def _kept(
    history: DynamoItemsHistory, asking: _Asking, since: float, until: float, *, about: str = ""
) -> Iterator[Copy]:
    yield from asking.for_(history.backups, _NONE, about=about)
    yield from asking.for_(lambda: history.recovery_points(since, until), _NONE, about=about)
    yield from asking.for_(history.exports, _NONE, about=about)


def _of_another_table(name: str, asking: _Asking, since: float) -> Iterator[Copy]:
    """The table and its copies, whenever they were made: what is sealed by now may stand in clear there for ever."""
    history, about = _history(name), f"{name}: "
    if asking.for_(history.item_count, None, about=about) is not None:
        yield Copy("table", name, -inf, inf)
    if asking.for_(history.recovery_window, None, about=about):
        yield Copy("point-in-time recovery of", name, -inf, inf)
    yield from (replace(copy, since=-inf) for copy in _kept(history, asking, since, inf, about=about))
