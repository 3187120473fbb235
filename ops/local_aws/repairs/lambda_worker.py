"""Lambda's Python worker: errors as AWS reports them, an environment that survives them, and prompt logs.

The worker is a script that MiniStack writes into a process and talks to in JSON lines; its log is its stderr.
The script and the two functions that read its answers are replaced together.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_HANDLER_ERROR: Final = "_handler_error"
_END_OF_LOG: Final = "\x1eend of invocation"
_LOG_DEADLINE_SECONDS: Final = 10.0
"""Reached only where a worker lives on and never marks the end. MiniStack's own quarter of a second is too short on a
busy machine: the rest of a log was then the next invocation's, however much later that came."""

_STOCK_ERROR: Final = """\
        except Exception as e:
            _real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")
        _real_stdout.flush()

run()
"""  # noqa: E501 - MiniStack's own line
# The first frame is the worker's own; AWS leaves its bootstrap out of the trace too.
_FAITHFUL_ERROR: Final = f"""\
        except Exception as e:
            _frames = traceback.format_tb(e.__traceback__)[1:]
            _type = type(e).__name__
            sys.stderr.write(
                f"[ERROR] {{_type}}: {{e}}\\nTraceback (most recent call last):\\n" + "".join(_frames)
            )
            _real_stdout.write(json.dumps({{"status": "ok", "result": {{{_HANDLER_ERROR!r}: {{
                "errorMessage": str(e), "errorType": _type,
                "requestId": _ms_ctx.get("request_id", ""), "stackTrace": _frames,
            }}}}}}) + "\\n")
        sys.stderr.write({_END_OF_LOG!r} + "\\n")
        sys.stderr.flush()
        _real_stdout.flush()

run()
"""


def apply() -> None:
    """Replace the worker's script and what reads its result and its log."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_STOCK_ERROR) != 1:
        raise RuntimeError("MiniStack's Python worker is not the one that this repair is made for")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_STOCK_ERROR, _FAITHFUL_ERROR)
    _report_handler_errors()
    _read_logs_to_their_end()


def _report_handler_errors() -> None:
    """AWS: an exception's own type and trace reach the caller, and the execution environment stays warm.

    Stock: `Runtime.HandlerError` without a trace, and the worker is killed, so that every retry of an event source
    mapping is a cold start and caches that a test wants to see kept are lost.
    """
    stock = lambda_svc._execute_function_warm

    def execute(func: Mapping[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = stock(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and set(body) == {_HANDLER_ERROR}:
            return {"body": body[_HANDLER_ERROR], "error": True, "log": result.get("log", "")}
        return result

    lambda_svc._execute_function_warm = execute


def _read_logs_to_their_end() -> None:
    """AWS: what a handler logs belongs to its invocation, all of it, and logging nothing costs nothing.

    Stock waits 50 ms for a first line that may never come, and 5 ms for a next one that may come later. The repaired
    worker marks the end of each invocation's log instead.
    """
    stock = lambda_runtime.Worker._drain_stderr_bounded

    def drain(self: Any, *arguments: float, **waits: float) -> str:
        if not str(self.config.get("Runtime", "")).startswith("python") or self._stderr_thread is None:
            return str(stock(self, *arguments, **waits))
        lines: list[str] = []
        deadline = time.monotonic() + _LOG_DEADLINE_SECONDS
        while time.monotonic() < deadline:
            ended = not self._stderr_thread.is_alive()  # asked before the queue, so that no last line is missed
            try:
                line = self._stderr_queue.get(timeout=0.01)
            except queue.Empty:
                if ended:
                    break
                continue
            if line.endswith(_END_OF_LOG):
                lines += [line.removesuffix(_END_OF_LOG)] if line != _END_OF_LOG else []
                break
            lines.append(line)
        return "\n".join(lines)

    lambda_runtime.Worker._drain_stderr_bounded = drain
