from __future__ import annotations

import io
import json
from threading import Thread

import pytest
from rich.console import Console

from ops.bars import OneBar, one_bar
from ops.json_lines import JsonLines
from ops.telling import LineTeller, for_programs, teller_for


def test_each_thing_that_happens_is_a_line_for_programs(capsys):
    with teller_for("replay", as_json=True) as teller:
        teller.happened("read", records=5)
        teller.progress(1, 2, "half")
        teller.trouble("killed\n")
        teller.told("to know")

    assert isinstance(teller, LineTeller)
    assert [
        {"event": "read", "records": 5},
        {"event": "trouble", "message": "killed\n"},
        {"event": "told", "message": "to know"},
    ] == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_lines_of_many_threads_do_not_mix():
    out = io.StringIO()
    lines = JsonLines(out)

    def write() -> None:
        for _ in range(50):
            lines.write("one", text="x" * 100)

    threads = [Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert 400 == sum(json.loads(line)["event"] == "one" for line in out.getvalue().splitlines())


def test_in_a_terminal_there_is_a_bar_with_what_is_said_above_it():
    out = io.StringIO()
    with one_bar("replay", Console(file=out, force_terminal=True, width=120)) as bar:
        bar.progress(1, 4, "shards 1 of 4")
        bar.happened("read", records=5)
        bar.trouble("killed \x1b[2J")
        bar.told("to know")

    text = out.getvalue()
    assert "replay" in text
    assert "shards 1 of 4" in text
    assert "trying again: killed \\u001b[2J" in text
    assert "records" not in text


def test_a_bar_is_what_a_terminal_gets():
    with teller_for("replay", as_json=False) as teller:
        assert isinstance(teller, OneBar)


@pytest.mark.parametrize(
    ("as_json", "terminal", "expected"), [(False, True, False), (True, True, True), (False, False, True)]
)
def test_lines_are_for_programs_and_where_there_is_no_terminal(monkeypatch, as_json, terminal, expected):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    assert expected is for_programs(as_json=as_json)
