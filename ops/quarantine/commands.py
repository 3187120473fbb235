"""The commands about records in quarantine."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Final

import click

from ops.parameters import A_TIME_IS, as_json, confirmed, ending, moment, of_tenant, options, yes
from shared.errors import Reason

_QUARANTINE_ID: Final = re.compile(r"[0-9a-f]{32}")
_GOES_ON: Final = "What was decided stays so; the same command goes on with the rest."


def _quarantine_ids(_: click.Context, __: click.Parameter, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    for one in (value,) if isinstance(value, str) else value:
        if not _QUARANTINE_ID.fullmatch(one):
            raise click.BadParameter("an entry's id is 32 hex digits, as `sealstream quarantine list` shows it")
    return value


_filters = options(
    click.option(
        "--reason",
        "reasons",
        multiple=True,
        type=click.Choice([reason.value for reason in Reason]),
        metavar="REASON",
        help="this reason, as `list` shows it; may be repeated",
    ),
    of_tenant,
    click.option("--since", callback=moment, metavar="TIME", help=f"arrived in Kinesis then or later: {A_TIME_IS}"),
    click.option("--until", callback=moment, metavar="TIME", help="arrived in Kinesis before; UTC, as --since"),
)
_ids = click.argument("quarantine_ids", nargs=-1, metavar="[ID]...", callback=_quarantine_ids)
_all = click.option("--all", "everything", is_flag=True, help="all entries")


@click.group()
def quarantine() -> None:
    """Records that can never be written as they are, kept sealed until somebody decides about them."""


@quarantine.command("list")
@_filters
@click.option("--decided", is_flag=True, help="also those that were redriven or discarded")
@as_json
def list_(*, reasons: tuple[str, ...], tenant: str, decided: bool, as_json: bool, **times: Any) -> None:
    """List entries, oldest first: where records came from and why they are here, never what they hold."""
    from ops.quarantine.index import Selection  # noqa: PLC0415 - a command loads only what it needs
    from ops.quarantine.listing import list_entries  # noqa: PLC0415

    list_entries(Selection(reasons, tenant, decided=decided, **times), as_json=as_json)


@quarantine.command()
@click.argument("quarantine_id", metavar="ID", callback=_quarantine_ids)
@click.option("--open", "open_content", is_flag=True, help="what it holds, if your credentials may open it: in clear")
@as_json
def show(quarantine_id: str, *, open_content: bool, as_json: bool) -> None:
    """Show one entry."""
    from ops.quarantine.show import show as show_entry  # noqa: PLC0415 - a command loads only what it needs

    show_entry(quarantine_id, open_content=open_content, as_json=as_json)


@quarantine.command()
@_ids
@_filters
@_all
@yes
@as_json
def redrive(quarantine_ids: tuple[str, ...], **chosen: Any) -> None:
    """Put records back through the encryptor, at their original position: entries by ID, or those that filters choose.

    What is rejected again stays, with its present reason.
    Exit status 0: all were put back; 1: some are left, and listed.
    """
    _decide("redrive", quarantine_ids, asks=not quarantine_ids, **chosen)


@quarantine.command()
@_ids
@_filters
@_all
@yes
@as_json
def discard(quarantine_ids: tuple[str, ...], **chosen: Any) -> None:
    """Delete the content of entries for good: entries by ID, or those that filters choose.

    Exit status 0: all were discarded; 1: some are left, and listed.
    """
    _decide("discard", quarantine_ids, asks=True, **chosen)


def _decide(
    operation: str,
    quarantine_ids: tuple[str, ...],
    *,
    reasons: tuple[str, ...],
    tenant: str,
    since: float | None,
    until: float | None,
    everything: bool,
    asks: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from ops.quarantine.decide import decide  # noqa: PLC0415 - a command loads only what it needs
    from ops.quarantine.index import Selection  # noqa: PLC0415
    from ops.quarantine.rounds import Operation  # noqa: PLC0415

    selection = Selection(reasons, tenant, since, until)
    if bool(quarantine_ids) + selection.narrows + everything != 1:
        raise click.UsageError("say which entries: their ids, or filters, or --all")
    ask: Callable[[str], bool] | None = confirmed if asks and not yes else None
    sys.exit(
        ending(
            lambda: decide(Operation(operation), quarantine_ids, selection, ask=ask, as_json=as_json), goes_on=_GOES_ON
        )
    )
