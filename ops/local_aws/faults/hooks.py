"""Runs in a Lambda worker process of the local AWS: makes its calls to AWS fail as a file says.

Loaded by its path, since a worker imports nothing of this project: the standard library and botocore only. It answers
botocore's own event `before-send`, which every attempt of every call passes, so what retries is retried as on AWS.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import random
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from botocore.session import Session


def log_of(faults: Path) -> Path:
    """Beside a file of faults: a line of JSON for each environment that began, and each fault that happened."""
    return faults.with_name(faults.name + ".log")


class Kind(StrEnum):
    """What happens to a call."""

    THROTTLE = "throttle"
    """It is refused with the service's own error, and not applied."""
    INTERNAL_ERROR = "internal_error"
    """500, not applied."""
    UNAVAILABLE = "unavailable"
    """503, not applied."""
    LATENCY = "latency"
    """It takes longer: longer than the function may, and it ends as a function that ran out of time does."""
    RESET_BEFORE = "reset_before"
    """The connection is closed before anything is sent."""
    RESET_AFTER = "reset_after"
    """The service does what it was asked, and the connection is closed before it answers."""
    KILL_BEFORE = "kill_before"
    """The worker is killed before anything is sent."""
    KILL_AFTER = "kill_after"
    """The service does what it was asked, and the worker is killed before it knows."""


@dataclass(frozen=True, slots=True)
class _Service:
    """How a service refuses; XML where its protocol is."""

    throttle: str = "ThrottlingException"
    throttle_status: int = 400
    internal: str = "InternalFailure"
    unavailable: str = "ServiceUnavailable"
    is_xml: bool = False


_OTHER: Final = _Service()
#: By the name that botocore's events have for a service.
_SERVICES: Final = {
    "dynamodb": _Service("ProvisionedThroughputExceededException", internal="InternalServerError"),
    "dynamodb-streams": _Service("LimitExceededException", internal="InternalServerError"),
    "kinesis": _Service("ProvisionedThroughputExceededException"),
    "kms": _Service(internal="KMSInternalException", unavailable="DependencyTimeoutException"),
    "lambda": _Service("TooManyRequestsException", 429, internal="ServiceException"),
    "s3": _Service("SlowDown", 503, internal="InternalError", is_xml=True),
    "sqs": _Service("RequestThrottled"),
    "sts": _Service("Throttling", is_xml=True),
}


@dataclass(slots=True)
class Faults:
    """The faults of one file, as it is now; none while there is no such file."""

    path: Path
    function: str
    session: URLLib3Session = field(default_factory=URLLib3Session)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stamp: tuple[int, int, int] | None = None
    _rules: list[Mapping[str, Any]] = field(default_factory=list)
    _random: random.Random = field(default_factory=random.Random)
    _environment: int | None = None

    def before_send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> Any:
        """What botocore takes for the response; None: the request is sent as it is."""
        service, operation = event_name.split(".")[1:]
        fault = self._draw(service, operation)
        if fault is None:
            return None
        kind = Kind(fault["kind"])
        self._note({"service": service, "operation": operation, "kind": kind})
        match kind:
            case Kind.LATENCY:
                time.sleep(fault["seconds"])
                return None
            case Kind.THROTTLE | Kind.INTERNAL_ERROR | Kind.UNAVAILABLE:
                return refusal(request.url, service, kind)
            case Kind.RESET_AFTER | Kind.KILL_AFTER:
                self.session.send(request)
        if kind in {Kind.KILL_BEFORE, Kind.KILL_AFTER}:
            os.kill(os.getpid(), signal.SIGKILL)
        raise ConnectionClosedError(endpoint_url=request.url)

    def _draw(self, service: str, operation: str) -> Mapping[str, Any] | None:
        with self._lock:
            self._look()
            names = {"service": service, "operation": operation, "function": self.function}
            for rule in self._rules:
                is_meant = all(fnmatchcase(name, rule[what]) for what, name in names.items())
                if is_meant and self._random.random() < rule["probability"]:
                    return rule
            return None

    def _look(self) -> None:
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            if stamp == self._stamp:
                return
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._stamp, self._rules = None, []
            return
        if self._environment is None:
            self._environment = self._begin()
        self._stamp, self._rules = stamp, content["faults"]
        self._random = random.Random(f"{content['seed']}/{self.function}/{self._environment}")  # noqa: S311 - repeatable

    def _begin(self) -> int:
        """The how manieth environment of its function this is, from 0 on; so each has its own faults of a seed."""
        with log_of(self.path).open("a+", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.seek(0)
            mine = json.dumps({"function": self.function, "kind": None}) + "\n"
            earlier = sum(line == mine for line in log)
            log.write(mine)
            return earlier

    def _note(self, fault: Mapping[str, Any]) -> None:
        with log_of(self.path).open("a", encoding="utf-8") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.write(json.dumps({"function": self.function, **fault}) + "\n")


def refusal(url: str, service: str, kind: Kind) -> AWSResponse:
    """The response of a service that refuses."""
    named = _SERVICES.get(service, _OTHER)
    code, status = {
        Kind.THROTTLE: (named.throttle, named.throttle_status),
        Kind.INTERNAL_ERROR: (named.internal, 500),
        Kind.UNAVAILABLE: (named.unavailable, 503),
    }[kind]
    headers = HTTPHeaders()
    if named.is_xml:
        error = f"<Error><Code>{code}</Code><Message>injected</Message></Error>"
        body = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
    else:
        body = json.dumps({"__type": code, "message": "injected"})
        headers["x-amzn-errortype"] = code
    return AWSResponse(url, status, headers, _Body(body.encode()))


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> list[bytes]:
        """Everything at once, where botocore expects a response of urllib3."""
        return [self.read()]


def install(path: str) -> None:
    """Put the faults of this file between all clients that are made from now on and AWS."""
    faults = Faults(Path(path), os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    stock = Session.__init__

    def initialize(self: Session, *arguments: Any, **options: Any) -> None:
        stock(self, *arguments, **options)
        self.register("before-send", faults.before_send)  # type: ignore[arg-type]  # handlers may answer

    Session.__init__ = initialize  # type: ignore[method-assign]
