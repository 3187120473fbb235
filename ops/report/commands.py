"""The command `sealstream report`."""

from __future__ import annotations

from pathlib import Path

import click

from ops.parameters import A_TIME_IS, moment, offline, verified_by


@click.command()
@click.option(
    "--from",
    "since",
    callback=moment,
    metavar="TIME",
    help=f"what happened then or later: {A_TIME_IS}; without it the last 30 days",
)
@click.option(
    "--to",
    "until",
    callback=moment,
    metavar="TIME",
    help="what happened before; UTC, as --from; without it all up to now, or up to when the copy was made",
)
@click.option(
    "--html", "file", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE", help="the page"
)
@offline
@verified_by
def report(
    *,
    since: float | None,
    until: float | None,
    file: Path,
    folder: Path | None,
    public_key: Path | None,
    minutes: int | None,
) -> None:
    """Write one page for an auditor: what became of every change, of data keys and of what was held, and the proof.

    The page needs no network and runs nothing. Exit status 0: it was written, whatever it says.
    """
    from ops.report.gather import Wanted  # noqa: PLC0415 - a command loads only what it needs
    from ops.report.write import told, write_report  # noqa: PLC0415

    if since is not None and until is not None and since >= until:
        raise click.UsageError("--from must be before --to")
    seconds = None if minutes is None else 60.0 * minutes
    click.echo("\n".join(told(write_report(Wanted(since, until, folder, public_key, seconds), file), file)))
