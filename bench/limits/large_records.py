"""What a large record becomes and takes in memory, each in a process of its own.

Started as `python -m bench.limits.large_records SIZE KIND`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from bench.memory import peak_kib
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE
from tests.fakes.encryptor import encryptor_world
from tests.fakes.kinesis import kinesis_record

MOST_VALUES_BYTES: Final = 800_000
"""A list of zeros of this size has nearly as many values as are taken apart."""
KINESIS_DEFAULT_BYTES: Final = 1 << 20
KINESIS_MOST_BYTES: Final = 10 << 20
_HEAD: Final = b'{"tenant_id":"acme","id":"1","notes":'
_TAIL: Final = b"}"
KINDS: Final = {"one string": (b'"', b"x", b'"'), "a list of zeros": (b"[0", b",0", b"]")}
"""What a record is filled with: before, again and again, after."""


def payload(size_bytes: int, kind: str) -> bytes:
    """A sound JSON record of at most this size, and hardly less."""
    before, filler, after = KINDS[kind]
    room = size_bytes - len(_HEAD + before + after + _TAIL)
    return _HEAD + before + filler * (room // len(filler)) + after + _TAIL


def measured() -> list[dict[str, Any]]:
    """Each size and kind, beside a small record."""
    asked = [(1_000, "one string"), (MOST_VALUES_BYTES, "a list of zeros")]
    asked += [(size, kind) for size in (KINESIS_DEFAULT_BYTES, KINESIS_MOST_BYTES) for kind in KINDS]
    return [_in_a_process(size, kind) for size, kind in asked]


def _in_a_process(size_bytes: int, kind: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.limits.large_records", str(size_bytes), kind]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main(size: str, kind: str) -> None:
    """Send one record through the encryptor."""
    event = kinesis_record(payload(int(size), kind))
    with encryptor_world(load_policy(POLICY_FILE)) as world:
        (result,) = world.process(event).results
    figures = {
        "bytes": int(size),
        "kind": kind,
        "outcome": result.outcome,
        "reason": result.kept.reason if result.kept else "",
        "peak_memory_mib": round(peak_kib() / 1024),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
