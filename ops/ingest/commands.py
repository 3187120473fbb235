"""The commands about objects of the landing bucket."""

from __future__ import annotations

import sys

import click

from ops.parameters import as_json

_uri = click.argument("uri", metavar="S3-URI")


@click.group()
def ingest() -> None:
    """Files in the landing bucket. S3-URI is s3://BUCKET/KEY, with ?versionId=VERSION behind it for an old version."""


@ingest.command()
@_uri
@as_json
def status(*, uri: str, as_json: bool) -> None:
    """Show how far an object is.

    Exit status 0: all its lines are in, or in quarantine; 1: it is not done yet, failed, or was never begun.
    """
    from ops.ingest.status import status as show  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(show(uri, as_json=as_json))


@ingest.command()
@_uri
@click.option("--from-start", is_flag=True, help="read it whole once more, although it has ended")
@as_json
def again(*, uri: str, from_start: bool, as_json: bool) -> None:
    """Send an object's message anew: it goes on where it stood. Lines that come once more change nothing.

    Exit status 0: it was sent; 1: it has ended, and --from-start was not said.
    """
    from ops.ingest.again import again as send  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(send(uri, from_start=from_start, as_json=as_json))
