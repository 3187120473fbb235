"""The life of one local AWS: start it, find it, stop it.

A folder (`build/` unless a test says otherwise) holds what belongs to it:

    local_aws.lock   locked by the server for as long as it lives: what tells a live server from stale state
    local_aws.json   its process id, port and start time
    local_aws.log    its output
    local_aws.tmp/   its temporary files: unpacked Lambda bundles
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops.local_aws.files import tail, write_atomically

PROJECT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = PROJECT / "build"
HOST: Final = "127.0.0.1"
#: What the interpreter runs as the server; a test puts one that fails here.
SERVER = ["-m", "ops.local_aws.server"]

#: Inherited from the caller; nothing else, since Lambdas inherit the server's environment in turn.
_INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "COVERAGE_PROCESS_START")


class LocalAwsError(Exception):
    """The local AWS cannot be started, found or stopped; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running local AWS."""

    pid: int
    port: int
    started_at: str
    stock: bool = False

    @property
    def endpoint(self) -> str:
        """The URL for `AWS_ENDPOINT_URL`; an address, so that S3 clients put the bucket into the path."""
        return f"http://{HOST}:{self.port}"


def start(
    folder: Path = BUILD, *, port: int | None = None, stock: bool = False, deadline_seconds: float = 60
) -> Server:
    """Start a server that outlives the caller, and wait until it answers.

    Raises LocalAwsError where one runs already, the port is taken, or the server dies or does not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder) as lock:
        if lock is None:
            raise LocalAwsError(f"the local AWS runs already ({_where(folder)}); end it with `make down`")
        _remove_leftovers(folder)
        chosen = _free_port(port)
        temporary = folder / "local_aws.tmp"
        temporary.mkdir()
        with (folder / "local_aws.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *SERVER, "--port", str(chosen), *(["--stock"] if stock else [])],
                cwd=PROJECT,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ}
                | {"TMPDIR": str(temporary.resolve())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # survives the shell, and its Lambda workers can be ended with it
                pass_fds=[lock],  # the lock is the server's from here on
            )
        try:
            _wait_until_healthy(process, chosen, folder, deadline_seconds)
            server = Server(process.pid, chosen, datetime.now(UTC).isoformat(timespec="seconds"), stock)
            write_atomically(folder / "local_aws.json", json.dumps(asdict(server), indent=2) + "\n")
        except BaseException:
            _kill_group(process.pid)
            process.wait()
            _remove_leftovers(folder)
            raise
        process.returncode = 0  # it is not ours to wait for any more: no ResourceWarning
        return server


def running(folder: Path = BUILD) -> Server | None:
    """The live server of this folder, or None."""
    if not folder.is_dir():
        return None
    with _lock(folder) as lock:
        return None if lock is not None else _read_state(folder)


def stop(folder: Path = BUILD, *, deadline_seconds: float = 10) -> bool:
    """End the server with its Lambda workers and remove its state; False where none ran.

    Raises LocalAwsError where a server holds the lock but its state is not readable.
    """
    if not folder.is_dir():
        return False
    with _lock(folder) as lock:
        if lock is not None:
            _remove_leftovers(folder)
            return False
    server = _read_state(folder)
    if server is None:
        raise LocalAwsError(
            f"a local AWS is starting, or {folder / 'local_aws.json'} was removed while it ran; "
            f"try again, or end the process that holds {folder / 'local_aws.lock'}"
        )
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    _wait_for_end(folder, server.pid, deadline_seconds)
    _kill_group(server.pid)
    if not _wait_for_end(folder, server.pid, deadline_seconds):
        raise LocalAwsError(f"process {server.pid} does not end, even on SIGKILL")
    _remove_leftovers(folder)
    return True


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[int | None]:
    """The descriptor of the folder's lock, held until the block ends; None where a server holds it."""
    descriptor = os.open(folder / "local_aws.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        # Closed, not unlocked: a started server shares the lock and keeps it.
        os.close(descriptor)


def _free_port(wanted: int | None) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise LocalAwsError(
                f"port {wanted} cannot be used ({error.strerror}); choose another, or leave --port out"
            ) from None
        return int(probe.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, folder: Path, deadline_seconds: float) -> None:
    log = folder / "local_aws.log"
    deadline = time.monotonic() + deadline_seconds
    while not _is_healthy(port):
        if process.poll() is not None:
            raise LocalAwsError(
                f"the local AWS ended while starting (exit status {process.returncode}); {log} ends with:\n{tail(log)}"
            )
        if time.monotonic() > deadline:
            raise LocalAwsError(
                f"the local AWS did not answer within {deadline_seconds:g} s and was ended; "
                f"{log} ends with:\n{tail(log)}"
            )
        time.sleep(0.05)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wait_for_end(folder: Path, pid: int, deadline_seconds: float) -> bool:
    """Whether the server let go of its lock in time."""
    deadline = time.monotonic() + deadline_seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # where the caller itself had started it
        with _lock(folder) as lock:
            if lock is not None:
                return True
        time.sleep(0.05)
    return False


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _read_state(folder: Path) -> Server | None:
    try:
        return Server(**json.loads((folder / "local_aws.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _where(folder: Path) -> str:
    server = _read_state(folder)
    return f"process {server.pid}, {server.endpoint}" if server else "still starting"


def _remove_leftovers(folder: Path) -> None:
    (folder / "local_aws.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "local_aws.tmp", ignore_errors=True)
