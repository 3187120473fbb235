"""Threads that end with a block, and the processes in which the local AWS runs its functions."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event, Thread

from ops.local_aws import process

_WORKER = re.compile(r"/ministack-lambda-(?P<function>[^/]+)-[^/-]+/")
"""`…/ministack-lambda-sealstream-auditor-auomuhdy/_worker.py`."""


@contextmanager
def in_background(work: Callable[[Event], None], *, name: str) -> Iterator[None]:
    """Work on a thread of its own until the block ends, which sets the event that the work is given.

    What the work raises is raised where the block ends, unless the block itself failed.
    """
    stop = Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work(stop)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


@dataclass
class Killer:
    """Kills a random worker of the local AWS now and then: whatever function it runs is cut off in the middle.

    It stops after `at_most`: on a busy machine, where a worker gets less done between two kills, all must still end.
    """

    folder: Path
    seed: int
    every_seconds: float
    at_most: int
    killed: int = 0

    def running(self) -> AbstractContextManager[None]:
        return in_background(self._run, name="killer")

    def _run(self, stop: Event) -> None:
        random = Random(self.seed)
        while self.killed < self.at_most and not stop.wait(random.uniform(0.5, 1.5) * self.every_seconds):
            self.killed += kill_one(self.folder, random)


def kill_one(folder: Path, random: Random) -> bool:
    """Kill one of the workers; False where none runs."""
    workers = sorted(workers_of(folder))
    return bool(workers) and kill(random.choice(workers))


def workers_of(folder: Path) -> dict[int, str]:
    """What the local AWS runs now: the function's name, by process id."""
    server = process.running(folder)
    if server is None:
        return {}
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], check=True, capture_output=True, text=True)
    processes = (line.split(maxsplit=2) for line in listed.stdout.splitlines())
    children = {
        int(pid): _WORKER.search(arguments) for pid, parent, arguments in processes if int(parent) == server.pid
    }
    return {pid: worker["function"] for pid, worker in children.items() if worker}


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def resident_bytes(pid: int) -> int | None:
    """What a process holds in memory; None where it has ended."""
    answer = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=False, capture_output=True, text=True).stdout
    return int(answer) * 1024 if answer.strip() else None
