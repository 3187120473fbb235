"""The saved queries, held against what the functions write into their logs."""

from __future__ import annotations

import re

import pytest

from infra.queries import API_QUERIES, QUERIES
from shared.runtime.audit_log import ALLOWED_FIELDS, FINDING_FIELDS, AuditEvent
from shared.runtime.metrics import Metric

COMMANDS = {"fields", "filter", "stats", "sort", "limit"}
OF_LINES = {"event", "error", "raised_at", "message", "where", "why", "tenant_id", "item_id"}
"""Fields of lines that are no events: failures, and what the re-encryptor leaves."""
WORDS = {
    *("in", "as", "by", "desc", "like", "and", "or"),
    *("count", "count_distinct", "min", "max", "sum", "ispresent"),
    *("times", "first", "latest", "events", "entries"),
}
ALL = [*QUERIES, *API_QUERIES]


def test_they_are_deployed_under_the_prefix_over_the_logs_that_they_name(cloud):
    deployed = {one.properties["Name"]: one.properties for one in cloud.resources("AWS::Logs::QueryDefinition")}
    groups = {one.properties["LogGroupName"] for one in cloud.resources("AWS::Logs::LogGroup")}

    assert {f"sealstream/{query.name}": query.steps[0] for query in ALL} == {
        name: properties["QueryString"].split("\n| ")[0] for name, properties in deployed.items()
    }
    for properties in deployed.values():
        assert set(properties["LogGroupNames"]) <= groups
        assert len(properties["LogGroupNames"]) <= 50, "more than Logs Insights takes"


@pytest.mark.parametrize("query", ALL, ids=lambda query: query.name)
def test_a_query_names_events_and_fields_that_are_written(query):
    text = " | ".join(query.steps)
    events = set(re.findall(r'"([a-z]+\.[a-z_]+)"', text))
    named = {AuditEvent(name) for name in events}
    known = {field for event in named for field in ALLOWED_FIELDS[event]} | {
        f"findings.0.{one}" for one in FINDING_FIELDS
    }
    bare = re.sub(r'"[^"]*"|/[^/]*/|@\w+|\b\d+\b(?!\.)', " ", text)
    fields = set(re.findall(r"[A-Za-z][\w.]*", bare)) - COMMANDS - WORDS

    assert {step.split()[0] for step in query.steps} <= COMMANDS
    assert fields <= known | (set() if named else OF_LINES | {"Function"} | set(map(str, Metric)))


def test_whatever_is_found_exposed_can_be_asked_for():
    text = str([query.steps for query in QUERIES])

    assert {"item.plaintext_found", "item.malformed", "item.undeclared_sensitive"} <= set(
        re.findall(r"item\.\w+", text)
    )
