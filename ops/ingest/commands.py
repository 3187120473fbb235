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


@ingest.command("list")
@click.argument("prefix", default="", metavar="[KEY-PREFIX]")
@click.option("--not-done", is_flag=True, help="only those of which not every line is in, or that were never begun")
@as_json
def list_(*, prefix: str, not_done: bool, as_json: bool) -> None:
    """List all versions of all objects in the landing bucket, or of those whose keys begin so, and how far each is.

    Exit status 0: all are done; 1: some are not.
    """
    from ops.ingest.listing import list_objects  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(list_objects(prefix, not_done=not_done, as_json=as_json))


@ingest.command()
@_uri
@click.option("--from-start", is_flag=True, help="read it whole once more, although it has ended")
@click.option("--lost", is_flag=True, help="it was never begun, and S3's message will not come any more")
@as_json
def again(*, uri: str, from_start: bool, lost: bool, as_json: bool) -> None:
    """Send an object's message anew: it goes on where it stood. Lines that come once more change nothing.

    Of an object that was never begun only S3's own message says which of two versions of one second is the newer: look
    for it in the queue and among the dead letters before you say --lost.

    Exit status 0: it was sent; 1: it has ended, and --from-start was not said; or was never begun, and --lost was not.
    """
    from ops.ingest.again import again as send  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(send(uri, from_start=from_start, lost=lost, as_json=as_json))
