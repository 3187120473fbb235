"""Files of tests are spread over workers, and few of these deploy the stacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from tests.distribution import Distribution, needs_a_deployment

NAMES = ("landing", "a", "b", "demo", "c", "d")
FILES = [
    *(f"tests/integration/test_{name}.py" for name in NAMES),
    "tests/local_aws/test_e.py",
    "tests/local_aws/test_f.py",
]
LANDING = FILES[0]


@dataclass(eq=False)
class Worker:
    """Runs what it is given, to its end."""

    sent: list[int] = field(default_factory=list)
    shutting_down: bool = False
    gateway: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(id="worker"))

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def spread(tests: list[str], workers: list[Worker]) -> list[list[str]]:
    """The files of each worker, where each works off one test after the other, in turn."""
    options = SimpleNamespace(loadscopereorder=False)
    distribution = Distribution(SimpleNamespace(getvalue=lambda _: [f"{len(workers)}*popen"], option=options))
    for worker in workers:
        distribution.add_node(worker)
        distribution.add_node_collection(worker, tests)
    distribution.schedule()
    for number in range(len(tests)):
        for worker in workers:
            if number < len(worker.sent):
                distribution.mark_test_complete(worker, worker.sent[number])
    assert not distribution.has_pending
    assert all(worker.shutting_down for worker in workers)
    return [list(dict.fromkeys(tests[index].split("::")[0] for index in worker.sent)) for worker in workers]


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_every_file_is_run_once_and_few_workers_deploy(number):
    tests = [f"{file}::test_{letter}" for file in FILES for letter in "xyz"]
    workers = [Worker() for _ in range(number)]

    files = spread(tests, workers)

    assert sorted(range(len(tests))) == sorted(index for worker in workers for index in worker.sent)
    assert sorted(FILES) == sorted(file for some in files for file in some)
    assert min(number, 2) == sum(any(map(needs_a_deployment, some)) for some in files)
    for some in files:
        assert sorted(some, key=needs_a_deployment, reverse=True) == some, "what is deployed is used up first"
        if LANDING in some:
            assert LANDING == list(filter(needs_a_deployment, some))[-1], (
                "what leaves much comes last on its deployment"
            )
