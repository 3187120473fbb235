"""docs/audit_events.md says how each event is told in OCSF, in the schema's own words."""

from __future__ import annotations

import re

import pytest

from shared.runtime.audit_log import ALLOWED_FIELDS, AuditEvent
from shared.trail.ocsf import SCHEMA_VERSION, ocsf
from shared.trail.ocsf_tellings import TELLINGS
from tests.unit.docs.pages import ROOT, table, text_of
from tests.unit.shared.trail.events_of_every_kind import every_kind
from tests.unit.shared.trail.schema import caption, class_name, published

PAGE = ROOT / "docs" / "audit_events.md"
ROWS = {row[0].strip("`"): row[1:] for row in table(PAGE, "event in OCSF")[1:]}
EXPLAINED = {name for row in table(PAGE, "attribute of the schema")[1:] for name in re.findall(r"`([\w.]+)`", row[0])}
IN_THE_FIRST_TABLE = {"category_uid", "class_uid", "activity_id", "type_uid", "severity_id", "status_id", "status"}
CONSTANT = {
    "metadata.version",
    "metadata.product",
    "finding_info.title",
    "finding_info.types",
    "data_security.data_lifecycle_state_id",
}
OBJECTS = {"metadata", "finding_info", "data_security", "api", "api.request", "actor", "src_endpoint"}


def test_the_page_lists_every_event_in_its_order():
    assert list(TELLINGS) == list(ROWS)


@pytest.mark.parametrize("name", AuditEvent)
def test_a_row_says_it_in_the_words_of_the_schema(name):
    telling = TELLINGS[name]
    number, attributes = telling.event_class, ("activity_id", "severity_id", "status_id")
    documents = [ocsf(event) for event in every_kind(name)[1:]]
    told = [{caption(number, one, document[one]) for document in documents} for one in attributes]
    class_caption, *cells = ROWS[name]

    assert published()["classes"][class_name(number)]["caption"] == class_caption
    for cell, words in zip(cells, told, strict=True):
        decider = re.fullmatch(r"by `(\w+)`", cell)
        assert decider[1] in ALLOWED_FIELDS[name] if decider else {cell} == words


@pytest.mark.parametrize("name", AuditEvent)
def test_every_attribute_that_is_told_is_explained(name):
    for document in map(ocsf, every_kind(name)):
        told = document.keys() | {f"{one}.{inner}" for one in OBJECTS & document.keys() for inner in document[one]}
        told |= {f"api.request.{inner}" for inner in document.get("api", {}).get("request", {})}
        assert EXPLAINED >= told - OBJECTS - IN_THE_FIRST_TABLE - CONSTANT


def test_the_page_names_the_schemas_version():
    assert f"schema.ocsf.io/{SCHEMA_VERSION}), version {SCHEMA_VERSION}" in text_of(PAGE)
