from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ops.quarantine.index import Selection
from ops.quarantine.listing import list_entries
from tests.unit.ops.quarantine.world import ENTRIES, IDS, FakeIndex, index


@pytest.fixture
def in_terminal(monkeypatch):
    for module in ("listing", "show"):
        monkeypatch.setattr(f"ops.quarantine.{module}.for_programs", lambda *, as_json: as_json)


def test_entries_are_lines_for_programs(capsys):
    list_entries(Selection(), index=index())

    *entries, listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert IDS == [entry["quarantine_id"] for entry in entries]
    assert ("entry", "acme", 1_000, "2023-11-14T22:13:21Z") == tuple(
        entries[1][name] for name in ("event", "tenant_id", "record_count", "arrived_at")
    )
    assert {"event": "listed", "entries": 3, "records": 1_003} == listed


@pytest.mark.usefixtures("in_terminal")
def test_in_a_terminal_they_are_a_table_with_a_sum(capsys):
    list_entries(Selection(), index=index())

    head, first, second, _, summary = capsys.readouterr().out.splitlines()
    assert ["arrived", "reason", "records", "tenant", "state", "id", "detail"] == head.split()
    assert ["2023-11-14T22:13:20Z", "not_json", "1", "?", "held", IDS[0], "at", "byte", "3"] == first.split()
    assert ["undeclared_attribute", "1,000", "acme"] == second.split()[1:4]
    assert "3 entries, 1,003 records: not json 1, undeclared attribute 2" == summary


@pytest.mark.usefixtures("in_terminal")
def test_where_a_line_of_a_file_is_among_them_each_says_which(capsys):
    of_file: Any = replace(ENTRIES[1], object="s3://landing/\x1ba b.json", version="v1", line=1_007)
    files: Any = FakeIndex([ENTRIES[0], of_file])
    list_entries(Selection(), index=files)

    head, first, second, _ = capsys.readouterr().out.splitlines()
    assert ["id", "object", "detail"] == head.split()[-3:]
    assert first.endswith("at byte 3")
    assert "s3://landing/\\u001ba b.json line 1,007" in second


@pytest.mark.usefixtures("in_terminal")
def test_none_is_said(capsys):
    list_entries(Selection(reasons=("too_deep",)), index=index())
    assert "no entries\n" == capsys.readouterr().out


@pytest.mark.usefixtures("in_terminal")
def test_a_row_with_control_characters_is_harmless(capsys):
    rogue: Any = FakeIndex([replace(ENTRIES[0], detail="\x1b[2J", state="\x1b[2J")])
    list_entries(Selection(), index=rogue)
    assert "\x1b" not in capsys.readouterr().out
