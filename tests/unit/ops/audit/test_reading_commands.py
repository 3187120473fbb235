"""`sealstream audit search`, `export`, `exposures` and `tail`: what they are asked is what is done."""

from __future__ import annotations

import pytest

from ops import cli
from ops.audit.selection import Selection
from ops.audit.verify import Asked

NOW = 1_700_000_000.0
DAY = 86_400


@pytest.fixture
def run(monkeypatch):
    """Run `sealstream audit` with these words; its exit status or message."""
    monkeypatch.setattr("ops.parameters.time", lambda: NOW)
    monkeypatch.setattr("ops.audit.reading_commands.time.time", lambda: NOW)

    def run(words: str) -> str:
        monkeypatch.setattr("sys.argv", ["sealstream", "audit", *words.split()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return str(ended.value)

    return run


@pytest.fixture
def asked(monkeypatch):
    """What the commands would do."""
    asked = []

    def stands_in(*arguments, **options):
        asked.append((*arguments, options))
        return 0

    for name in ("search.search", "search.export", "tail.tail", "exposures.show_exposures"):
        monkeypatch.setattr(f"ops.audit.{name}", stands_in)
    monkeypatch.setattr("ops.audit.proven.trail_of", lambda *trail, **options: (*trail, options))
    return asked


@pytest.mark.parametrize(
    ("words", "selection", "since", "until"),
    [
        ("", Selection(), NOW - DAY, NOW),
        ("--from 2h", Selection(), NOW - 7_200, NOW),
        ("--from 3d --to 1d", Selection(), NOW - 3 * DAY, NOW - DAY),
        ("--to 1d", Selection(), NOW - 2 * DAY, NOW - DAY),
        ("--tenant acme --item i-1", Selection("acme", "i-1"), NOW - DAY, NOW),
        ("--tenant _system --event key", Selection("_system", events=("key",)), NOW - DAY, NOW),
        ("--tenant sha256:1a2b", Selection("sha256:1a2b"), NOW - DAY, NOW),
        ("--event item.stale --event record", Selection(events=("item.stale", "record")), NOW - DAY, NOW),
    ],
)
@pytest.mark.parametrize("command", ["search", "export"])
def test_the_past_is_asked_for_by_filters_and_times(run, asked, command, words, selection, since, until):
    assert "0" == run(f"{command} {words}")
    (arguments,) = asked
    trail = (Asked(since, until if "--to" in words else None), NOW, {"up_to_now": False})
    assert (trail, selection, since, until) == arguments[:4]


@pytest.mark.parametrize(("command", "days"), [("search", 1), ("export", 1), ("exposures", 35)])
def test_a_copy_is_read_instead_of_the_bucket_and_verified_with_the_key_that_is_given(
    run, asked, tmp_path, command, days
):
    key = tmp_path / "key.pem"
    run(f"{command} --offline {tmp_path} --public-key {key} --minutes 10")
    ((trail, *_),) = asked
    assert Asked(NOW - days * DAY, None, tmp_path, key, 600.0) == trail[0]


@pytest.mark.parametrize(
    ("words", "selection", "since", "until"),
    [
        ("", Selection(), NOW - 35 * DAY, NOW),
        ("--tenant acme --item i-1 --from 3d --to 1d", Selection("acme", "i-1"), NOW - 3 * DAY, NOW - DAY),
    ],
)
def test_exposures_are_those_since_which_a_table_can_be_restored(run, asked, words, selection, since, until):
    assert "0" == run(f"exposures {words}")
    ((trail, *arguments),) = asked
    assert (Asked(since, until if "--to" in words else None), NOW, {"up_to_now": True}) == trail
    assert [selection, since, until, {"other_tables": (), "is_copy": False, "as_json": False}] == arguments


def test_exposures_may_be_asked_of_tables_that_had_the_items_before(run, asked, tmp_path):
    assert "0" == run("exposures --table old --table older")
    assert [("old", "older")] == [one[-1]["other_tables"] for one in asked]
    assert "2" == run(f"exposures --table old --offline {tmp_path}")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("", {"since": None, "seconds": None, "every_seconds": 2.0, "as_json": False}),
        (
            "--from 10m --seconds 5 --every 0.5 --json",
            {"since": NOW - 600, "seconds": 5.0, "every_seconds": 0.5, "as_json": True},
        ),
    ],
)
def test_what_is_to_come_is_asked_for(run, asked, words, options):
    assert "0" == run(f"tail --tenant acme --event item {words}")
    assert [(Selection("acme", events=("item",)), options)] == asked


@pytest.mark.parametrize(
    "words",
    [
        "search --event rude",
        "search --tenant ../etc",
        "search --from 1h --to 2h",
        "search --from yesterday",
        "export --json",
        "exposures --event item",
        "tail --every 0",
        "tail --seconds nan",
        "tail --to 1h",
    ],
)
def test_what_makes_no_sense_is_refused(run, asked, words):
    assert ("2", []) == (run(words), asked)
