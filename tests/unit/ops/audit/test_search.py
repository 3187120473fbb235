"""What `sealstream audit search` and `export` print."""

from __future__ import annotations

import json

import pytest

from ops.audit.reading import Trail
from ops.audit.search import export, search
from ops.audit.selection import Selection
from shared.public_ids import public_item_id
from shared.trail.ocsf import ocsf
from tests.unit.ops.audit.trail import HOUR, START, MemoryObjects, event

CLEAR = event(
    "item.plaintext_found",
    at=START + 1,
    tenant_id="acme",
    item_id="i-1",
    change="insert",
    verdict="plaintext",
    findings=[{"kind": "plaintext", "where": "name", "why": "in clear", "data_class": "pii"}],
    policy="00" * 8,
)
KEY = event("key.created", tenant_id="bolt", data_class="pii", key_id="01020304")
SPAN = (START, START + HOUR)


@pytest.fixture
def bucket():
    bucket = MemoryObjects()
    bucket.write(CLEAR, where="b")
    bucket.write(KEY, KEY, where="a")
    return bucket


@pytest.fixture
def in_a_terminal(monkeypatch):
    monkeypatch.setattr("ops.audit.search.for_programs", lambda as_json: as_json)


def test_programs_get_each_event_as_it_is(bucket, capsys):
    assert 0 == search(Trail(bucket), Selection(), *SPAN)
    assert [KEY, CLEAR] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("in_a_terminal")
def test_people_get_a_line_for_each(bucket, capsys):
    assert 0 == search(Trail(bucket), Selection(), *SPAN)
    clear = "acme/i-1  change=insert verdict=plaintext findings=name: in clear"
    assert [
        "2026-01-01T00:00:00.000Z  key.created                bolt/01020304  data_class=pii",
        f"2026-01-01T00:00:01.000Z  item.plaintext_found       {clear}",
        "2 events",
    ] == capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_not_there_is_said_to_people(bucket, capsys, as_json):
    assert 0 == search(Trail(bucket), Selection(tenant="coil"), *SPAN, as_json=as_json)
    assert ("" if as_json else "no events\n") == capsys.readouterr().out


@pytest.mark.parametrize(
    ("selection", "is_said"),
    [
        (Selection(item="4111111111111111"), True),
        (Selection(tenant="4111111111111111"), True),
        (Selection(item="i-1"), False),
        (Selection(tenant="acme"), False),
        (Selection(), False),
    ],
)
def test_who_asks_for_an_id_that_is_not_shown_is_told_that_it_may_be_anothers(capsys, selection, is_said):
    bucket = MemoryObjects()
    card = public_item_id("4111111111111111")
    bucket.write(event(tenant_id=card, item_id="i-1"), event(tenant_id="acme", item_id=card))
    search(Trail(bucket), selection, *SPAN)
    told = capsys.readouterr()
    assert is_said is ("they may be about others" in told.err)
    assert told.out


@pytest.mark.usefixtures("in_a_terminal")
def test_a_line_is_harmless_on_a_terminal(capsys):
    bucket = MemoryObjects()
    bucket.write(event(tenant_id="acme", item_id="\x1b[2J\nforged line"))
    search(Trail(bucket), Selection(), *SPAN)
    out = capsys.readouterr().out
    assert ("\x1b" in out, 2) == (False, out.count("\n"))


def test_an_export_is_what_was_written(bucket, capsys):
    assert 0 == export(Trail(bucket), Selection(), *SPAN)
    assert [ocsf(KEY), ocsf(CLEAR)] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_export_can_be_narrowed(bucket, capsys):
    export(Trail(bucket), Selection(tenant="acme"), *SPAN)
    assert [ocsf(CLEAR)] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_its_stage_does_not_tell_is_named_and_nobody_is_sent_to_verify(bucket, capsys):
    """What is attested `verify` calls intact."""
    forged = bucket.write(event("item.remediated", tenant_id="acme", item_id="i-1"), stage="tenant-api", where="c")
    assert 1 == search(Trail(bucket), Selection(), *SPAN)
    told = capsys.readouterr().err
    assert f"left out of {forged}: 1 of 1 event: tenant-api does not tell item.remediated" in told
    assert ("audit verify" in told, "ask how he came by that function's rights" in told) == (False, True)


@pytest.mark.parametrize("command", [search, export])
def test_a_part_that_cannot_be_read_is_named_and_the_rest_is_told(bucket, capsys, command):
    broken = bucket.write(event(tenant_id="coil"), where="c")
    bucket.objects[broken] = b"no gzip"
    assert 1 == command(Trail(bucket), Selection(), *SPAN)
    out, err = capsys.readouterr()
    assert (2, True) == (len(out.splitlines()), f"events of it are missing: {broken} does not unzip" in err)
    assert "audit verify" not in err, "what no manifest names yet it does not know"
