"""The server process: MiniStack on one loopback port, repaired where it is unfaithful to AWS.

`python -m ops.local_aws.server --port 4566` runs it in the foreground; `--stock` leaves MiniStack as it
comes, which is how the contract tests are shown to fail without the repairs.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

#: The repairs replace functions by name, so they hold for this version only.
MINISTACK_VERSION: Final = "1.5.33"
_LOOKS_EVERY_SECONDS: Final = 1


def main() -> None:
    """Run until SIGTERM; exit status 2 where another MiniStack is installed than the repairs are made for."""
    parser = argparse.ArgumentParser(prog="python -m ops.local_aws.server")
    parser.add_argument("--port", type=int, required=True, help="the loopback port to listen on")
    parser.add_argument("--lock", type=Path, help="the file by which the server is found; it ends when that is gone")
    parser.add_argument("--state", type=Path, help="where everything is written at the end, and read at the beginning")
    parser.add_argument("--faults", type=Path, help="the file of faults that Lambda workers obey")
    parser.add_argument("--stock", action="store_true", help="MiniStack as it comes, without the repairs")
    arguments = parser.parse_args()

    installed = version("ministack")
    if installed != MINISTACK_VERSION:
        print(
            f"MiniStack {installed} is installed, but the repairs are made for {MINISTACK_VERSION}; run `make setup`",
            file=sys.stderr,
        )
        sys.exit(2)
    _set_environment(arguments.port)
    if arguments.lock:
        threading.Thread(target=_end_without, args=[arguments.lock], daemon=True).start()
    _serve(stock=arguments.stock, state_file=arguments.state, faults_file=arguments.faults)


def _set_environment(port: int) -> None:
    """MiniStack reads its settings from the environment, most of them while it is imported."""
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",  # by itself it listens on every interface
        AUTH="true",  # without it no IAM policy is evaluated
        LAMBDA_EXECUTOR="local",  # worker processes, no Docker
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the local AWS's well-known root
    )
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.pop("AWS_ENDPOINT_URL", None)  # the server would call itself through it


def _end_without(lock: Path) -> None:
    """Without it, `rm -r build` would leave a server that nothing finds any more, and whose Lambdas have no code."""
    while lock.exists():
        time.sleep(_LOOKS_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(*, stock: bool, state_file: Path | None, faults_file: Path | None) -> None:
    # Imported only now, since the import reads the environment.
    from ministack import app  # noqa: PLC0415

    sys.argv = sys.argv[:1]  # MiniStack parses it too
    if stock:
        app.main()
        return
    from ops.local_aws import ending, event_source_mappings, issuing, repairs, state  # noqa: PLC0415
    from ops.local_aws.faults import workers  # noqa: PLC0415

    repairs.apply_all()
    issuing.prepare()
    if faults_file:
        workers.obey(faults_file)
    if state_file:
        state.restore(state_file)
    event_source_mappings.start()
    ending.prepare()
    app.main()
    if state_file:
        state.save(state_file)


if __name__ == "__main__":
    main()
