"""What a Lambda function can import: its own bundle, the standard library, and what the runtime brings."""

from __future__ import annotations

import tempfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from ministack.core import lambda_runtime

#: What AWS's Python runtimes hold besides the standard library.
_RUNTIME_DISTRIBUTIONS: Final = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")

_PROLOGUE: Final = """\
import sys, sysconfig
_stdlib = sysconfig.get_path("stdlib")
sys.path[:] = [p for p in sys.path if p.startswith(_stdlib) and not p.endswith("-packages")] + [{runtime!r}]
"""


def apply() -> None:
    """AWS: a library that a bundle lacks is missing, and the function fails.

    Stock runs functions with everything that its own environment has installed, this project included, so that a
    bundle that could never run on AWS passes.
    """
    runtime = Path(tempfile.mkdtemp(prefix="lambda-runtime-"))
    for name in _RUNTIME_DISTRIBUTIONS:
        installed = distribution(name)
        for top in {file.parts[0] for file in installed.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            (runtime / top).symlink_to(Path(str(installed.locate_file(top))))
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    lambda_runtime._PYTHON_WORKER_SCRIPT = _PROLOGUE.format(runtime=str(runtime)) + script
