"""The `cdk` command of this project, started so that nothing of it is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ops.local_aws.interrupts import held_back
from ops.local_aws.process import PROJECT


def is_installed() -> bool:
    """Whether `make setup` has put it there."""
    return shutil.which("cdk", path=_tools()["PATH"]) is not None


@contextmanager
def running(
    arguments: list[str], *, cwd: Path, environment: dict[str, str], output: IO[bytes] | int
) -> Iterator[subprocess.Popen[str]]:
    """A cdk command, with all that it starts in a group that ends with the block: Ctrl-C leaves nothing behind."""
    process = None
    try:
        with held_back():  # else it may have started, and nobody know it
            process = subprocess.Popen(
                ["cdk", *arguments],
                cwd=cwd,
                env=_tools() | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        yield process
    finally:
        if process:
            with process:  # closes its pipe and waits for it
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)


def _tools() -> dict[str, str]:
    """The caller's environment without its AWS account; Node and Python of this project come first."""
    tools = [str(Path(sys.executable).parent), str(PROJECT / "node_modules" / ".bin"), os.environ.get("PATH", "")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    return kept | {
        "PATH": os.pathsep.join(tools),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
