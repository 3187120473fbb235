"""Every audit event is a document of the published schema, nothing of it is lost, and nothing is added to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from py_ocsf_models import OCSF_VERSION
from py_ocsf_models.events.base_event import BaseEvent
from py_ocsf_models.events.findings.finding import Finding
from py_ocsf_models.objects.api import API
from py_ocsf_models.objects.resource_details import ResourceDetails

from shared.runtime.audit_log import COMMON_FIELDS, AuditEvent
from shared.trail.ocsf import SCHEMA_VERSION, flat, ocsf
from shared.trail.ocsf_tellings import TELLINGS, EventClass
from tests.unit.shared.trail.events_of_every_kind import every_kind, line, written
from tests.unit.shared.trail.schema import published, validator

CANARY = "4111111111111111"
OF_EVERY_CLASS = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
REQUIRED = {
    EventClass.DATA_SECURITY_FINDING: OF_EVERY_CLASS | {"finding_info"},
    EventClass.API_ACTIVITY: OF_EVERY_CLASS | {"actor", "api", "src_endpoint"},
    EventClass.DATASTORE_ACTIVITY: OF_EVERY_CLASS | {"actor", "src_endpoint"},
}
REQUIRED_OF_OBJECTS = {
    "metadata": {"product", "version"},
    "finding_info": {"uid"},
    "api": {"operation"},
    "databucket": {"type_id"},
}
TOLD_TWICE = {"tenant_id", "run_id", "item_id", "key_id", "quarantine_id", "object", "request_id", "operation"} | {
    "state",
    "verdict",
    "reason",
    "why",
}
"""Fields that are told by the schema's own attributes too; findings and paths are not among them."""


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def beside(event: dict[str, Any]) -> set[Any]:
    return set(leaves(ocsf(event))) - set(leaves(event))


def test_it_is_said_of_every_event_how_it_is_told():
    assert set(AuditEvent) == TELLINGS.keys()


@pytest.mark.parametrize("name", AuditEvent)
def test_every_event_is_a_document_of_the_published_schema(name):
    for document in map(ocsf, every_kind(name)):
        assert [] == [error.message for error in validator(document["class_uid"]).iter_errors(document)]


@pytest.mark.parametrize("name", AuditEvent)
def test_every_document_has_what_the_schema_requires(name):
    for document in map(ocsf, every_kind(name)):
        assert REQUIRED[document["class_uid"]] <= document.keys()
        assert all(fields <= document[one].keys() for one, fields in REQUIRED_OF_OBJECTS.items() if one in document)
        assert document["class_uid"] != EventClass.DATASTORE_ACTIVITY or {"table", "databucket"} & document.keys()


@pytest.mark.parametrize("name", REQUIRED_OF_OBJECTS)
def test_the_table_of_required_fields_is_the_schemas_own_for_objects(name):
    attributes = published()["objects"][name]["attributes"]

    assert REQUIRED_OF_OBJECTS[name] == _required(attributes)


@pytest.mark.parametrize("event_class", EventClass)
def test_the_table_of_required_fields_is_the_schemas_own_for_classes(event_class):
    (attributes,) = (one["attributes"] for one in published()["classes"].values() if one["uid"] == event_class)

    assert REQUIRED[event_class] == _required(attributes)


def _required(attributes: dict[str, Any]) -> set[str]:
    """Without what belongs to a profile: no profile is claimed."""
    return {name for name, one in attributes.items() if one.get("requirement") == "required" and not one.get("profile")}


@pytest.mark.parametrize("name", AuditEvent)
def test_the_models_that_others_read_with_keep_every_document(name):
    """They have none of the three classes, but what findings share, what all events share, and the objects."""
    for document in map(ocsf, every_kind(name)):
        base = Finding if document["class_uid"] == EventClass.DATA_SECURITY_FINDING else BaseEvent
        known = {field: value for field, value in document.items() if field in base.model_fields}
        assert known == base.model_validate(known).model_dump(exclude_none=True, exclude_unset=True)
        for resource in document.get("resources", []):
            assert resource == ResourceDetails.model_validate(resource).model_dump(exclude_none=True)
        if "api" in document:
            assert document["api"] == API.model_validate(document["api"]).model_dump(exclude_none=True)


def test_the_schemas_version_is_the_one_that_these_models_have():
    assert OCSF_VERSION == SCHEMA_VERSION


@pytest.mark.parametrize("name", AuditEvent)
def test_nothing_of_an_event_is_lost(name):
    events = every_kind(name)

    assert events == [flat(json.loads(json.dumps(ocsf(event)))) for event in events]


