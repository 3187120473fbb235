"""A page in headless Chromium, asked over the browser's own protocol: what it shows, says, complains of, loads."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ANSWERS_WITHIN_SECONDS: Final = 30
_ABOVE_ANY_THAT_IT_USES: Final = 10
_READ_END, _WRITE_END = 3, 4
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-pipe",
)


def chromium() -> str | None:
    """The browser's program; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Tab:
    """One page.

    Attributes:
        complaints: what stands in its console, errors and warnings.
        loaded: the addresses that it asked for.
    """

    send: Any
    received: Queue[Mapping[str, Any]]
    complaints: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    _session: str = ""
    _last: int = 0

    def call(self, method: str, **parameters: Any) -> Mapping[str, Any]:
        """One call of the protocol, and its answer."""
        self._last += 1
        self.send({"id": self._last, "method": method, "params": parameters, "sessionId": self._session or None})
        while True:
            message = self._next()
            if message.get("id") == self._last:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def open(self, file: Path) -> None:
        """Load it, wholly."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=file.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def of(self, width: int, *, dark: bool = False, phone: bool = False) -> None:
        """As on a screen of this width."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="screen", features=[scheme])

    def value(self, expression: str) -> Any:
        """Of an expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def names(self, role: str) -> list[str]:
        """By which those who do not see it know everything of this role that is shown."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        shown = [node for node in nodes if not node["ignored"] and node["role"]["value"] == role]
        return [node.get("name", {}).get("value", "") for node in shown]

    def picture(self, file: Path) -> None:
        """All of the page, as a PNG."""
        self._write(file, self.call("Page.captureScreenshot", captureBeyondViewport=True))

    def printed(self, file: Path) -> None:
        """As a PDF."""
        self._write(file, self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True))

    def _next(self) -> Mapping[str, Any]:
        try:
            message = self.received.get(timeout=_ANSWERS_WITHIN_SECONDS)
        except Empty:
            raise TimeoutError("Chromium does not answer") from None
        match message.get("method"):
            case "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(message["params"]))
            case "Network.requestWillBeSent":
                self.loaded.append(message["params"]["request"]["url"])
        return message

    @staticmethod
    def _write(file: Path, answer: Mapping[str, Any]) -> None:
        file.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Tab]:
    """Start it with a profile in this folder; it is ended with the block."""
    ours, theirs = _pipe(), _pipe()
    actions = [(os.POSIX_SPAWN_DUP2, ours[0], _READ_END), (os.POSIX_SPAWN_DUP2, theirs[1], _WRITE_END)]
    with (folder / "chromium.log").open("wb") as log:
        actions += [(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)]
        words = [program, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
        pid = os.posix_spawn(program, words, os.environ, file_actions=actions, setsid=True)
    os.close(ours[0])
    os.close(theirs[1])
    received: Queue[Mapping[str, Any]] = Queue()
    reader = threading.Thread(target=_read, args=(theirs[0], received), daemon=True)
    reader.start()
    try:
        yield Tab(send=lambda message: _send(ours[1], message), received=received)
    finally:
        os.close(ours[1])
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        reader.join(_ANSWERS_WITHIN_SECONDS)
        os.close(theirs[0])


def _pipe() -> tuple[int, int]:
    """Both ends on numbers that are free in the browser, and not handed on but as it is told."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _ABOVE_ANY_THAT_IT_USES) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _send(pipe: int, message: Mapping[str, Any]) -> None:
    present = {name: value for name, value in message.items() if value is not None}
    content = json.dumps(present).encode() + b"\0"
    while content:
        content = content[os.write(pipe, content) :]


def _read(pipe: int, received: Queue[Mapping[str, Any]]) -> None:
    rest = b""
    while piece := os.read(pipe, 1 << 16):
        *whole, rest = (rest + piece).split(b"\0")
        for message in whole:
            received.put(json.loads(message))
