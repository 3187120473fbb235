"""The commands about dead letters."""

from __future__ import annotations

import re
import sys
from typing import Any, Final

import click

from ops.parameters import as_json, confirmed, ending, yes

_MESSAGE_ID: Final = re.compile(r"[0-9A-Za-z-]{1,100}")
_WHOSE: Final = ("encryptor", "auditor", "reencryptor", "landing")


def _message_ids(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(_MESSAGE_ID.fullmatch, value)):
        raise click.BadParameter("a dead letter's id is as `sealstream deadletter list` shows it")
    return value


_of = click.option("--of", "whose", type=click.Choice(_WHOSE), help="this function's alone")


@click.group()
def deadletter() -> None:
    """What was given up on after hours of retries: positions of records, findings, or objects of the landing bucket."""


@deadletter.command("list")
@_of
@as_json
def list_(*, whose: str | None, as_json: bool) -> None:
    """List dead letters; they stay where they are.

    Exit status 0: these are all; 1: another command holds some, or one that was killed did.
    """
    from ops.deadletter.listing import list_letters  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(list_letters(_chosen(whose), as_json=as_json))


@deadletter.command()
@click.argument("message_ids", nargs=-1, metavar="[ID]...", callback=_message_ids)
@_of
@as_json
def redrive(*, message_ids: tuple[str, ...], whose: str | None, as_json: bool) -> None:
    """Do what was given up on: all dead letters, or those by ID.

    Records are read from their stream again, findings and objects go back to their queue. What the stream no longer
    holds is said.
    Exit status 0: all are done; 1: some are left, listed or held by another command, or records went to quarantine.
    """
    from ops.deadletter.redrive import redrive as work_off  # noqa: PLC0415 - a command loads only what it needs

    goes_on = "What is done is done; the rest is back in its queue, at the latest in some minutes."
    sys.exit(ending(lambda: work_off(_chosen(whose), message_ids, as_json=as_json), goes_on=goes_on))


@deadletter.command()
@click.argument("message_ids", nargs=-1, required=True, metavar="ID...", callback=_message_ids)
@_of
@yes
@as_json
def skip(*, message_ids: tuple[str, ...], whose: str | None, yes: bool, as_json: bool) -> None:
    """Delete dead letters undone, by ID; of records and objects the audit log says so.

    An object stays in its bucket: `sealstream ingest list` shows those that were never read.

    Exit status 0: all are gone; 1: some are not.
    """
    from ops.deadletter.skip import skip as leave  # noqa: PLC0415 - a command loads only what it needs

    ask = None if yes else confirmed
    goes_on = "What is skipped is gone; the rest is back in its queue, at the latest in some minutes."
    sys.exit(ending(lambda: leave(_chosen(whose), message_ids, ask=ask, as_json=as_json), goes_on=goes_on))


def _chosen(whose: str | None) -> Any:
    from ops.deadletter.letter import Of  # noqa: PLC0415 - a command loads only what it needs

    return [Of(whose)] if whose else list(Of)
