"""`python -m ops.local_aws up | down | status`: the local AWS with the stacks on it, as a person uses it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from ops.local_aws import process
from ops.local_aws import up as lifecycle
from ops.local_aws.process import BUILD, LocalAwsError

_EXAMPLE = """\
Use it from any shell:
  . {environment}
  echo '{{"tenant_id": "acme", "id": "42", "ssn": "078-05-1120", "amount": 9.5}}' |
    aws kinesis put-record --stream-name "$SEALSTREAM_STREAM" --partition-key 42 --data fileb:///dev/stdin
  aws dynamodb scan --table-name "$SEALSTREAM_TABLE"
End it: make down"""

_folder = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=BUILD, help="where its state and logs are"
)


@click.group()
def main() -> None:
    """The local AWS of this project."""


@main.command()
@_folder
@click.option("--port", type=click.IntRange(1, 65535), help="the loopback port; a free one by default")
def up(folder: Path, port: int | None) -> None:
    """Start it, deploy the stacks, leave it running."""
    start = time.monotonic()
    started = lifecycle.up(folder, port=port, say=_say)
    _say(f"Ready after {time.monotonic() - start:.0f} s; logs: {_short(folder)}/local_aws.log, deploy.log")
    if "SEALSTREAM_STREAM" in started.environment:
        _say(_EXAMPLE.format(environment=_short(folder / "local.env")))


@main.command()
@_folder
def down(folder: Path) -> None:
    """End it; nothing happens where it does not run."""
    _say("The local AWS is ended." if lifecycle.down(folder) else "The local AWS was not running.")


@main.command()
@_folder
def status(folder: Path) -> None:
    """Say whether it runs; exit status 3 where it does not."""
    server = process.running(folder)
    if server is None:
        _say("The local AWS is not running.")
        sys.exit(3)
    _say(f"The local AWS runs: {server.endpoint} (process {server.pid}, since {server.started_at})")


def _short(path: Path) -> str:
    return os.path.relpath(path)


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()  # progress must show in a pipe too


if __name__ == "__main__":
    try:
        main()
    except LocalAwsError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
