"""`make demo`: the main job on the local AWS, from nothing to evidence; ends what it started and says how it went."""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from ops.demo import auditor_page
from ops.demo.promises import promises
from ops.demo.screen import console
from ops.demo.story import story
from ops.demo.timings import Timings
from ops.local_aws import issuer
from ops.local_aws.interrupts import held_back
from ops.local_aws.process import BUILD, LocalAwsError, Server
from ops.local_aws.up import down, up
from shared.aws.clients import forget
from shared.errors import SealstreamError

_FOLDER: Final = BUILD / "demo"
_FIGURES: Final = BUILD / "demo.json"


def main() -> int:
    """Run the demo; 0 where everything that it promises was seen to be so, 1 where not, 130 on Ctrl-C."""
    try:
        return _verdict_on(_run())
    except (LocalAwsError, SealstreamError, TimeoutError) as error:
        console.print(f"[red]The demo ended early:[/] {error}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; nothing is left running.")
        return 130


def _run() -> dict[str, Any]:
    """The story on a local AWS of its own, which is ended whatever happens; the figures, also written to a file."""
    started = time.monotonic()
    timings = Timings()
    with timings.of("local AWS and deployment"):
        console.rule("1. A local AWS, and the stacks on it by cdk deploy")
        running = up(_FOLDER, say=console.print)
    try:
        os.environ.update(running.environment)
        forget()
        figures = story(
            running.environment, timings, log=_FOLDER / "local_aws.log", token_of=partial(_token, running.server)
        )
    finally:
        with timings.of("ending"), held_back():
            down(_FOLDER)
    seconds = timings.seconds | {"all": time.monotonic() - started}
    figures["seconds"] = {name: round(value, 1) for name, value in seconds.items()}
    _FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures


def _token(server: Server, tenant_id: str) -> str:
    """The local issuer's; it gives whoever reaches it whatever he asks for."""
    return issuer.token(server, issuer.claims_of(server.endpoint, tenant_id))


def _verdict_on(figures: dict[str, Any]) -> int:
    console.rule("Result")
    kept = promises(figures)
    for promise, is_kept in kept.items():
        console.print(f"{'[green]yes[/]' if is_kept else '[red]NO [/]'} {promise}")
    seconds = figures["seconds"]
    console.print("seconds: " + ", ".join(f"{name} {value}" for name, value in seconds.items()))
    console.print(f"figures: {_shown(_FIGURES)}; for an auditor: {_shown(auditor_page.FILE)}")
    return 0 if all(kept.values()) else 1


def _shown(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


if __name__ == "__main__":
    sys.exit(main())
