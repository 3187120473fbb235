"""The stacks as `cdk synth` makes them for a local AWS: once for the same sources, whatever port it listens on."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from ops.local_aws import issuer
from ops.local_aws.cdk import running
from ops.local_aws.files import shown, tail
from ops.local_aws.process import BUILD, PROJECT, LocalAwsError

#: Stands in what is kept for the endpoint of the local AWS that it will be deployed to.
_ENDPOINT: Final = "http://127.0.0.1:4566"
_CONTEXT: Final = {"local": "true", "jwt_issuer": issuer.issuer_of(_ENDPOINT), "jwt_audience": issuer.AUDIENCE}
#: Folders of the project that no stack is made of; whatever else there is counts as a source.
_NO_SOURCES: Final = frozenset({"bench", "build", "cdk.out", "docs", "node_modules", "ops", "tests", "__pycache__"})
_KEPT: Final = 8


@contextmanager
def synthesis(assembly: Path, endpoint: str, log: Path) -> Iterator[Callable[[], None]]:
    """Synthesise beside whatever else happens in the block; calling what it gives puts the stacks into `assembly`.

    That call raises LocalAwsError, with the end of the log, where `cdk synth` fails.
    """
    kept = _syntheses() / _digest()
    with ExitStack() as block:
        make: Callable[[], None] | None = None
        if not kept.is_dir():
            block.enter_context(_alone())
            if kept.is_dir():  # somebody else made it meanwhile
                block.close()
            else:
                make = block.enter_context(_making(kept, log))

        def finish() -> None:
            if make:
                make()
            _copy(kept, assembly, endpoint)

        yield finish


@contextmanager
def _making(kept: Path, log: Path) -> Iterator[Callable[[], None]]:
    """`cdk synth` while the block lasts; calling what it gives waits for its end."""
    chosen = [part for name, value in _CONTEXT.items() for part in ("--context", f"{name}={value}")]
    new = kept.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    arguments = ["synth", "--quiet", *chosen, "--output", str(new)]
    with log.open("wb") as output, running(arguments, cwd=PROJECT, environment={}, output=output) as process:

        def wait() -> None:
            if process.wait() != 0:
                raise LocalAwsError(f"cdk synth failed; {shown(log)} ends with:\n{tail(log)}")
            new.rename(kept)
            _forget_the_oldest()

        yield wait


def _copy(kept: Path, assembly: Path, endpoint: str) -> None:
    os.utime(kept)
    shutil.rmtree(assembly, ignore_errors=True)
    shutil.copytree(kept, assembly)
    for file in assembly.glob("*.json"):
        file.write_text(file.read_text(encoding="utf-8").replace(_ENDPOINT, endpoint), encoding="utf-8")
    # Where `cdk deploy` looks for zipped bundles, each named after its content: those of all deployments.
    (assembly / ".cache").symlink_to(_zips())


def _digest() -> str:
    """Of all that a synthesis reads."""
    digest = hashlib.sha256(f"{_CONTEXT} {sys.version} {sysconfig.get_platform()}".encode())
    for file in [*_sources(PROJECT), Path.home() / ".cdk.json"]:
        if file.is_file():
            for part in (os.fsencode(file), file.read_bytes()):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _NO_SOURCES or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _sources(path)
        elif path.suffix != ".md":
            yield path


def _forget_the_oldest() -> None:
    """All syntheses but the last ones used, and the zips that are in none of these."""
    made = [path for path in _syntheses().iterdir() if path.is_dir()]
    for old in sorted(made, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        shutil.rmtree(old)
    used = "".join(manifest.read_text(encoding="utf-8") for manifest in _syntheses().glob("*/*.assets.json"))
    for zipped in _zips().iterdir():
        if zipped.stem not in used:
            zipped.unlink(missing_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    """One synthesis at a time; it ends with the block or the process."""
    with (_syntheses() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _syntheses() -> Path:
    return _folder("syntheses")


def _zips() -> Path:
    return _folder("zips")


def _folder(name: str) -> Path:
    """Beside the bundles, which a synthesis names: whoever removes those removes it too."""
    folder = BUILD / "assets" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
