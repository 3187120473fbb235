from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local_aws import process
from ops.local_aws.process import LocalAwsError
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
    assert (1, "") == (again.returncode, again.stdout)
    assert f"runs already (process {server.pid}, {server.endpoint}); end it with `make down`" in again.stderr
    assert server == process.running(folder)


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
    assert (folder / "local_aws.json").is_file()
    assert process.running(folder) is None
    assert 3 == command("status", "--folder", str(folder)).returncode
    assert process.start(folder).pid != server.pid


def test_stale_state_that_names_a_foreign_process_ends_nobody(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        state = {"pid": bystander.pid, "port": 1, "started_at": "2024-01-01T00:00:00+00:00", "stock": False}
        (folder / "local_aws.json").write_text(json.dumps(state))
        ended = command("down", "--folder", str(folder))
        assert (0, "The local AWS was not running.\n") == (ended.returncode, ended.stdout)
        assert bystander.poll() is None
        bystander.communicate(b"\n", timeout=10)
    assert not (folder / "local_aws.json").exists()


def test_down_is_repeatable_and_needs_no_folder(folder: Path) -> None:
    process.start(folder)
    assert "The local AWS is ended.\n" == command("down", "--folder", str(folder)).stdout
    assert 0 == command("down", "--folder", str(folder)).returncode
    assert 0 == command("down", "--folder", str(folder / "never" / "made")).returncode


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


def test_a_lambda_sees_nothing_of_the_shell_that_started_the_server(local_aws: LocalAws) -> None:
    source = "import os\ndef handler(event, context):\n    return list(os.environ)\n"
    names = invoke(local_aws, make_function(local_aws, source))
    assert "AWS_ENDPOINT_URL" in names
    assert "PERSONAL_TOKEN" not in names
