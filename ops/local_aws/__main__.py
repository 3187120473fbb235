"""`python -m ops.local_aws up | down | status | token`: the local AWS with the stacks on it, as a person uses it."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import click

from ops.local_aws import issuer, process
from ops.local_aws import up as lifecycle
from ops.local_aws.files import shown
from ops.local_aws.process import BUILD, LocalAwsError

_EXAMPLE = """\
Use it from any shell:
  . {environment}
  echo '{{"tenant_id": "acme", "id": "42", "ssn": "078-05-1120", "amount": 9.5}}' |
    aws kinesis put-record --stream-name "$SEALSTREAM_STREAM" --partition-key 42 --data fileb:///dev/stdin
  aws dynamodb scan --table-name "$SEALSTREAM_TABLE"
End it: {down}"""

_folder = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=BUILD, help="where its state and logs are"
)


@click.group()
def main() -> None:
    """The local AWS of this project."""


@main.command()
@_folder
@click.option("--port", type=click.IntRange(1, 65535), envvar="LOCAL_AWS_PORT", help="a free one by default")
def up(folder: Path, port: int | None) -> None:
    """Start it, deploy the stacks, leave it running."""
    start = time.monotonic()
    for end in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C
        signal.signal(end, signal.default_int_handler)
    try:
        started = lifecycle.up(folder, port=port, say=_say)
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing was left running.", err=True)
        sys.exit(130)
    _say(f"Ready after {time.monotonic() - start:.0f} s; logs: {shown(folder / 'local_aws.log')}, deploy.log")
    if "SEALSTREAM_STREAM" in started.environment:
        _say(_EXAMPLE.format(environment=_sourced(folder / "local.env"), down=process.command("down", folder)))


@main.command()
@_folder
@click.option("--quiet", is_flag=True, help="say nothing where it does not run")
def down(folder: Path, *, quiet: bool) -> None:
    """End it; nothing happens where it does not run."""
    if lifecycle.down(folder):
        _say("The local AWS is ended.")
    elif not quiet:
        _say("The local AWS was not running.")


@main.command()
@_folder
def status(folder: Path) -> None:
    """Say whether it runs; exit status 3 where it does not."""
    server = process.running(folder)
    if server is None:
        _say(f"The local AWS is not running; start it with `{process.command('up', folder)}`.")
        sys.exit(3)
    does = "runs" if process.is_answering(server) else "is starting, or does not answer"
    _say(f"The local AWS {does}: {server.endpoint} (process {server.pid}, since {server.started_at})")


@main.command()
@_folder
@click.option("--tenant", required=True, help="whose the token is")
@click.option(
    "--scope", "scopes", multiple=True, default=issuer.SCOPES, show_default=True, help="may be given several times"
)
@click.option(
    "--expires",
    "seconds",
    type=int,
    default=issuer.LIFETIME_SECONDS,
    show_default=True,
    help="in so many seconds; below 0, it has expired",
)
def token(folder: Path, *, tenant: str, scopes: tuple[str, ...], seconds: int) -> None:
    """Print a token for the tenant API."""
    server = process.running(folder)
    if server is None:
        raise LocalAwsError(f"the local AWS is not running; start it with `{process.command('up', folder)}`")
    _say(issuer.token(server, issuer.claims_of(server.endpoint, tenant, scopes=scopes, expires_seconds=seconds)))


def _sourced(path: Path) -> str:
    name = shown(path)
    return name if "/" in name else f"./{name}"  # a shell would look for a bare name in PATH


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()  # progress must show in a pipe too


if __name__ == "__main__":
    try:
        main()
    except LocalAwsError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
