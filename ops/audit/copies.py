"""What AWS tells of the places that keep the items table's content, or what goes into it; all by reading."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from ops.audit.holders import Copies
from ops.environment import setting
from shared.aws.backups import Copy, DynamoItemsHistory
from shared.aws.clients import client
from shared.aws.retention import object_days, stream_hours
from shared.errors import RetryLater

Answer = TypeVar("Answer")


def known_copies(since: float, until: float, environment: Mapping[str, str] = os.environ) -> Copies:
    """Those that may keep something of these times; what cannot be asked is said.

    Raises:
        SettingsError: a name is missing.
    """
    history = DynamoItemsHistory(client("dynamodb"), client("backup"), setting("TABLE", environment))
    stream, bucket = setting("STREAM", environment), setting("LANDING_BUCKET", environment)
    none: list[Copy] = []
    unknown: list[str] = []

    def asked(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            return ask()
        except RetryLater as error:
            unknown.append(str(error))
            return otherwise

    return Copies(
        window=asked(history.recovery_window, None),
        copies=[
            *asked(history.backups, none),
            *asked(lambda: history.recovery_points(since, until), none),
            *asked(history.exports, none),
        ],
        stream_hours=asked(lambda: stream_hours(client("kinesis"), stream), None),
        object_days=asked(lambda: object_days(client("s3"), bucket), None),
        unknown=unknown,
    )
