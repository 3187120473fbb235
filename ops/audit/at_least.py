"""A manifest that must be there: noted by an operator, or by the deployment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import click

from shared.errors import StoreDenied
from shared.trail.manifest import Link
from shared.trail.verify import Window

_NOTED: Final = re.compile(r"([1-9][0-9]{0,11}):([0-9a-f]{64})")


def noted(_: click.Context, __: click.Parameter, value: str | None) -> Link | None:
    """What an operator gives: number and digest, as `verify` and the notary's log tell them."""
    if value is None:
        return None
    match = _NOTED.fullmatch(value)
    if match is None:
        raise click.BadParameter("a manifest's number, a colon and 64 hex digits: the SHA-256 of its object")
    return Link(int(match[1]), match[2])


def with_noted_end(window: Window, environment: Mapping[str, str] = os.environ) -> Window:
    """The window with the manifest that the deployment notes as its last, or with its saying that it noted none.

    Not where another one is given, or where the row may not be read. To be asked for before the objects are listed.

    Raises:
        TrailBroken: the row was written by somebody else than the notary.
        StoreUnavailable: it cannot be had.
    """
    runs = environment.get("SEALSTREAM_RUNS", "")
    if window.at_least is not None or not runs:
        return window
    from shared.aws.clients import client  # noqa: PLC0415 - a command loads only what it needs
    from shared.aws.trail_end import TrailEnd  # noqa: PLC0415

    try:
        last = TrailEnd(client("dynamodb"), runs).noted()
    except StoreDenied:
        return window
    return replace(window, at_least=last, unnoted=last is None)
