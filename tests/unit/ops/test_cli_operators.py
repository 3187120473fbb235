"""`sealstream quarantine`, `deadletter` and `replay`: what they are asked is what is done."""

from __future__ import annotations

import pytest

from ops import cli
from ops.deadletter.letter import Of
from ops.parameters import confirmed
from ops.quarantine.index import Selection
from ops.quarantine.rounds import Operation
from ops.replay.replay import Options

NOW = 1_700_000_000.0
ID = "ab" * 16


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setattr("ops.parameters.time", lambda: NOW)
    monkeypatch.setattr("ops.replay.commands.time.time", lambda: NOW)


@pytest.fixture
def run(monkeypatch):
    """Run `sealstream` with these words; its exit status or message."""

    def run(words: str) -> str:
        monkeypatch.setattr("sys.argv", ["sealstream", *words.split()])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return str(ended.value)

    return run


@pytest.fixture
def asked(monkeypatch):
    """What the commands would do."""
    asked = []

    def stands_in(name):
        def act(*arguments, **options):
            asked.append((name, *arguments, options))
            return 0

        return act

    for module, name in (
        ("quarantine.listing", "list_entries"),
        ("quarantine.show", "show"),
        ("quarantine.decide", "decide"),
        ("deadletter.listing", "list_letters"),
        ("deadletter.redrive", "redrive"),
        ("deadletter.skip", "skip"),
        ("replay.replay", "replay"),
    ):
        monkeypatch.setattr(f"ops.{module}.{name}", stands_in(name))
    return asked


@pytest.mark.parametrize(
    ("words", "selection"),
    [
        ("", Selection()),
        ("--reason not_json --reason too_deep", Selection(("not_json", "too_deep"))),
        ("--tenant acme --since 2h --until 30m", Selection((), "acme", NOW - 7_200, NOW - 1_800)),
        ("--decided", Selection(decided=True)),
    ],
)
def test_entries_are_listed_by_filters(run, asked, words, selection):
    assert "0" == run(f"quarantine list {words}")
    assert [("list_entries", selection, {"as_json": False})] == asked


def test_an_entry_is_shown_and_opened_only_where_that_is_asked_for(run, asked):
    run(f"quarantine show {ID}")
    run(f"quarantine show --open --json {ID}")
    assert [(False, False), (True, True)] == [(one[-1]["open_content"], one[-1]["as_json"]) for one in asked]


@pytest.mark.parametrize(
    ("words", "operation", "ids", "selection", "asks"),
    [
        (f"redrive {ID}", Operation.REDRIVE, (ID,), Selection(), None),
        ("redrive --all", Operation.REDRIVE, (), Selection(), confirmed),
        ("redrive --all --yes", Operation.REDRIVE, (), Selection(), None),
        ("redrive --tenant acme", Operation.REDRIVE, (), Selection((), "acme"), confirmed),
        (f"discard {ID}", Operation.DISCARD, (ID,), Selection(), confirmed),
        (f"discard --yes {ID}", Operation.DISCARD, (ID,), Selection(), None),
        ("discard --reason not_json --yes", Operation.DISCARD, (), Selection(("not_json",)), None),
    ],
)
def test_entries_are_decided_about_by_id_or_filter_and_the_dangerous_is_asked(
    run, asked, words, operation, ids, selection, asks
):
    assert "0" == run(f"quarantine {words}")
    assert [("decide", operation, ids, selection, {"ask": asks, "as_json": False})] == asked


@pytest.mark.parametrize(("words", "whose"), [("", list(Of)), ("--of auditor", [Of.AUDITOR])])
def test_dead_letters_are_those_of_all_or_of_one(run, asked, words, whose):
    run(f"deadletter list {words}")
    run(f"deadletter redrive {words} m-1")
    run(f"deadletter skip {words} m-1 --yes")
    assert [
        ("list_letters", whose, {"as_json": False}),
        ("redrive", whose, ("m-1",), {"as_json": False}),
        ("skip", whose, ("m-1",), {"ask": None, "as_json": False}),
    ] == asked


