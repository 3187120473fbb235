"""In the server process: makes every Lambda worker load the hooks, after its own libraries and before its function."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ministack.core import lambda_runtime

from ops.local_aws.faults import hooks

_END: Final = "\nrun()\n"
_LOAD: Final = """
import importlib.util as _importing
_spec = _importing.spec_from_file_location("local_aws_faults", {hooks!r})
_faults = _importing.module_from_spec(_spec)
sys.modules[_spec.name] = _faults
_spec.loader.exec_module(_faults)
_faults.install({path!r})
"""


def obey(path: Path) -> None:
    """Make the workers that start from now on obey this file of faults."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001 - as the repairs do
    if not script.endswith(_END):
        raise RuntimeError("MiniStack's Python worker is not the one that this is made for")
    load = _LOAD.format(hooks=hooks.__file__, path=str(path))
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.removesuffix(_END) + load + _END  # noqa: SLF001
