from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.local_aws import process
from ops.local_aws.files import shown
from ops.local_aws.interrupts import held_back
from ops.local_aws.process import LocalAwsError
from ops.local_aws.up import down, up
from tests.local_aws.support import LocalAws, invoke, make_function, wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    process.stop(tmp_path)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.local_aws", *arguments],
        cwd=process.PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def commands_that_name(folder: Path) -> list[bytes]:
    """The command lines of living processes that name the folder; none where the system does not list them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes())
    return [line for line in found if bytes(folder) in line]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_listens_on_loopback_only(folder: Path) -> None:
    server = process.start(folder)
    listening = Path(f"/proc/{server.pid}/net/tcp")
    if not listening.is_file():
        pytest.skip("only Linux lists a process's sockets in /proc")
    addresses = {line.split()[1] for line in listening.read_text().splitlines()[1:]}
    assert {f"0100007F:{server.port:04X}"} == {a for a in addresses if a.endswith(f":{server.port:04X}")}


def test_started_twice_says_which_one_runs_and_leaves_it_running(folder: Path) -> None:
    server = process.start(folder)
    with pytest.raises(LocalAwsError, match=f"runs already .*{server.pid}.*{server.endpoint}"):
        process.start(folder)
    again = command("up", "--folder", str(folder))
    assert (1, "Starting the local AWS …\n") == (again.returncode, again.stdout)
    down = f"{shown(Path(sys.executable))} -m ops.local_aws down --folder {shown(folder)}"
    assert f"runs already (process {server.pid}, {server.endpoint}); end it with `{down}`" in again.stderr
    assert server == process.running(folder)


def test_two_starts_at_once_make_one_server(folder: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        started = [threads.submit(process.start, folder) for _ in range(2)]
    [refused] = [one.exception() for one in started if one.exception()]
    [server] = [one.result() for one in started if not one.exception()]
    assert f"runs already (process {server.pid}" in str(refused)
    assert server == process.running(folder)


def test_two_downs_at_once_both_find_it_ended(folder: Path) -> None:
    process.start(folder)
    with ThreadPoolExecutor(2) as threads:
        ended = [threads.submit(command, "down", "--folder", str(folder)) for _ in range(2)]
    assert [0, 0] == [one.result().returncode for one in ended], [one.result().stderr for one in ended]
    assert process.running(folder) is None


def test_the_files_beside_the_lock_do_not_matter_to_status_and_down(folder: Path) -> None:
    server = process.start(folder)
    for path in folder.iterdir():
        if path.is_file() and path.name != "local_aws.lock":
            path.unlink()
    found = command("status", "--folder", str(folder))
    assert 0 == found.returncode
    assert f"The local AWS runs: {server.endpoint} (process {server.pid}, since " in found.stdout
    assert "The local AWS is ended.\n" == command("down", "--folder", str(folder)).stdout
    assert process.running(folder) is None


@pytest.mark.parametrize("text", ["", "a foreign process"])
def test_an_altered_lock_file_ends_nobody_and_everything_says_so_soon(folder: Path, text: str) -> None:
    server = process.start(folder)
    lock = folder / "local_aws.lock"
    true = lock.read_text()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        lock.write_text(text and json.dumps(json.loads(true) | {"pid": bystander.pid}))
        for ask in (process.running, process.start, process.stop):
            start = time.monotonic()
            with pytest.raises(LocalAwsError, match=f"{shown(lock)} was altered and does not name its process"):
                ask(folder)
            assert time.monotonic() - start < 3
        assert (None, True) == (bystander.poll(), is_alive(server.pid))
        bystander.communicate(b"\n", timeout=10)
    lock.write_text(true)
    assert process.stop(folder)


def test_a_taken_port_is_said_and_nothing_is_left(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind((process.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAwsError, match=f"port {port} cannot be used"):
            process.start(folder, port=port)
    assert process.running(folder) is None
    assert process.start(folder, port=port).port == port


def test_a_killed_server_is_not_mistaken_for_a_live_one(folder: Path) -> None:
    server = process.start(folder)
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    assert f'"pid": {server.pid}' in (folder / "local_aws.lock").read_text()
    assert process.running(folder) is None
    assert 3 == command("status", "--folder", str(folder)).returncode
    assert process.start(folder).pid != server.pid


def test_stale_state_that_names_a_foreign_process_ends_nobody(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        state = {"pid": bystander.pid, "port": 1, "started_at": "2024-01-01T00:00:00+00:00", "stock": False}
        (folder / "local_aws.lock").write_text(json.dumps(state))
        ended = command("down", "--folder", str(folder))
        assert (0, "The local AWS was not running.\n") == (ended.returncode, ended.stdout)
        assert bystander.poll() is None
        bystander.communicate(b"\n", timeout=10)
    assert "" == (folder / "local_aws.lock").read_text()


def test_down_is_repeatable_needs_no_folder_and_makes_no_file(folder: Path) -> None:
    process.start(folder)
    assert "The local AWS is ended.\n" == command("down", "--folder", str(folder)).stdout
    assert 0 == command("down", "--folder", str(folder)).returncode
    assert 0 == command("down", "--folder", str(folder / "never" / "made")).returncode
    (folder / "empty").mkdir()
    quiet = command("down", "--quiet", "--folder", str(folder / "empty"))
    assert (0, "", "") == (quiet.returncode, quiet.stdout, quiet.stderr)
    assert [] == list((folder / "empty").iterdir())


def test_down_removes_the_environment_file_only_once_the_server_has_ended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = folder / "local.env"
    environment.touch()

    def stop(_: Path) -> bool:
        assert environment.exists()
        raise LocalAwsError("does not end")

    with monkeypatch.context() as patch:
        patch.setattr(process, "stop", stop)
        with pytest.raises(LocalAwsError, match="does not end"):
            down(folder)
    assert environment.exists()
    assert not down(folder)
    assert not environment.exists()


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Whoever runs in a shell's background ignores SIGINT, and hands that on to what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_up_that_is_interrupted_leaves_nothing_running(folder: Path, sent: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ops.local_aws", "up", "--folder", str(folder)],
        cwd=process.PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as starting:
        said = [next(line for line in starting.stdout or () if "ootstrapping" in line)]
        starting.send_signal(sent)
        rest, errors = starting.communicate(timeout=30)
    assert 130 == starting.returncode
    assert "The local AWS is ended again.\n" == rest, said
    assert "Interrupted; nothing was left running.\n" == errors
    assert process.running(folder) is None
    wait_until(lambda: not commands_that_name(folder))


def test_an_interrupt_that_is_held_back_counts_once_the_block_is_done() -> None:
    done: list[str] = []

    def interrupted() -> None:
        with held_back():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("block")
        done.append("what follows")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ["block"] == done


def test_a_deployment_that_fails_after_somebody_started_the_next_server_leaves_that_one_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deploy(*_: object) -> dict[str, str]:
        process.stop(folder)
        process.start(folder)
        raise LocalAwsError("its server is gone")

    monkeypatch.setattr("ops.local_aws.up.deploy", deploy)
    with pytest.raises(LocalAwsError, match="its server is gone"):
        up(folder)
    assert process.running(folder)


def test_messages_name_the_command_that_helps_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(process.PROJECT)
    assert "make down" == process.command("down")
    demo = f"{shown(Path(sys.executable))} -m ops.local_aws down --folder build/demo"
    assert demo == process.command("down", process.BUILD / "demo")
    monkeypatch.chdir(process.PROJECT / "docs")
    assert "make -C .. up" == process.command("up")


def test_a_server_that_dies_while_starting_shows_the_end_of_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SERVER", ["-c", "raise SystemExit('no such thing')"])
    with pytest.raises(LocalAwsError, match=r"(?s)ended while starting \(exit status 1\).*no such thing"):
        process.start(folder)
    assert process.running(folder) is None


def test_a_server_that_never_answers_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SERVER", ["-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"])
    with pytest.raises(LocalAwsError, match=r"did not answer within 1 s"):
        process.start(folder, deadline_seconds=1)
    assert not is_alive(int((folder / "local_aws.log").read_text()))


def test_another_version_of_ministack_is_refused() -> None:
    source = "from ops.local_aws import server; server.MINISTACK_VERSION = '0'; server.main()"
    refused = subprocess.run(
        [sys.executable, "-c", source, "--port", "1"], cwd=process.PROJECT, capture_output=True, text=True, check=False
    )
    assert 2 == refused.returncode
    assert "the repairs are made for 0" in refused.stderr


def test_it_outlives_the_process_that_started_it_and_its_workers_end_with_it(folder: Path) -> None:
    source = f"from pathlib import Path; from ops.local_aws import process; process.start(Path({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", source], cwd=process.PROJECT, check=True)
    server = process.running(folder)
    assert server
    aws = LocalAws(server.endpoint)
    try:
        worker = invoke(aws, make_function(aws, "import os\ndef handler(event, context):\n    return os.getpid()\n"))
    finally:
        aws.close()
    assert is_alive(worker)
    assert process.stop(folder)
    wait_until(lambda: not is_alive(worker) and not is_alive(server.pid))
    assert [] == [path.name for path in folder.iterdir() if path.name not in {"local_aws.lock", "local_aws.log"}]


@pytest.mark.parametrize("gone", ["its folder", "its lock file"])
def test_a_server_that_nobody_can_find_any_more_ends_itself(tmp_path: Path, gone: str) -> None:
    folder = tmp_path / "build"
    server = process.start(folder)
    if gone == "its folder":
        shutil.rmtree(folder)
    else:
        (folder / "local_aws.lock").unlink()
    wait_until(lambda: os.waitpid(server.pid, os.WNOHANG) != (0, 0))


@pytest.mark.also_on_stock  # how the server is started does this, not a repair
def test_a_lambda_sees_nothing_of_the_shell_that_started_the_server(local_aws: LocalAws) -> None:
    source = "import os\ndef handler(event, context):\n    return list(os.environ)\n"
    names = invoke(local_aws, make_function(local_aws, source))
    assert "AWS_ENDPOINT_URL" in names
    assert "PERSONAL_TOKEN" not in names