def test_dead_letters_are_skipped_only_after_a_question(run, asked):
    run("deadletter skip m-1")
    assert confirmed is asked[0][-1]["ask"]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--from 2h", Options(NOW - 7_200, NOW)),
        ("--from 2h --to 1h --dry-run", Options(NOW - 7_200, NOW - 3_600, dry_run=True)),
        (
            "--from 2023-11-14 --shard a --shard b --rate 20 --workers 2",
            Options(NOW - 80_000, NOW, ("a", "b"), 20.0, 2),
        ),
    ],
)
def test_a_replay_is_what_its_options_say(run, asked, words, options):
    assert "0" == run(f"replay {words}")
    assert [("replay", options, {"as_json": False})] == asked


@pytest.mark.parametrize(
    "words",
    [
        "quarantine list --reason rude",
        "quarantine list --tenant ../etc",
        "quarantine list --since yesterday",
        "quarantine show",
        "quarantine show 42",
        "quarantine redrive",
        "quarantine discard",
        "quarantine redrive 42",
        f"quarantine redrive --all {ID}",
        f"quarantine redrive --tenant acme {ID}",
        "quarantine redrive --tenant acme --all",
        "deadletter list --of sweeper",
        "deadletter skip",
        "deadletter skip ../etc",
        "deadletter redrive a/b",
        "replay",
        "replay --from tomorrow",
        "replay --from 1h --to 2h",
        "replay --from 2999-01-01",
        "replay --from 1h --shard a/b",
        "replay --from 1h --rate 0",
        "replay --from 1h --rate nan",
        "replay --from 1h --workers 0",
        "replay --from 1h --workers 33",
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(run, asked, capsys, words):
    assert "2" == run(words)
    assert [] == asked
    assert "Error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "target"),
    [
        (f"quarantine redrive {ID}", "ops.quarantine.decide.decide"),
        ("deadletter redrive", "ops.deadletter.redrive.redrive"),
        ("deadletter skip m-1 --yes", "ops.deadletter.skip.skip"),
        ("replay --from 1h", "ops.replay.replay.replay"),
    ],
)
def test_an_interrupt_says_in_one_line_what_that_means(run, monkeypatch, capsys, words, target):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(target, interrupted)

    assert "130" == run(words)
    message = capsys.readouterr().err.strip()
    assert message.startswith("Interrupted. ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("quarantine list", "SEALSTREAM_QUARANTINE_TABLE"),
        (f"quarantine show {ID}", "SEALSTREAM_QUARANTINE_TABLE"),
        (f"quarantine redrive {ID}", "SEALSTREAM_QUARANTINE_TABLE"),
        ("deadletter list", "SEALSTREAM_ENCRYPTOR_DEAD_LETTER_QUEUE"),
        ("deadletter redrive", "SEALSTREAM_REDRIVER"),
        ("deadletter skip m-1 --of auditor", "SEALSTREAM_REAUDITOR"),
        ("replay --from 1h", "SEALSTREAM_REDRIVER"),
    ],
)
def test_without_the_environment_the_missing_name_is_said(run, monkeypatch, words, name):
    for one in ("QUARANTINE_TABLE", "ENCRYPTOR_DEAD_LETTER_QUEUE", "REDRIVER", "REAUDITOR"):
        monkeypatch.delenv(f"SEALSTREAM_{one}", raising=False)
    assert name in run(words)


def test_where_nobody_can_be_asked_yes_is_asked_for(run, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.setattr(
        "ops.quarantine.decide.decide", lambda *_, ask, **__: 0 if ask("Discard 1 entry, for good?") else 1
    )
    assert "2" == run(f"quarantine discard {ID}")
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "status"), [("y\n", "0"), ("n\n", "1"), ("\n", "1")])
def test_in_a_terminal_the_operator_is_asked(run, monkeypatch, capsys, answer, status):
    answers = iter(answer.splitlines())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda *_: next(answers))
    monkeypatch.setattr(
        "ops.quarantine.decide.decide", lambda *_, ask, **__: 0 if ask("Discard 1 entry, for good?") else 1
    )
    assert status == run(f"quarantine discard {ID}")
    captured = capsys.readouterr()
    assert "" == captured.out


@pytest.mark.parametrize("words", ["quarantine list", "quarantine redrive", "quarantine discard", "replay"])
def test_whoever_is_asked_for_a_time_is_told_that_it_is_utc(run, capsys, words):
    run(f"{words} --help")

    told = " ".join(capsys.readouterr().out.split())
    assert "2026-01-31T12:00:00 (UTC)" in told
    assert 2 == told.count("UTC"), "of both ends"
