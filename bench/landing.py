"""`python -m bench landing`: a body of gigabytes through the landing ingest's own reader; prints what it took.

The body is made as it is read, in a process of its own, so that the peak is the reader's. What the ingest would put
into the stream is counted and dropped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from bench.memory import peak_kib, resident_kib
from consumers.landing_ingest.batches import batches
from consumers.landing_ingest.entries import EntryMaker
from consumers.landing_ingest.ingest import PART_BYTES
from consumers.landing_ingest.lines import lines_of
from consumers.landing_ingest.text import ObjectText
from ops.local_aws.process import BUILD
from shared.landing import ObjectVersion, Progress
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE

GIGABYTES: Final = 5.0
KINDS: Final = ("plain", "gzip")
LINE_BYTES: Final = 4_000
_BLOCK_BYTES: Final = 1_000_000
_FIGURES: Final = BUILD / "landing.json"

console = Console(highlight=False)


@dataclass
class Body:
    """A body of about so many bytes of text, read from its beginning to its end.

    Attributes:
        kind: plain, or gzip: then it is compressed while it is read.
    """

    kind: str
    text_bytes: int
    line_bytes: int = LINE_BYTES

    def __post_init__(self) -> None:
        numbers = range(max(1, _BLOCK_BYTES // self.line_bytes))
        self.block = b"".join(_line(number, self.line_bytes) for number in numbers)
        self.blocks = max(1, self.text_bytes // len(self.block))
        self._made = self._pieces()
        self._held = bytearray()
        self._at = 0

    def read(self, start: int, length: int) -> bytes:
        """As S3 would; the first bytes may be looked at before."""
        while len(self._held) < start - self._at + length and (piece := next(self._made, None)) is not None:
            self._held += piece
        del self._held[: start - self._at]
        self._at = start
        return bytes(self._held[:length])

    @property
    def size(self) -> int:
        """Of the body; of a compressed one an upper bound, behind which comes nothing."""
        return self.blocks * len(self.block)

    def _pieces(self) -> Iterator[bytes]:
        if self.kind == "plain":
            for _ in range(self.blocks):
                yield self.block
            return
        squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
        for _ in range(self.blocks):
            yield squeeze.compress(self.block)
        yield squeeze.flush()


@click.command()
@click.option("--gigabytes", type=float, default=GIGABYTES, show_default=True)
@click.option("--line-bytes", type=int, default=LINE_BYTES, show_default=True)
def landing(gigabytes: float, line_bytes: int) -> None:
    """Measure the landing ingest's reader on a generated body."""
    figures = [_in_a_process(kind, gigabytes, line_bytes) for kind in KINDS]
    BUILD.mkdir(exist_ok=True)
    _FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    table = Table(*figures[0], title="landing")
    for row in figures:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    console.print(table)
    console.print(f"figures: {_FIGURES.name} in {BUILD.name}/")


def _in_a_process(kind: str, gigabytes: float, line_bytes: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.landing", kind, str(gigabytes), str(line_bytes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main(kind: str, gigabytes: str, line_bytes: str) -> None:
    """Read one body."""
    body = Body(kind, int(float(gigabytes) * 1e9), int(line_bytes))
    about = ObjectVersion("sealstream-landing-111122223333-eu-central-1", "tenant=acme/a.json", "v" * 32)
    maker = EntryMaker(Progress(about, "0055AED6DCD90281E5", 1, modified=1_767_225_600), load_policy(POLICY_FILE).item)
    before, began = resident_kib(), time.monotonic()
    size = body.size if kind == "plain" else _compressed_size(body)
    lines = put = 0
    read = lines_of(ObjectText(body.read, size, part_bytes=PART_BYTES).pieces(0))
    for batch in batches(read, maker.entry):
        lines += len(batch.entries)
        put += sum(entry.size_bytes for entry in batch.entries)
    seconds = time.monotonic() - began
    figures = {
        "body": kind,
        "text_mb": body.blocks * len(body.block) // 10**6,
        "lines": lines,
        "put_mb": put // 10**6,
        "seconds": round(seconds),
        "lines_per_second": round(lines / seconds),
        "rss_before_mib": round(before / 1024),
        "peak_rss_mib": round(peak_kib() / 1024),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _compressed_size(body: Body) -> int:
    """The same body, compressed once before, to know its size: S3 tells it."""
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
    return sum(len(squeeze.compress(body.block)) for _ in range(body.blocks)) + len(squeeze.flush())


def _line(number: int, size_bytes: int) -> bytes:
    document = {
        "id": f"customer-{number:08}",
        "name": f"Somebody {number}",
        "ssn": f"{number:09}",
        "contacts": [{"email": f"somebody-{number}@example.com", "kind": "private"}],
        "secret_item": {"nested_attribute": "Encrypt me!", "other": number},
        "amount": number / 100,
        "notes": "",
    }
    rest = max(0, size_bytes - len(json.dumps(document)) - 1)
    document["notes"] = (f"{number * 7_919:08x}" * (rest // 8 + 1))[:rest]
    return json.dumps(document).encode("ascii") + b"\n"


if __name__ == "__main__":
    main(*sys.argv[1:])
