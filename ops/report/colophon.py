"""The end of the page: how to check it without believing it, and what it does not show."""

from __future__ import annotations

from typing import Final

from ops.clock import iso
from ops.report.blocks import code, paragraph
from ops.report.html import Html, joined, tag
from ops.report.report import Report
from ops.report.words import time

_COMMANDS: Final = (
    "sealstream audit fetch trail/",
    "sealstream audit verify --offline trail/ --public-key key.pem",
    "sealstream audit export --offline trail/ --public-key key.pem \\\n  --from {since} --to {until}",
)


def colophon(report: Report) -> Html:
    """The footer."""
    period = {"since": iso(report.period.since), "until": iso(report.period.until)}
    commands = [joined(command.format(**period), Html("\n")) for command in _COMMANDS]
    return tag(
        "footer",
        tag("h2", "How to check this page"),
        paragraph(
            "Nothing here has to be believed. The page holds no attribute's value, runs nothing and asks for nothing "
            "from any network. Have the notary's public key from elsewhere than the bucket, compare its digest with "
            "the one in section 6, then let these verify and count again what is told here:"
        ),
        tag("pre", tag("code", *commands)),
        paragraph(
            "What it does not show: what happened before the period; whether somebody else wrote the youngest minutes, "
            "which no manifest attests yet; and sealed values themselves, which neither the auditor nor this page's "
            "maker can open. "
            "docs/audit_trail.md says what the trail proves, and what not."
        ),
        paragraph("Made ", time(report.period.made_at), " UTC by ", code("sealstream report"), ".", soft=True),
    )
