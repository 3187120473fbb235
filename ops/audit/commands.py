"""The commands about the audit trail."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from ops.audit import reading_commands
from ops.audit.at_least import noted
from ops.parameters import A_TIME_IS, as_json, ending, moment, offline, options, verified_by
from shared.errors import SealstreamError
from shared.trail.manifest import Link

_times = options(
    click.option("--from", "since", callback=moment, metavar="TIME", help=f"from this hour on: {A_TIME_IS}"),
    click.option("--to", "until", callback=moment, metavar="TIME", help="up to then; UTC, as --from"),
)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


@click.group()
def audit() -> None:
    """The audit trail: what happened, and the proof that it is told as it was written."""


for _command in (reading_commands.search, reading_commands.tail, reading_commands.export, reading_commands.exposures):
    audit.add_command(_command)


@audit.command()
@_times
@offline
@verified_by
@click.option(
    "--at-least",
    callback=noted,
    metavar="NUMBER:SHA256",
    help="a manifest that you noted before: it must be there; without it the one that the notary noted last",
)
@as_json
def verify(
    *,
    since: float | None,
    until: float | None,
    folder: Path | None,
    public_key: Path | None,
    minutes: int | None,
    at_least: Link | None,
    as_json: bool,
) -> None:
    """Check that no segment and no manifest was changed, removed, replaced, added or cut off; says which, if any.

    Needs only the objects and a public key. Exit status 0: intact; 1: tampered with; 2: could not be checked.
    """
    from ops.audit.verify import Asked  # noqa: PLC0415 - a command loads only what it needs
    from ops.audit.verify import verify as verify_asked  # noqa: PLC0415

    asked = Asked(since, until, folder, public_key, None if minutes is None else 60.0 * minutes, at_least)
    sys.exit(_checked(lambda: verify_asked(asked, as_json=as_json)))


@audit.command()
@_times
@click.argument("folder", type=_FOLDER, metavar="DIR")
@as_json
def fetch(folder: Path, *, since: float | None, until: float | None, as_json: bool) -> None:
    """Copy the trail, or what tells of some hours with all that proves it, to DIR: for `--offline`.

    What is there already is not copied again. Exit status 1: DIR has what the bucket has not, or has otherwise.
    """
    from time import time  # noqa: PLC0415 - a command loads only what it needs

    from ops.audit.fetch import fetch as fetch_objects  # noqa: PLC0415
    from ops.audit.objects import the_bucket  # noqa: PLC0415
    from ops.audit.proven import window_written  # noqa: PLC0415
    from ops.audit.verify import Asked  # noqa: PLC0415

    window = window_written(Asked(since, until), time())
    sys.exit(
        ending(
            lambda: fetch_objects(the_bucket(), folder, window, as_json=as_json),
            goes_on="The same command copies the rest.",
        )
    )


@audit.command()
@as_json
def attest(*, as_json: bool) -> None:
    """Have what was written so far attested now; otherwise the notary does so every few minutes.

    Exit status 1: it found something that is not as it was written, and told of it.
    """
    from ops.audit.attest import attest as attest_now  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(ending(lambda: attest_now(as_json=as_json), goes_on="The notary goes on by itself."))


@audit.command("public-key")
def public_key() -> None:
    """Print the public key (PEM) that manifests are signed with: keep it elsewhere than where the trail lies."""
    from ops.audit.objects import the_bucket  # noqa: PLC0415 - a command loads only what it needs
    from ops.audit.public_key import signs_now  # noqa: PLC0415
    from shared.aws.clients import client  # noqa: PLC0415
    from shared.aws.signing_keys import KmsSigningKeys  # noqa: PLC0415

    click.echo(signs_now(the_bucket(), KmsSigningKeys(client("kms"))).pem, nl=False)


def _checked(check: Callable[[], int]) -> int:
    """Its exit status; what keeps it from being done is not tampering."""
    from ops.audit.verify import fail_unchecked  # noqa: PLC0415 - a command loads only what it needs

    try:
        return ending(check, goes_on="Nothing was checked.")
    except SealstreamError as error:
        return fail_unchecked(str(error))
