"""Lambda's assets, built without Docker: locked libraries for the target, then the project's own code.

An asset's directory is named after the digest of everything that goes into it. So unchanged code gives the same
asset, a second synthesis builds nothing, and the digest serves CDK as the asset's hash.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.settings import ROOT

_SERVICES = (
    *("backup", "cloudformation", "cloudwatch", "dynamodb", "dynamodbstreams", "kinesis", "kms", "lambda", "logs"),
    *("s3", "sqs", "stepfunctions", "sts"),
)
"""Those that the code has clients of. botocore describes 400 others, which would be nine tenths of an asset's files."""
_RECIPE = f"2 {' '.join(_SERVICES)}".encode()
"""Changes when this module makes another asset of the same sources."""
_CACHE = ROOT / "build" / "assets"
_IN_A_LAYER = Path("python")
_LEFT_OUT = ("__pycache__", "tests", "test", "bin")
_LEFT_OUT_OF_DIST_INFO = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "WHEEL")
"""An installer's notes: names of this machine and of nothing that runs. METADATA and licences stay."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which interpreter and which wheels.

    Attributes:
        name: tells targets apart.
        uv_options: the same in uv's words.
    """

    name: str
    uv_options: tuple[str, ...]


def lambda_target(version: str, machine: str) -> Target:
    """A Python runtime of Lambda's on Amazon Linux 2023, which has glibc 2.34; Tink's wheels ask for 2.28.

    Args:
        version: 3.12 or newer: those before are on Amazon Linux 2, with glibc 2.26.
        machine: arm64 (Graviton) or x86_64.
    """
    platform = machine.replace("arm64", "aarch64")
    return Target(
        f"python{version} {machine}", ("--python-version", version, "--python-platform", f"{platform}-manylinux_2_28")
    )


LAMBDA = lambda_target("3.13", "arm64")
"""What all functions run on."""


def this_machine() -> Target:
    """The interpreter that runs this: the local AWS runs the functions under it, whatever runtime they declare."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Target(f"python{version} {sysconfig.get_platform()}", ("--python", sys.executable))


@dataclass(frozen=True, slots=True)
class Asset:
    """A directory to deploy, and the digest of what it was made from."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class Bundler:
    """Builds assets for one target, at most once for the same content."""

    target: Target
    cache: Path = _CACHE

    def asset(self, consumer: str) -> Asset:
        """The asset of `consumers/<consumer>`, from the lock `requirements/<consumer>.txt`.

        Raises:
            RuntimeError: the libraries did not install; the message is uv's.
        """
        code = (ROOT / "consumers" / "__init__.py", *_code(f"consumers/{consumer}"), *_code("shared"))
        return self._built(consumer, {source: source.relative_to(ROOT) for source in (_policy(), *code)})

    def layer(self, name: str) -> Asset:
        """A layer of `shared` and the lock `requirements/<name>.txt`: in `python`, where Lambda's Python looks.

        The policy lies in `sealstream`, so that it is `/opt/sealstream/policy.toml` to a function.

        Raises:
            RuntimeError: the libraries did not install; the message is uv's.
        """
        code = {source: _IN_A_LAYER / source.relative_to(ROOT) for source in _code("shared")}
        return self._built(name, {_policy(): Path("sealstream/policy.toml"), **code}, libraries_in=_IN_A_LAYER)

    def _built(self, name: str, copies: Mapping[Path, Path], *, libraries_in: Path = Path()) -> Asset:
        """The asset with the lock's libraries, and of each of these files a copy in its place."""
        lock = ROOT / "requirements" / f"{name}.txt"
        digest = self._digest(lock, *sorted(copies))
        path = self.cache / f"{name}-{digest[:32]}"
        if not path.is_dir():
            libraries = self._libraries(name, lock)
            with self._scratch() as built:
                shutil.copytree(libraries, built / libraries_in, copy_function=os.link)
                for source, place in copies.items():
                    copy = built / place
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, copy)
                _move(built, path)
        return Asset(path, digest)

    def _libraries(self, name: str, lock: Path) -> Path:
        """Kept apart, so that a change of code asks nothing of the package index."""
        path = self.cache / f"{name}-libraries-{self._digest(lock)[:32]}"
        if not path.is_dir():
            with self._scratch() as built:
                self._install(lock, built)
                _prune(built)
                _move(built, path)
        return path

    def _install(self, lock: Path, into: Path) -> None:
        command = [
            str(Path(sysconfig.get_path("scripts")) / "uv"),
            *("pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--require-hashes", "--requirement", str(lock)),
            *self.target.uv_options,
            *("--target", str(into)),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            message = f"the libraries of {lock.name} for {self.target.name} did not install:\n{done.stderr}"
            raise RuntimeError(message)

    def _digest(self, *files: Path) -> str:
        digest = hashlib.sha256(_RECIPE + self.target.name.encode())
        for file in files:
            for part in (file.relative_to(ROOT).as_posix().encode(), file.read_bytes()):
                digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A directory to build in, on the cache's file system, so that the finished one is renamed into its place."""
        self.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.cache, prefix=".building-") as scratch:
            yield Path(scratch) / "asset"


def _policy() -> Path:
    return ROOT / "policy.toml"


def _code(folder: str) -> Iterator[Path]:
    """What a package is made of, the documents that it serves included."""
    return (file for form in ("*.py", "*.json") for file in (ROOT / folder).rglob(form))


def _prune(libraries: Path) -> None:
    for path in sorted(libraries.rglob("*")):
        if path.is_dir() and path.name in _LEFT_OUT:
            shutil.rmtree(path)
        elif path.parent.suffix == ".dist-info" and path.name in _LEFT_OUT_OF_DIST_INFO:
            path.unlink()
    for path in (libraries / "botocore" / "data").glob("*/"):
        if path.name not in _SERVICES:
            shutil.rmtree(path)
    (libraries / ".lock").unlink(missing_ok=True)


def _move(built: Path, path: Path) -> None:
    """Put the finished directory in its place; where another process was faster, its equal one stays."""
    try:
        built.rename(path)
    except OSError:
        if not path.is_dir():
            raise
