"""`sealstream`: the operator's command line. Each command is a function of its own module; this only names them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ops.audit.commands import audit
from ops.deadletter.commands import deadletter
from ops.ingest.commands import ingest
from ops.quarantine.commands import quarantine
from ops.replay.commands import replay
from ops.report.commands import report
from ops.runs.commands import adopt, reconcile, rotation
from shared.errors import RetryLater, SealstreamError
from shared.identity import check_item_id, check_tenant_id


@click.group()
@click.version_option(package_name="sealstream")
def cli() -> None:
    """Ask and steer a sealstream deployment. Names come from the environment: after `make up`, `. build/local.env`."""


@cli.group()
def policy() -> None:
    """The policy file: what is sensitive, and of which class."""


@policy.command("check")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("policy.toml"))
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="a JSON record: what would happen to each attribute",
)
def policy_check(file: Path, record: Path | None) -> None:
    """Check FILE (policy.toml), and say what it does; exit status 1 where it or the record would be refused."""
    from ops.policy_check import policy_check as check  # noqa: PLC0415 - a command loads only what it needs

    sys.exit(check(file, record))


@cli.group()
def item() -> None:
    """Items of the table."""


@item.command("get")
@click.argument("tenant")
@click.argument("id")
@click.option("--open", "open_values", is_flag=True, help="open what your credentials may open")
@click.option("--json", "as_json", is_flag=True, help="one JSON document instead of a table")
def item_get(tenant: str, id: str, *, open_values: bool, as_json: bool) -> None:  # noqa: A002
    """Show one item as it is stored (sealed values by class, key and size), or opened.

    With --json the document is DynamoDB's own, but for `{"SEALED": {...}}` where a value is closed.
    """
    from ops.item import show_item  # noqa: PLC0415 - a command loads only what it needs

    show_item(check_tenant_id(tenant), check_item_id(id), open_values=open_values, as_json=as_json)


cli.add_command(rotation)
cli.add_command(adopt)
cli.add_command(reconcile)
cli.add_command(quarantine)
cli.add_command(deadletter)
cli.add_command(replay)
cli.add_command(ingest)
cli.add_command(report)
cli.add_command(audit)


def main() -> None:
    """Run the command line; an error of this project ends it with one line and status 1."""
    try:
        cli(prog_name="sealstream")
    except RetryLater as error:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "AWS")
        sys.exit(
            f"sealstream: {error}\nasked: {endpoint}, for what SEALSTREAM_* names; is it up, and are they its names?"
        )
    except SealstreamError as error:
        sys.exit(f"sealstream: {error}")
