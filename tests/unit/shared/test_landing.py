"""Messages about objects: S3's own, and this project's; nothing else is believed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shared.errors import EventRefused
from shared.landing import Notice, ObjectVersion, notices_of
from tests.fakes.landing import BUCKET, SEQUENCER, about, s3_event

NOTICE = Notice(about(), SEQUENCER)


def test_an_event_of_s3_names_an_object_and_its_version():
    assert [NOTICE] == notices_of(s3_event(), BUCKET)


@pytest.mark.parametrize(
    ("sent", "key"),
    [("a+b.json", "a b.json"), ("a%2Bb.json", "a+b.json"), ("%C3%A4/%2520", "ä/%20"), ("t%3Fv%3D1", "t?v=1")],
)
def test_a_key_is_decoded_as_s3_encodes_it(sent, key):
    (notice,) = notices_of(s3_event(sent), BUCKET)

    assert key == notice.object.key


def test_the_event_that_s3_tries_with_asks_for_nothing():
    assert [] == notices_of(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}), BUCKET)


@pytest.mark.parametrize("notice", [NOTICE, replace(NOTICE, run=7), Notice(about('"\\\n\u2028'), "00")])
def test_a_message_of_this_project_is_read_back(notice):
    assert [notice] == notices_of(notice.to_message(), BUCKET)


def test_a_sequencer_of_half_a_byte_is_filled_up_as_if_zeros_stood_behind_it():
    assert ["0550"] == [one.sequencer for one in notices_of(Notice(about(), "055").to_message(), BUCKET)]


OWN = json.loads(NOTICE.to_message())


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"Records": null}',
        '{"Records": [{}]}',
        "[" * 100_000,
        s3_event(eventSource="aws:sns"),
        s3_event(eventName="ObjectRemoved:Delete"),
        s3_event(key="%FF"),
        s3_event(key=""),
        json.dumps({**OWN, "version": 2}),
        json.dumps({"version": 1, "landing": {**OWN["landing"], "run": 0}}),
        json.dumps({"version": 1, "landing": {**OWN["landing"], "run": True}}),
        json.dumps({"version": 1, "landing": {**OWN["landing"], "key": 5}}),
        json.dumps({"version": 1, "landing": {**OWN["landing"], "key": "\ud800"}}),
        json.dumps({"version": 1, "landing": {**OWN["landing"], "sequencer": "xyz"}}),
        json.dumps({"version": 1, "landing": {**OWN["landing"], "sequencer": "0" * 33}}),
    ],
)
def test_anything_else_is_refused(body):
    with pytest.raises(EventRefused, match="neither"):
        notices_of(body, BUCKET)


def test_an_event_of_another_bucket_is_refused_without_a_word_of_it():
    with pytest.raises(EventRefused, match="another bucket") as raised:
        notices_of(s3_event("secret.json", bucket="somebody-elses"), BUCKET)
    assert not {"secret", "somebody"} & set(str(raised.value).replace("-", " ").replace(".", " ").split())
    with pytest.raises(EventRefused, match="another bucket"):
        notices_of(replace(NOTICE, object=replace(NOTICE.object, bucket="other")).to_message(), BUCKET)


@pytest.mark.parametrize("version", [None, "", "null"])
def test_an_event_without_a_version_is_refused(version):
    with pytest.raises(EventRefused, match="no version"):
        notices_of(s3_event(version=version), BUCKET)


@pytest.mark.parametrize(
    ("key", "tenants"),
    [
        ("a.json", set()),
        ("tenant=acme/a.json", {"acme"}),
        ("in/tenant=acme/2026/a.json", {"acme"}),
        ("tenant=acme/tenant=acme/a", {"acme"}),
        ("tenant=acme/tenant=globex/a", {"acme", "globex"}),
        ("tenant=acme", set()),
        ("xtenant=acme/a", set()),
        ("tenant=/a", {""}),
    ],
)
def test_the_folders_of_a_key_name_tenants(key, tenants):
    assert tenants == about(key).tenants


def test_a_key_that_looks_sensitive_is_not_shown():
    assert "s3://b/in/a.json" == ObjectVersion("b", "in/a.json", "v").public_name
    assert "4111" not in ObjectVersion("b", "4111 1111 1111 1111", "v").public_name
