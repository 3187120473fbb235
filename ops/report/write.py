"""`sealstream report`: the page, in a file."""

from __future__ import annotations

import time
from pathlib import Path

from ops.report.gather import Wanted, gather
from ops.report.page import page
from ops.report.report import Report
from shared.errors import SettingsError


def write_report(wanted: Wanted, file: Path) -> Report:
    """Make the page and write it, whole or not at all; gives what it says.

    Raises:
        SealstreamError: the trail cannot be read, or the file cannot be written.
    """
    report = gather(wanted, time.time())
    content = page(report)
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(file)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}") from None
    return report


def told(report: Report, file: Path) -> list[str]:
    """For people: where it is, what asks for attention, and what is not known."""
    counted = f"{file}: {report.tally.events:,} events of the period"
    asks = [one.sentence for one in report.attention()]
    return [counted, *asks, *(f"Not known: {one.sentence}" for one in report.not_known())]
