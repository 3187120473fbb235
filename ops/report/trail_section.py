"""Section 6: whether the trail is what was written, and every event of the period by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ops.report.blocks import NAME, NUMBER, WIDE, Column, code, facts, paragraph, section, table, unread
from ops.report.html import Html, joined, tag
from ops.report.report import NotKnown, Report, TrailCheck
from ops.report.words import NOTHING, count, duration, time
from shared.runtime.audit_log import AuditEvent
from shared.trail.findings import TrailVerdict

VERDICTS: Final = {
    TrailVerdict.INTACT: "intact",
    TrailVerdict.TAMPERED: "not what was written",
    TrailVerdict.UNCHECKED: "could not be checked",
}


_LEFT_OUT: Final = "Events of other segments that are not counted: whoever wrote them tells what is not his to tell"


def trail_section(report: Report) -> Html:
    """Section 6."""
    intro = paragraph(
        "Every figure about the period comes from the audit trail: objects that were written once and locked, listed "
        "in manifests that a notary signs, each with the digest of the one before. The verifier needs these objects "
        "and one public key, and nobody's word."
    )
    trail = report.trail
    content = [*_verified(trail)]
    if report.unreadable:
        rows = [(code(key), why) for key, why in report.unreadable.items()]
        content.append(
            table(
                "unreadable",
                "Segments that cannot be read: their events are missing",
                (Column("segment", WIDE), Column("it")),
                rows,
            )
        )
    if report.left_out:
        parts = [
            (code(key), joined(count(one.events, "trail.left_out." + key), f" of {one.of:,}"), one.why)
            for key, one in report.left_out.items()
        ]
        of_events = (Column("segment", WIDE), Column("events", NUMBER), Column("why"))
        content.append(table("left-out", _LEFT_OUT, of_events, parts))
    if report.conflicts:
        pairs = [(code(key), code(other)) for key, other in report.conflicts]
        columns = (Column("counted is what tells", WIDE), Column("and not", WIDE))
        caption = "Segments that tell different things under one event id: each event is counted once"
        content.append(table("conflicts", caption, columns, pairs))
    return section(6, "trail", "The audit trail", intro, *content, _by_name(report))


def _verified(trail: TrailCheck | NotKnown) -> Iterator[Html]:
    if isinstance(trail, NotKnown):
        yield unread("The trail was not verified, and nothing vouches for what is counted", trail.why)
        return
    result = trail.result
    verdict = VERDICTS[result.verdict]
    if result.verdict is not TrailVerdict.UNCHECKED:
        yield paragraph("All was verified before: counted is what is as it was attested, or too young to be attested.")
    yield facts(
        {
            "verdict": verdict if result.verdict is TrailVerdict.INTACT else tag("b", verdict),
            "manifests that can be trusted": count(result.manifests, "trail.manifests"),
            "segments as they were attested": count(result.segments, "trail.segments"),
            "youngest, not attested yet": count(result.pending, "trail.pending"),
            "listed by no manifest that can be trusted": count(result.unproven, "trail.unproven"),
            "not counted, since they prove nothing": count(len(result.doubted), "trail.doubted"),
            "proven until": joined(time(result.proven_until), " UTC") if result.proven_until else NOTHING,
            "checked with the public key": joined(tag("code", trail.key_sha256, class_="digest"), _source(trail)),
        }
    )
    if result.findings:
        rows = [(str(one.kind).replace("_", " "), code(one.key), one.why) for one in result.findings]
        yield table("tampering", "What is wrong", (Column("finding"), Column("object", WIDE), Column("why")), rows)
    if result.silences:
        silent = [(time(since), time(until), duration(until - since)) for since, until in result.silences]
        columns = (Column("from"), Column("to"), Column("for", NUMBER))
        yield table("silences", "When the notary wrote no manifest, which is not tampering by itself", columns, silent)
    if result.doubted:
        keys = [(code(key),) for key in result.doubted]
        yield table("doubted", "Segments whose events are not counted", (Column("segment", WIDE),), keys)


def _source(trail: TrailCheck) -> Html:
    return tag("span", f"SHA-256 of its DER form; {trail.key_source}", class_="under")


def _by_name(report: Report) -> Html:
    told = report.tally.by_name
    rows = [(code(name), count(told[name], f"events.{name}")) for name in AuditEvent if told.get(name)]
    rows.append((tag("b", "all events"), count(report.tally.events, "events.total")))
    caption = "Every event of the period by name, each counted once however often it was delivered"
    return table("events", caption, (Column("event", NAME), Column("times", NUMBER)), rows)
