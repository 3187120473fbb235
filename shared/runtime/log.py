"""JSON lines on standard output, and how a failure is logged without its values.

Lambda sends each line of standard output to CloudWatch Logs. No line holds an attribute's value: an error of this
project is logged with its message, which by its own rule holds none; any other only with its type and its place in
the code, since a library's message may quote what it stumbled over.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from traceback import walk_tb
from typing import Any, Final, TextIO

import structlog

from shared.errors import SealstreamError

Processor = Callable[[Any, str, MutableMapping[str, Any]], Any]

_ROOT: Final = Path(__file__).resolve().parents[2]
_TALKATIVE: Final = ("boto3", "botocore", "urllib3", "s3transfer")


def write_line(document: Mapping[str, Any], out: TextIO | None = None) -> None:
    """Write one JSON document as one line, in ASCII, so that no character of a name can end or forge a line.

    Standard output, where `out` is None, is looked up anew each time: a Lambda's runtime may replace it.
    """
    stream = out or sys.stdout
    stream.write(json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n")
    stream.flush()


def json_lines(*processors: Processor, out: TextIO | None = None) -> Any:
    """A structlog logger whose `msg(event, **fields)` writes one JSON line, to standard output where `out` is None.

    The processors see the fields first, in this order.
    """
    return structlog.wrap_logger(
        _Lines(out),
        processors=[*processors, _event_first],
        wrapper_class=structlog.BoundLogger,
        context_class=dict,
    )


def log_failure(error: BaseException, *, out: TextIO | None = None, **ids: str) -> None:
    """Log that something failed: the error's type, our own error's message, the place in the code, and these ids."""
    fields = {"error": type(error).__name__, "raised_at": _raised_at(error)} | ids
    if isinstance(error, SealstreamError):
        fields["message"] = str(error)
    json_lines(out=out).msg("failure", **fields)


def quiet_libraries() -> None:
    """Keep the AWS libraries from logging requests and responses, whatever level the function's is set to."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Lines:
    """What structlog hands the processed fields to."""

    def __init__(self, out: TextIO | None) -> None:
        self._out = out

    def msg(self, document: Mapping[str, Any]) -> None:
        """Write one line."""
        write_line(document, self._out)


def _event_first(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> tuple[tuple[Any], dict[str, Any]]:
    return ({"event": fields["event"], **fields},), {}


def _raised_at(error: BaseException) -> str:
    """The innermost place in this project's code, `file:line`, else the innermost of all."""
    places = [(Path(frame.f_code.co_filename), number) for frame, number in walk_tb(error.__traceback__)]
    own = [(file.relative_to(_ROOT), number) for file, number in places if file.is_relative_to(_ROOT)]
    if not places:
        return "unknown"
    file, number = (own or places)[-1]
    return f"{file}:{number}"
