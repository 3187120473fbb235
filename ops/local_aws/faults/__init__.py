"""Faults between Lambda functions of the local AWS and what they call: for chaos on the whole stack.

A server that is started with a file of faults (`process.start(folder, faults=path)`) makes its workers obey it. Writing
it anew, or removing it, takes effect with the next call; there need be none at first. What happened is counted beside
it. The functions' bundles know nothing of it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ops.local_aws.faults.hooks import Kind, log_of
from ops.local_aws.files import write_atomically

__all__ = ["Fault", "Kind", "counted", "forget", "write"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault; service, operation and function are patterns as of file names.

    Attributes:
        probability: of each attempt of a call, from 0 to 1. The first fault of a file that happens is the one.
        service: as in the names of botocore's events: `dynamodb`, `dynamodb-streams`, `kms`, `s3`, `sqs` …
        operation: as in the API: `PutItem`.
        function: the function that calls.
        seconds: of latency.
    """

    kind: Kind
    probability: float
    service: str = "*"
    operation: str = "*"
    function: str = "*"
    seconds: float = 0

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError("a probability lies between 0 and 1")


def write(path: Path, faults: Iterable[Fault], *, seed: int) -> None:
    """From now on these; each execution environment of a function draws its own sequence of the seed."""
    write_atomically(path, json.dumps({"seed": seed, "faults": [asdict(fault) for fault in faults]}))


def counted(path: Path) -> Counter[Kind]:
    """How many faults of each kind have happened since the last `forget`."""
    try:
        lines = log_of(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return Counter()
    return Counter(Kind(kind) for line in lines if (kind := json.loads(line)["kind"]))


def forget(path: Path) -> None:
    """No faults any more, and none counted."""
    path.unlink(missing_ok=True)
    log_of(path).unlink(missing_ok=True)
