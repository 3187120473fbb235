"""The commands that show what the audit trail says."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ops.parameters import A_TIME_IS, Command, as_json, ending, finite, moment, offline, options, verified_by
from ops.parameters import tenant as tenant_name
from shared.model import SYSTEM_TENANT

if TYPE_CHECKING:
    from ops.audit.reading import Trail

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{4}")
"""What events show of a tenant whose name looks sensitive."""
_NOTHING: Final = "Nothing is changed by reading."
_DAY_SECONDS: Final = 86_400
_RESTORABLE_DAYS: Final = 35
"""How far back a table can be restored, at most: what was in clear before lies in backups alone."""


def _owner(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    if value == SYSTEM_TENANT or (value and _DIGEST.fullmatch(value)):
        return value
    return tenant_name(context, parameter, value)


def _event_names(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if value:
        from ops.audit.selection import NAMES  # noqa: PLC0415 - a command loads only what it needs

        for one in value:
            if one not in NAMES:
                raise click.BadParameter(f"events are {', '.join(NAMES)}")
    return value


def _times(what: str, *, since: str) -> Callable[[Command], Command]:
    return options(
        click.option(
            "--from", "since", callback=moment, metavar="TIME", help=f"{what} then or later: {A_TIME_IS}{since}"
        ),
        click.option("--to", "until", callback=moment, metavar="TIME", help=f"{what} before; UTC, as --from"),
    )


_of_item = options(
    click.option("--tenant", callback=_owner, help="this tenant's, or where somebody else asked for his items"),
    click.option("--item", default="", metavar="ID", help="about this item"),
)
_chosen = options(
    _of_item,
    click.option(
        "--event",
        "events",
        multiple=True,
        callback=_event_names,
        metavar="EVENT",
        help="of this name, or what stands before its dot: item, key, record …; may be repeated",
    ),
)
_proven = options(offline, verified_by)


@click.command()
@_chosen
@_times("happened", since="; without it the last day")
@_proven
@as_json
def search(
    *,
    tenant: str,
    item: str,
    events: tuple[str, ...],
    as_json: bool,
    since: float | None,
    until: float | None,
    **of: Any,
) -> None:
    """Show events, by the hour in which they were written and in the order in which they happened.

    Segments are verified first. Events of the youngest, which no manifest names yet, come last and are marked; those of
    segments that prove nothing are left out. Exit status 0: shown is all; 1: something is missing or not as it was
    written, and is named; 2: nothing could be verified.
    """
    from ops.audit.search import search as search_trail  # noqa: PLC0415 - a command loads only what it needs
    from ops.audit.selection import Selection  # noqa: PLC0415

    chosen, span = Selection(tenant, item, events), _span(since, until, days=1)

    def show() -> int:
        return search_trail(_trail(span[0], until, **of), chosen, *span, as_json=as_json)

    sys.exit(ending(show, goes_on=_NOTHING))


@click.command()
@_chosen
@_times("happened", since="; without it the last day")
@_proven
def export(
    *, tenant: str, item: str, events: tuple[str, ...], since: float | None, until: float | None, **of: Any
) -> None:
    """Print events as the OCSF documents that were written, one a line; a mark is in `metadata.labels`.

    What is shown, and how it ends, is as of `search`.
    """
    from ops.audit.search import export as export_trail  # noqa: PLC0415 - a command loads only what it needs
    from ops.audit.selection import Selection  # noqa: PLC0415

    chosen, span = Selection(tenant, item, events), _span(since, until, days=1)
    sys.exit(ending(lambda: export_trail(_trail(span[0], until, **of), chosen, *span), goes_on=_NOTHING))


@click.command()
@_of_item
@_times("found", since="; without it the last 35 days")
@click.option(
    "--table",
    "other_tables",
    multiple=True,
    metavar="NAME",
    help="also one that had the items before, or was restored from a copy; may be repeated",
)
@_proven
@as_json
def exposures(
    *,
    tenant: str,
    item: str,
    other_tables: tuple[str, ...],
    as_json: bool,
    since: float | None,
    until: float | None,
    **of: Any,
) -> None:
    """Show what was found in clear: since when, until when, and which backups and streams may still hold it.

    Exit status 1: something is still in clear, or is missing as `search` says it; 2: nothing could be verified.
    """
    from ops.audit.exposures import show_exposures  # noqa: PLC0415 - a command loads only what it needs
    from ops.audit.selection import Selection  # noqa: PLC0415

    is_copy = of["folder"] is not None
    if is_copy and other_tables:
        raise click.UsageError("--table asks AWS, and --offline nobody")
    chosen, span = Selection(tenant, item), _span(since, until, days=_RESTORABLE_DAYS)
    show = partial(show_exposures, other_tables=other_tables, is_copy=is_copy, as_json=as_json)
    sys.exit(ending(lambda: show(_trail(span[0], until, **of, up_to_now=True), chosen, *span), goes_on=_NOTHING))


@click.command()
@_chosen
@click.option("--from", "since", callback=moment, metavar="TIME", help=f"also what was written since: {A_TIME_IS}")
@click.option("--seconds", type=click.FloatRange(0), callback=finite, help="end after so long; without it at Ctrl-C")
@click.option("--every", type=click.FloatRange(0.1), callback=finite, default=2.0, show_default=True, help="seconds")
@as_json
def tail(
    *,
    tenant: str,
    item: str,
    events: tuple[str, ...],
    since: float | None,
    seconds: float | None,
    every: float,
    as_json: bool,
) -> None:
    """Show events as they come, before any manifest names them. Each look lists the segments of the present hour."""
    from ops.audit.selection import Selection  # noqa: PLC0415 - a command loads only what it needs
    from ops.audit.tail import tail as follow  # noqa: PLC0415

    chosen = Selection(tenant, item, events)
    sys.exit(follow(chosen, since=since, seconds=seconds, every_seconds=every, as_json=as_json))


def _trail(
    since: float,
    until: float | None,
    *,
    folder: Path | None,
    public_key: Path | None,
    minutes: int | None,
    up_to_now: bool = False,
) -> Trail:
    from ops.audit.proven import trail_of  # noqa: PLC0415 - a command loads only what it needs
    from ops.audit.verify import Asked  # noqa: PLC0415

    asked = Asked(since, until, folder, public_key, None if minutes is None else 60.0 * minutes)
    return trail_of(asked, time.time(), up_to_now=up_to_now)


def _span(since: float | None, until: float | None, *, days: int) -> tuple[float, float]:
    until = time.time() if until is None else until
    since = max(0.0, until - days * _DAY_SECONDS) if since is None else since
    if since >= until:
        raise click.UsageError("--from must be before --to")
    return since, until
