"""The life of one local AWS: start it, find it, stop it.

A folder (`build/` unless a test says otherwise) holds what belongs to it:

    local_aws.lock   locked by the server for as long as it lives, which tells a live server from stale state;
                     holds its process id, port and start time
    local_aws.log    its output
    local_aws.tmp/   its temporary files: unpacked Lambda bundles
    local_aws.state  what a server that keeps its state left for the next one
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shlex
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

from ops.local_aws.files import shown, tail
from ops.local_aws.interrupts import held_back

PROJECT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = PROJECT / "build"
HOST: Final = "127.0.0.1"
#: What the interpreter runs as the server; a test puts one that fails here.
SERVER = ["-m", "ops.local_aws.server"]

_LOCK: Final = "local_aws.lock"
_STATE: Final = "local_aws.state"
#: How long a held lock may go without the name of its process: until it is started, or ended.
_NAMELESS_SECONDS: Final = 1
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
    keeps_state: bool = False
    faults: str = ""

    @property
    def endpoint(self) -> str:
        """The URL for `AWS_ENDPOINT_URL`; an address, so that S3 clients put the bucket into the path."""
        return f"http://{HOST}:{self.port}"


def start(
    folder: Path = BUILD,
    *,
    port: int | None = None,
    stock: bool = False,
    keep_state: bool = False,
    faults: Path | None = None,
    deadline_seconds: float = 60,
) -> Server:
    """Start a server that outlives the caller, and wait until it answers.

    With `keep_state`, SIGTERM makes it write down what it knows, and it knows what one before it wrote down.
    Its Lambda workers obey `faults`, a file as `ops.local_aws.faults` writes it; there may be none yet.

    Raises LocalAwsError where one runs already, the port is taken, or the server dies or does not answer in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder, patience_seconds=0.2) as lock:
        if lock is None:
            other = running(folder)
            who = f"process {other.pid}, {other.endpoint}" if other else "it is starting or ending just now"
            raise LocalAwsError(f"the local AWS runs already ({who}); end it with `{command('down', folder)}`")
        _remove_leftovers(folder, lock)
        chosen = _free_port(port)
        temporary = folder / "local_aws.tmp"
        temporary.mkdir()
        if not keep_state:
            (folder / _STATE).unlink(missing_ok=True)
        process = None
        try:
            with (folder / "local_aws.log").open("ab" if keep_state else "wb") as log, held_back():
                process = subprocess.Popen(
                    [
                        *(sys.executable, *SERVER, "--port", str(chosen), "--lock", str((folder / _LOCK).resolve())),
                        *(["--stock"] if stock else []),
                        *(["--state", str((folder / _STATE).resolve())] if keep_state else []),
                        *(["--faults", str(faults.resolve())] if faults else []),
                    ],
                    cwd=PROJECT,
                    env={name: os.environ[name] for name in _INHERITED if name in os.environ}
                    | {"TMPDIR": str(temporary.resolve())},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # survives the shell, and its Lambda workers can be ended with it
                    pass_fds=[lock],  # the lock is the server's from here on
                )
            began = datetime.now(UTC).isoformat(timespec="seconds")
            named = str(faults.resolve()) if faults else ""
            server = Server(process.pid, chosen, began, stock, keep_state, named)
            os.pwrite(lock, json.dumps(asdict(server)).encode() + b"\n", 0)
            _wait_until_healthy(process, chosen, folder, deadline_seconds)
        except BaseException:
            if process:
                _kill_group(process.pid)
                process.wait()
            _remove_leftovers(folder, lock)
            raise
        process.returncode = 0  # it is not ours to wait for any more: no ResourceWarning
        return server


def running(folder: Path = BUILD) -> Server | None:
    """The live server of this folder, also one that is just starting, or None.

    Raises LocalAwsError where the lock is held but its file does not name the process, since it was altered, say.
    """
    if not (folder / _LOCK).is_file():
        return None
    deadline = time.monotonic() + _NAMELESS_SECONDS
    while True:
        with _lock(folder) as lock:
            if lock is not None:
                return None
        server = _read_state(folder)
        if server and _holds_lock(server.pid, folder):
            return server
        if time.monotonic() > deadline:
            raise LocalAwsError(
                f"a local AWS is starting or ending just now; if this stays so, {shown(folder / _LOCK)} was altered "
                "and does not name its process: find it with `pgrep -af ops.local_aws.server` and end it with `kill`"
            )
        time.sleep(0.02)


def is_answering(server: Server) -> bool:
    """Whether the server takes requests; it does not while it starts."""
    return _is_healthy(server.port)


