"""Each event is told by the stages that readers believe it of, and by no other."""

from __future__ import annotations

from collections.abc import Mapping

from shared.runtime.audit_log import AuditEvent
from shared.runtime.settings import TrailSettings
from shared.trail.stages import TOLD_BY, is_told_by
from tests.infra.emitted import events_named_in, reached_by

WHERE_ALL_STAND = "shared.runtime.audit_log"


def told(cloud) -> Mapping[str, frozenset[str]]:
    """What the code of each function names."""
    functions = [one.properties for one in cloud.resources("AWS::Lambda::Function")]
    return {
        TrailSettings.from_environment(one["Environment"]["Variables"]).stage: frozenset[str]().union(
            *(events_named_in(module) for module in reached_by(one["Handler"]) - {WHERE_ALL_STAND})
        )
        for one in functions
        if one["Handler"].startswith("consumers.")
    }


NAMED_AND_NOT_TOLD: Mapping[str, frozenset[str]] = {
    "reauditor": frozenset({"object.skipped"}),
    "reconciler": TOLD_BY["auditor"] - TOLD_BY["reconciler"],
}
"""What a stage's code names and never tells, since it shares it with another: no object comes to the reauditor;
and of an item as it stands nobody can say that it was just written, mended or removed."""


def test_each_stage_tells_what_its_code_names(cloud):
    assert told(cloud) == {
        stage: events | NAMED_AND_NOT_TOLD.get(stage, frozenset()) for stage, events in TOLD_BY.items()
    }


def test_every_event_is_told_by_some_stage():
    assert set(map(str, AuditEvent)) == {str(event) for events in TOLD_BY.values() for event in events}


def test_a_stage_that_nobody_knows_tells_nothing():
    assert not any(is_told_by("unknown", event) for event in AuditEvent)
