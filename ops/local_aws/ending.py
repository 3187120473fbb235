"""How the server ends on SIGTERM: its Lambda workers first, or it would wait for what their functions do."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
from types import SimpleNamespace
from typing import Any, ClassVar, Final
from weakref import WeakSet

from hypercorn import asyncio as hypercorn
from ministack.core import lambda_runtime

from ops.local_aws import event_source_mappings

#: How long requests that are being served may take once the server is told to end.
_GRACE_SECONDS: Final = 1


def prepare() -> None:
    """Take over from MiniStack; call it once, before the server is started."""
    lambda_runtime.subprocess = SimpleNamespace(**vars(subprocess) | {"Popen": _Worker})
    serve = hypercorn.serve

    async def serve_until_told(app: Any, config: Any) -> None:
        told = asyncio.Event()
        for end in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(end, told.set)

        async def end_workers() -> None:
            await told.wait()
            event_source_mappings.end()
            _Worker.end()

        config.graceful_timeout = _GRACE_SECONDS
        await serve(app, config, shutdown_trigger=end_workers)

    hypercorn.serve = serve_until_told  # type: ignore[assignment]


class _Worker(subprocess.Popen[str]):
    """A worker process, and all of them."""

    _all: ClassVar[WeakSet[_Worker]] = WeakSet()
    _changing: ClassVar[threading.Lock] = threading.Lock()
    _is_over: ClassVar[bool] = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        with self._changing:
            if self._is_over:
                raise OSError("the local AWS is ending")
            super().__init__(*arguments, **options)
            self._all.add(self)

    @classmethod
    def end(cls) -> None:
        """Kill those that live, begin no other."""
        with cls._changing:
            cls._is_over = True
            for worker in cls._all:
                worker.kill()