def stop(folder: Path = BUILD, *, deadline_seconds: float = 10) -> bool:
    """End the server with its Lambda workers and remove its state; False where none ran.

    Raises LocalAwsError where it is not known which process it is, and where that does not end.
    """
    if not (folder / _LOCK).is_file():
        (folder / _STATE).unlink(missing_ok=True)  # of one that was ended from outside
        return False
    server = running(folder)
    if server is None:
        with _lock(folder) as lock:
            if lock is not None:
                _remove_leftovers(folder, lock)
    else:
        _end(server, folder, deadline_seconds)
    (folder / _STATE).unlink(missing_ok=True)
    return server is not None


def restart(folder: Path = BUILD, *, deadline_seconds: float = 60) -> Server:
    """End the server as `stop` does, but what it knows stays, and start it again on the same port.

    Its Lambda workers end at once, in the middle of what they do.

    Raises LocalAwsError where none runs that was started to keep its state, and as `start` and `stop`.
    """
    server = running(folder)
    if server is None or not server.keeps_state:
        raise LocalAwsError("no local AWS runs that keeps its state; start it with `keep_state=True`")
    _end(server, folder, deadline_seconds)
    if not (folder / _STATE).is_file():
        log = folder / "local_aws.log"
        raise LocalAwsError(f"the local AWS ended and left no state; {shown(log)} ends with:\n{tail(log)}")
    faults = Path(server.faults) if server.faults else None
    return start(folder, port=server.port, keep_state=True, faults=faults, deadline_seconds=deadline_seconds)


def _end(server: Server, folder: Path, deadline_seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    if not _has_ended(folder, server.pid, deadline_seconds):
        _kill_group(server.pid)
        if not _has_ended(folder, server.pid, deadline_seconds):
            raise LocalAwsError(f"process {server.pid} does not end, even on SIGKILL")


def command(verb: str, folder: Path = BUILD) -> str:
    """What to type in the current folder to do this with the local AWS of `folder`."""
    if folder.resolve() != BUILD:
        return shlex.join([shown(Path(sys.executable)), "-m", "ops.local_aws", verb, "--folder", shown(folder)])
    return shlex.join(["make", *([] if Path.cwd() == PROJECT else ["-C", shown(PROJECT)]), verb])


@contextlib.contextmanager
def _lock(folder: Path, *, patience_seconds: float = 0) -> Iterator[int | None]:
    """The descriptor of the folder's lock, held until the block ends; None where a server holds it.

    Who only looks whether a server runs holds it for a moment too: patience outlasts those.
    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience_seconds
    try:
        while not (is_ours := _try_lock(descriptor)) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield descriptor if is_ours else None
    finally:
        # Closed, not unlocked: a started server shares the lock and keeps it.
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holds_lock(pid: int, folder: Path) -> bool:
    """Whether the process has the lock file open; where the system does not tell, what the file says is believed."""
    if not Path("/proc/self/fd").is_dir():
        return True
    lock = (folder / _LOCK).stat()
    with contextlib.suppress(OSError):  # it has ended, or is another user's
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(lock, descriptor.stat()):
                    return True
    return False


def _free_port(wanted: int | None) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise LocalAwsError(
                f"port {wanted} cannot be used ({error.strerror}); choose another, or none for a free one"
            ) from None
        return int(probe.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, folder: Path, deadline_seconds: float) -> None:
    log = folder / "local_aws.log"
    deadline = time.monotonic() + deadline_seconds
    while not _is_healthy(port):
        if process.poll() is not None:
            raise LocalAwsError(
                f"the local AWS ended while starting (exit status {process.returncode}); "
                f"{shown(log)} ends with:\n{tail(log)}"
            )
        if time.monotonic() > deadline:
            raise LocalAwsError(
                f"the local AWS did not answer within {deadline_seconds:g} s and was ended; "
                f"{shown(log)} ends with:\n{tail(log)}"
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


def _has_ended(folder: Path, pid: int, deadline_seconds: float) -> bool:
    """Whether the server let go of its lock in time; what it left, workers and files, is removed then."""
    deadline = time.monotonic() + deadline_seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # where the caller itself had started it
        with _lock(folder) as lock:
            if lock is not None:
                _kill_group(pid)
                _remove_leftovers(folder, lock)  # under the lock: the next server's are not touched
                return True
        time.sleep(0.02)
    return False


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _read_state(folder: Path) -> Server | None:
    try:
        return Server(**json.loads((folder / _LOCK).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _remove_leftovers(folder: Path, lock: int) -> None:
    os.ftruncate(lock, 0)
    shutil.rmtree(folder / "local_aws.tmp", ignore_errors=True)