@pytest.mark.parametrize("name", AuditEvent)
def test_what_a_document_says_beside_its_event_is_constant(name):
    """So it can hold no value that the event does not hold."""
    for one, other in zip(every_kind(name, "a"), every_kind(name, "b"), strict=True):
        assert beside(one) == beside(other)


@pytest.mark.parametrize("name", AuditEvent)
def test_a_value_that_strayed_into_an_event_is_told_nowhere_else(name):
    """The audit log refuses fields that are not listed; a listed one outside of the few stays where it is."""
    event = written(name)
    strayed = event | dict.fromkeys(event.keys() - TOLD_TWICE - COMMON_FIELDS, CANARY)

    assert CANARY not in json.dumps(ocsf(strayed) | {"unmapped": {}})


def test_a_redelivered_event_repeats_its_uid():
    event = line(AuditEvent.ITEM_WRITTEN, event_id="ab" * 16, change="insert")

    assert "ab" * 16 == ocsf(event)["metadata"]["uid"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"change": "insert"}, (6, "unknown")),
        ({"change": "modify"}, (2, "unknown")),
        ({"change": "standing"}, (1, "sealstream")),
    ],
)
def test_a_change_is_told_as_what_it_did_and_nobody_is_named_whom_the_stream_does_not_name(fields, expected):
    document = ocsf(line(AuditEvent.ITEM_STALE, **fields))

    assert expected == (document["activity_id"], document["actor"]["app_name"])


@pytest.mark.parametrize(("by", "expected"), [("expiry", "DynamoDB"), ("principal", "unknown")])
def test_a_removal_names_who_removed_only_where_the_event_knows(by, expected):
    document = ocsf(line(AuditEvent.ITEM_REMOVED, change="remove", removed_by=by))

    assert {"app_name": expected} == document["actor"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("done", (1, None)), ("rejected", (99, "rejected")), ("failed", (2, None))],
)
def test_a_word_that_is_neither_success_nor_failure_is_told_as_it_is(state, expected):
    document = ocsf(line(AuditEvent.OBJECT_INGESTED, state=state))

    assert expected == (document["status_id"], document.get("status"))


@pytest.mark.parametrize(
    ("name", "field"), [(AuditEvent.RECORD_QUARANTINED, "reason"), (AuditEvent.ACCESS_DENIED, "why")]
)
def test_a_failure_says_why(name, field):
    document = ocsf(line(name, **{field: "some-code"}))

    assert (2, "some-code") == (document["status_id"], document["status_code"])


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00.000Z", "2023-09-06T10:45:55.001Z", "9999-12-31T23:59:59.999Z"])
def test_a_time_is_kept_to_the_millisecond(at):
    assert at == flat(ocsf(line(AuditEvent.ITEM_REMOVED) | {"at": at}))["at"]


def test_an_event_without_a_telling_is_refused_without_its_name():
    with pytest.raises(ValueError, match="nobody said how to tell") as caught:
        ocsf({"event": CANARY})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"time": CANARY, "metadata": {}, "unmapped": {}},
        {"time": 10**30, "metadata": {"event_code": "x", "uid": "1"}, "unmapped": {}},
        {"time": 1, "metadata": {"event_code": "x", "uid": "1"}, "unmapped": CANARY},
        {"time": 1, "metadata": CANARY, "unmapped": {}},
    ],
)
def test_what_is_no_such_document_is_refused_without_what_it_says(document):
    with pytest.raises(ValueError, match="not the document of an audit event") as caught:
        flat(document)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "unmapped",
    [
        {"item_id": []},
        {"tenant_id": {}},
        {"open_seconds": 0.5},
        {"findings": 5},
        {"findings": "plaintext"},
        {"findings": [5]},
        {"findings": [{"where": [CANARY]}]},
        {"sequence_number": "\ud800"},
        {"\udfff": 1},
        {"findings": [{"where": "\ud800"}]},
    ],
)
def test_a_field_that_is_neither_text_nor_number_makes_it_no_event(unmapped):
    document = json.loads(json.dumps(ocsf(line(AuditEvent.ITEM_WRITTEN))))
    with pytest.raises(ValueError, match="not the document of an audit event"):
        flat(document | {"unmapped": unmapped})


@pytest.mark.parametrize("metadata", [{"event_code": ["x"], "uid": "1"}, {"event_code": "x", "uid": 1}])
def test_neither_is_one_whose_name_or_id_is_no_text(metadata):
    with pytest.raises(ValueError, match="not the document of an audit event"):
        flat({"time": 1, "metadata": metadata, "unmapped": {}})
