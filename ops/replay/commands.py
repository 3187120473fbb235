"""The command that replays."""

from __future__ import annotations

import re
import sys
import time
from typing import Final

import click

from ops.parameters import A_TIME_IS, as_json, ending, finite, moment

MOST_WORKERS: Final = 32
_SHARD_ID: Final = re.compile(r"[a-zA-Z0-9_.-]{1,128}")


def _shard_ids(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(_SHARD_ID.fullmatch, value)):
        raise click.BadParameter("a shard is named like shardId-000000000000")
    return value


@click.command()
@click.option(
    "--from", "since", required=True, callback=moment, metavar="TIME", help=f"arrived then or later: {A_TIME_IS}"
)
@click.option(
    "--to", "until", callback=moment, metavar="TIME", help="arrived before; UTC, as --from; by default until now"
)
@click.option("--shard", "shard_ids", multiple=True, callback=_shard_ids, help="this shard alone; may be repeated")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=500.0,
    show_default=True,
    callback=finite,
    metavar="RECORDS_PER_SECOND",
    help="user records at most, for all workers together",
)
@click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), default=4, show_default=True, help="shards read side by side"
)
@click.option("--dry-run", is_flag=True, help="write nothing: say what could be sent and what would be quarantined")
@as_json
def replay(
    *,
    since: float,
    until: float | None,
    shard_ids: tuple[str, ...],
    rate: float,
    workers: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Read the source stream again through the encryptor's own path, beside live traffic.

    Each record leaves its item as the item's newest record left it, so a replay may be repeated as often as you like.
    Exit status 0: all was read, nothing went to quarantine; 1: some is left, in quarantine, or gone from the stream.
    """
    from ops.replay.replay import Options  # noqa: PLC0415 - a command loads only what it needs
    from ops.replay.replay import replay as read_again  # noqa: PLC0415

    until = time.time() if until is None else until
    if until <= since:
        raise click.UsageError("--to must be later than --from, and --from in the past")
    options = Options(since, until, shard_ids, rate, workers, dry_run)
    goes_on = "Nothing is half done; the same command begins again."
    sys.exit(ending(lambda: read_again(options, as_json=as_json), goes_on=goes_on))
