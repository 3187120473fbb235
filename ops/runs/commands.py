"""The commands that begin a run, join it, show it, or call it off."""

from __future__ import annotations

import re
import sys
from typing import Any, Final

import click

from ops.parameters import INTERRUPTED, as_json, finite, of_tenant, options
from shared.runs.model import RunKind, Scope

MOST_WORKERS: Final = 40
MOST_SEGMENTS: Final = 1_000
"""What the rotation function takes at most; it is not loaded here for two numbers."""
_KEY_ID: Final = re.compile(r"[0-9a-fA-F]{8}")
_DATA_CLASS: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")


def _data_class(_: click.Context, __: click.Parameter, value: str | None) -> str:
    if value is not None and not _DATA_CLASS.fullmatch(value):
        raise click.BadParameter("no data class can have this name")
    return value or ""


def _key_id(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is not None and not (_KEY_ID.fullmatch(value) and int(value, 16)):
        raise click.BadParameter("a data key's id is 8 hex digits, as `sealstream item get` shows it")
    return None if value is None else int(value, 16)


def _run_id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _RUN_ID.fullmatch(value):
        raise click.BadParameter("a run's id is 32 hex digits")
    return value


_scan_options = options(
    click.option("--workers", type=click.IntRange(1, MOST_WORKERS), help="segments worked on at a time"),
    click.option("--segments", type=click.IntRange(1, MOST_SEGMENTS), help="parts that the table is divided into"),
    click.option(
        "--rate",
        type=click.FloatRange(0, min_open=True),
        callback=finite,
        metavar="ITEMS_PER_SECOND",
        help="at most, for all workers together",
    ),
    click.option("--no-wait", is_flag=True, help="on AWS: start it, print its id and end"),
    as_json,
)
"""What every run takes."""
_barrier = click.option(
    "--barrier-seconds",
    type=click.FloatRange(0),
    callback=finite,
    help="local AWS only: let less time pass than what makes the count certain",
)


@click.group()
def rotation() -> None:
    """Replace data keys, re-encrypt what lies under the old ones, and prove that they can go."""


@rotation.command()
@click.option("--all", "all_keys", is_flag=True, help="data keys of any age")
@of_tenant
@click.option("--data-class", callback=_data_class, help="this class alone")
@click.option("--compromised", metavar="KEY_ID", callback=_key_id, help="this data key alone")
@click.option("--no-retire", is_flag=True, help="end with the verdict; `rotation retire` does the rest")
@_barrier
@_scan_options
def start(
    *, all_keys: bool, tenant: str, data_class: str, compromised: int | None, no_retire: bool, **common: Any
) -> None:
    """Rotate: rewrap, renew, sweep, wait, count, retire; or go on with the rotation that is not done.

    Data keys are renewed whose class's `rotate_after_days` are over; with --all, --tenant, --data-class or
    --compromised all that these name, whatever their age.
    Exit status 0: the old keys are, or may be, retired; 1: something prevents it, and is listed.
    """
    if compromised is not None and (all_keys or data_class):
        raise click.UsageError("--compromised names one data key: without --all and --data-class")
    due = not (all_keys or tenant or data_class or compromised)
    scope = Scope(due=due, tenant_id=tenant, data_class=data_class, key_id=compromised)
    _run(RunKind.ROTATION, scope=scope, retire=not no_retire, **common)


@rotation.command()
@_barrier
@_scan_options
def retire(**common: Any) -> None:
    """Sweep, wait and count again, and retire the data keys that nothing lies under any more."""
    _run(RunKind.RETIREMENT, **common)


@rotation.command()
@of_tenant
@click.option("--key", metavar="KEY_ID", callback=_key_id, help="this data key alone")
@click.option("--abandon-backups", is_flag=True, help="also where a backup still holds values under the key")
@_barrier
@_scan_options
def destroy(*, tenant: str, key: int | None, abandon_backups: bool, **common: Any) -> None:
    """Destroy data keys that have been retired for a day, for good, after one more count that finds nothing."""
    scope = Scope(tenant_id=tenant, key_id=key)
    _run(RunKind.DESTRUCTION, scope=scope, abandon_backups=abandon_backups, **common)


@rotation.command()
@click.argument("run_id", required=False, callback=_run_id)
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def status(run_id: str | None, *, as_json: bool) -> None:
    """Show a run of any kind: RUN_ID, or the one that began last."""
    from ops.runs.status import show_status  # noqa: PLC0415 - a command loads only what it needs

    show_status(run_id, as_json=as_json)


@rotation.command()
@click.argument("run_id", required=False, callback=_run_id)
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def cancel(run_id: str | None, *, as_json: bool) -> None:
    """Call off a run of any kind: RUN_ID, or the only one that is not done; nothing of what was done is undone.

    Exit status 0: it is called off; 1: it had ended before.
    """
    from ops.runs.cancel import cancel as call_off  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(call_off(run_id, as_json=as_json))


@click.command()
@_scan_options
def reconcile(**common: Any) -> None:
    """Audit every item as it stands: for changes that the table's stream never brought to the auditor.

    Nothing is opened; what is in clear, malformed or stale goes to the re-encryptor.
    Exit status 0: every item is in order; 1: some are not, and are listed.
    """
    _run(RunKind.RECONCILIATION, **common)


@click.command()
@click.option("--dry-run", is_flag=True, help="count what would be sealed, and seal nothing")
@_scan_options
def adopt(*, dry_run: bool, **common: Any) -> None:
    """Seal an existing table in place: what the policy seals and stands in clear, under live writes.

    Exit status 0: nothing in clear; 1: something is, and is listed.
    """
    _run(RunKind.SURVEY if dry_run else RunKind.ADOPTION, **common)


def _run(kind: RunKind, *, rate: float | None, no_wait: bool, as_json: bool, **chosen: Any) -> None:
    """Do it, and end with what it came to."""
    from ops.errors import NoProgress  # noqa: PLC0415 - a command loads only what it needs
    from ops.runs.errors import LeftToAws  # noqa: PLC0415
    from ops.runs.operate import operate  # noqa: PLC0415
    from ops.runs.options import Options  # noqa: PLC0415

    try:
        status = operate(kind, Options(items_per_second=rate, **chosen), wait=not no_wait, as_json=as_json)
    except LeftToAws:
        click.echo("Interrupted. AWS goes on with the run; the same command looks on again.", err=True)
        status = INTERRUPTED
    except KeyboardInterrupt:
        click.echo("Interrupted. What was begun is not lost: the same command goes on with it.", err=True)
        status = INTERRUPTED
    except NoProgress as error:
        click.echo(f"sealstream: {error}\nWhat was begun is not lost: the same command goes on with it.", err=True)
        status = 1
    sys.exit(status)
