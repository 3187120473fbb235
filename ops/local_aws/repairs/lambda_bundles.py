"""One unpacked copy of a bundle for all workers that run it."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import zipfile
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from ministack.core import lambda_runtime

#: The folder of a worker that its function's code is unpacked to; layers go elsewhere.
_CODE: Final = "code"
_unpacking: Final = threading.Lock()
#: By the digest of a bundle: held by its first worker until that has imported, and so compiled, what all need.
_compiling: Final[defaultdict[str, threading.Lock]] = defaultdict(threading.Lock)
_compiled: Final[set[str]] = set()


def apply() -> None:
    """AWS: an environment starts from code that is laid out already.

    Stock writes and unpacks the archive again for each worker: 50 MB and a second of it for this project's encryptor,
    twenty times in one burst, all of which is compiled again, and deleted file by file when the server ends.
    """
    _Bundle.shared = Path(tempfile.mkdtemp(prefix="lambda-bundles-"))
    lambda_runtime.zipfile = SimpleNamespace(**vars(zipfile) | {"ZipFile": _Bundle})
    _start_one_first()


def _start_one_first() -> None:
    """Twenty workers that start at once, on a bundle of which nothing is compiled, would each compile all of it."""
    stock = lambda_runtime.Worker._spawn

    def spawn(self: Any) -> None:
        bundle = str(self.config.get("CodeSha256"))
        with _compiling[bundle] if bundle not in _compiled else nullcontext():
            if bundle not in _compiled:
                stock(self)
                _compiled.add(bundle)
                return
        stock(self)

    lambda_runtime.Worker._spawn = spawn


class _Bundle(zipfile.ZipFile):
    """An archive whose worker gets a link to the one copy; what one worker compiled, the next one finds there."""

    shared: Path

    def extractall(self, path: Any = None, *rest: Any, **options: Any) -> None:
        """Unpack, or link `path`, an empty folder, to where the same archive was unpacked before."""
        code, archive = Path(path or ""), Path(self.filename or "")
        if code.name != _CODE:
            super().extractall(path, *rest, **options)
            return
        with archive.open("rb") as content:
            unpacked = self.shared / hashlib.file_digest(content, "sha256").hexdigest()
        with _unpacking:
            if not unpacked.is_dir():
                # Renamed when it is whole, so that an archive that does not unpack leaves nothing to be taken for it.
                new = Path(tempfile.mkdtemp(dir=self.shared))
                super().extractall(new)
                new.rename(unpacked)
        code.rmdir()
        code.symlink_to(unpacked)
        archive.unlink()  # the worker's own copy of it, which nothing reads again
