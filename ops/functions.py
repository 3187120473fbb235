"""Lambda functions, invoked with a payload; a failure is told by what may be known of it outside the function's log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ops.errors import FunctionFailed, FunctionRefused
from shared import errors
from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import NeedsAttention, SealstreamError
from shared.printable import printable

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Invoke = Callable[[Mapping[str, Any]], Any]
"""Invokes a function with a payload and gives its answer; raises FunctionFailed or FunctionRefused."""

_LASTING: Final = frozenset(
    {
        "ResourceNotFoundException",
        "AccessDeniedException",
        "InvalidRequestContentException",
        "UnrecognizedClientException",
    }
)
_SHOWN_CHARACTERS: Final = 400


@dataclass(frozen=True, slots=True)
class LambdaFunction:
    """One function.

    Attributes:
        title: for messages: "rotation function".
        log_group: where it tells more.
    """

    client: LambdaClient
    name: str
    title: str
    log_group: str

    def __call__(self, payload: Mapping[str, Any]) -> Any:
        """Invoke it and give its answer.

        Raises:
            FunctionFailed: no answer; it may come another time.
            FunctionRefused: it cannot be invoked, or will not do this.
        """
        try:
            answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(payload).encode("ascii"))
            content = answer["Payload"].read()
        except AWS_ERRORS as error:
            told = store_error(error, f"invoking the {self.title} {self.name}")
            if not isinstance(told, NeedsAttention) and error_code(error) not in _LASTING:
                raise FunctionFailed(str(told)) from None
            raise FunctionRefused(str(told)) from None
        if "FunctionError" in answer:
            raise self._failure(content)
        try:
            return json.loads(content)
        except ValueError:
            raise FunctionFailed(f"{self.title}: its answer is no JSON") from None

    def _failure(self, content: bytes) -> FunctionFailed | FunctionRefused:
        try:
            document = json.loads(content)
        except ValueError:
            document = {}
        name = str(document.get("errorType", "")) if isinstance(document, dict) else ""
        kind, more = getattr(errors, name, None), f" (more in log group {self.log_group})"
        if not (isinstance(kind, type) and issubclass(kind, SealstreamError)):  # whose message may hold anything
            what = printable(name)[:_SHOWN_CHARACTERS] or "ended without a word"
            return FunctionFailed(f"{self.title}: {what}{more}")
        message = printable(str(document.get("errorMessage", "")))[:_SHOWN_CHARACTERS]
        if issubclass(kind, NeedsAttention):
            return FunctionRefused(f"{self.title}: {message or name}")
        return FunctionFailed(f"{self.title}: {name}: {message}{more}")


def not_understood(who: str) -> FunctionRefused:
    """An answer is not of the form that this version knows."""
    return FunctionRefused(f"the {who} answered what this version does not understand: are both of one deployment?")
