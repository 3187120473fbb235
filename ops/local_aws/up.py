"""Start a local AWS and deploy the stacks onto it, or leave nothing running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.local_aws import process
from ops.local_aws.deploy import deploy
from ops.local_aws.interrupts import held_back
from ops.local_aws.process import BUILD, Server


@dataclass(frozen=True, slots=True)
class Up:
    """A running local AWS with the stacks deployed.

    Attributes:
        server: its process and endpoint.
        environment: what `local.env` exports: endpoint, credentials, region, `SEALSTREAM_*` outputs.
    """

    server: Server
    environment: dict[str, str]


def up(
    folder: Path = BUILD,
    *,
    port: int | None = None,
    keep_state: bool = False,
    faults: Path | None = None,
    say: Callable[[str], None] = print,
) -> Up:
    """Start, bootstrap and deploy; raises LocalAwsError, with nothing left running, where any of it fails.

    `keep_state` and `faults` as in `process.start`.
    """
    say("Starting the local AWS …")
    server = process.start(folder, port=port, keep_state=keep_state, faults=faults)
    try:
        say(f"Local AWS started: {server.endpoint} (process {server.pid})")
        return Up(server, deploy(server, folder, say))
    except BaseException:
        with held_back():
            if process.running(folder) == server:  # else somebody ended it, and perhaps started the next one
                down(folder)
        say("The local AWS is ended again.")
        raise


def down(folder: Path = BUILD) -> bool:
    """End the server and remove what names it; False where none ran."""
    ran = process.stop(folder)
    for name in ("local.env", "outputs.json"):
        (folder / name).unlink(missing_ok=True)
    return ran
