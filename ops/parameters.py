"""Values that commands take, and how they end."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from time import time
from typing import Any, Final

import click

from shared.identity import is_tenant_id

Command = Callable[..., Any]

A_TIME_IS: Final = "2026-01-31, 2026-01-31T12:00:00 (UTC), 2026-01-31T12:00:00+01:00, or how long ago: 90s, 30m, 2h, 7d"

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C."""

_AGO: Final = re.compile(r"([0-9]{1,6})([smhd])")
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def tenant(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """A tenant's name; "" where none is given."""
    if value is not None and not is_tenant_id(value):
        raise click.BadParameter("no tenant can have this name")
    return value or ""


def finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """A number that is one."""
    if value is not None and not isfinite(value):
        raise click.BadParameter("a finite number")
    return value


def moment(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """A time in seconds since the epoch; given as ISO 8601 (UTC where it names no offset), or as how long ago."""
    if value is None:
        return None
    ago = _AGO.fullmatch(value)
    try:
        read = time() - int(ago[1]) * _UNIT_SECONDS[ago[2]] if ago else _calendar(value)
    except (OverflowError, ValueError):
        read = -1.0
    if read < 0:
        raise click.BadParameter(f"a time is {A_TIME_IS}")
    return read


def _calendar(value: str) -> float:
    read = datetime.fromisoformat(value)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def options(*chosen: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(chosen):
            command = option(command)
        return command

    return decorate


as_json = click.option("--json", "as_json", is_flag=True, help="one JSON document a line, in a terminal too")
of_tenant = click.option("--tenant", callback=tenant, help="this tenant alone")
offline = click.option(
    "--offline",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="a copy of the audit bucket, as `audit fetch` makes it, instead of the bucket itself",
)
verified_by = options(
    click.option(
        "--public-key",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="a key (PEM) that signed any of the manifests; without it the one that KMS has",
    ),
    click.option(
        "--minutes",
        type=click.IntRange(1),
        metavar="MINUTES",
        help="the notary's period, where it is not what SEALSTREAM_NOTARY_MINUTES says, or 5",
    ),
)
yes = click.option("--yes", is_flag=True, help="do not ask")


def confirmed(question: str) -> bool:
    """Whether the operator says yes; where nobody can be asked, `--yes` is asked for."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody is here to be asked: say --yes")
    return click.confirm(question, err=True)


def ending(act: Callable[[], int], *, goes_on: str) -> int:
    """Do it; its exit status, or that of an interrupt, with a line about what that means."""
    try:
        return act()
    except KeyboardInterrupt:
        click.echo(f"Interrupted. {goes_on}", err=True)
        return INTERRUPTED
