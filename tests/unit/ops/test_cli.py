from __future__ import annotations

import pytest

from ops import cli
from ops.errors import FunctionRefused, NoProgress
from ops.runs.errors import LeftToAws
from ops.runs.options import Options
from shared.errors import StoreUnavailable
from shared.runs.model import RunKind, Scope


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `sealstream` with these arguments; its exit status or message."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["sealstream", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return str(ended.value)

    return run


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in (
        "SEALSTREAM_TABLE",
        "SEALSTREAM_KEY_STORE",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "SEALSTREAM_RUNS",
        "SEALSTREAM_ROTATION",
    ):
        monkeypatch.delenv(name, raising=False)


def test_it_says_its_version(run, capsys):
    assert "0" == run("--version")
    assert "sealstream" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [("", "42"), ("acme", ""), ("../etc", "42")])
def test_a_tenant_or_id_that_cannot_be_is_one_line(run, arguments):
    assert run("item", "get", *arguments).startswith("sealstream: ")


def test_without_the_environment_the_missing_name_is_said(run):
    assert "SEALSTREAM_TABLE" in run("item", "get", "acme", "42")


def test_a_service_that_does_not_answer_is_named_with_what_to_look_at(run, monkeypatch):
    def down(*_: object, **__: object) -> None:
        raise StoreUnavailable("reading an item: EndpointConnectionError")

    monkeypatch.setattr("ops.item.show_item", down)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    message = run("item", "get", "acme", "42")

    assert "http://127.0.0.1:1" in message
    assert "SEALSTREAM_*" in message


@pytest.fixture
def operated(monkeypatch):
    """What a command that begins a run would do."""
    asked = []

    def operate(kind, options, *, wait, as_json):
        asked.append((kind, options, wait, as_json))
        return 0

    monkeypatch.setattr("ops.runs.operate.operate", operate)
    return asked


@pytest.mark.parametrize(
    ("arguments", "kind", "options"),
    [
        ("rotation start", RunKind.ROTATION, Options()),
        ("rotation start --all", RunKind.ROTATION, Options(scope=Scope(due=False))),
        ("rotation start --tenant acme", RunKind.ROTATION, Options(scope=Scope(due=False, tenant_id="acme"))),
        ("rotation start --data-class pii", RunKind.ROTATION, Options(scope=Scope(due=False, data_class="pii"))),
        (
            "rotation start --tenant acme --compromised 0000BEEF",
            RunKind.ROTATION,
            Options(scope=Scope(due=False, tenant_id="acme", key_id=0xBEEF)),
        ),
        (
            "rotation start --compromised 0000beef",
            RunKind.ROTATION,
            Options(scope=Scope(due=False, key_id=0xBEEF)),
        ),
        (
            "rotation start --workers 4 --segments 64 --rate 0.5 --no-retire --barrier-seconds 20",
            RunKind.ROTATION,
            Options(workers=4, segments=64, items_per_second=0.5, retire=False, barrier_seconds=20),
        ),
        ("rotation retire", RunKind.RETIREMENT, Options()),
        ("rotation destroy", RunKind.DESTRUCTION, Options()),
        (
            "rotation destroy --tenant acme --key 0000beef --abandon-backups",
            RunKind.DESTRUCTION,
            Options(scope=Scope(tenant_id="acme", key_id=0xBEEF), abandon_backups=True),
        ),
        ("adopt --workers 2", RunKind.ADOPTION, Options(workers=2)),
        ("adopt --dry-run", RunKind.SURVEY, Options()),
        ("reconcile --workers 2 --rate 500", RunKind.RECONCILIATION, Options(workers=2, items_per_second=500)),
    ],
)
def test_the_options_of_a_run_are_what_is_begun(run, operated, arguments, kind, options):
    assert "0" == run(*arguments.split())
    assert [(kind, options, True, False)] == operated


def test_waiting_and_json_are_asked_for(run, operated):
    run("rotation", "start", "--no-wait", "--json")
    assert [(False, True)] == [asked[2:] for asked in operated]


@pytest.mark.parametrize(
    "arguments",
    [
        "rotation start --tenant ../etc",
        "rotation start --tenant _system",
        "rotation start --data-class 1",
        "rotation start --tenant acme --compromised beef",
        "rotation start --tenant acme --compromised 00000000",
        "rotation start --tenant acme --data-class pii --compromised 0000beef",
        "rotation start --tenant acme --all --compromised 0000beef",
        "rotation start --workers 0",
        "rotation start --workers 41",
        "rotation start --segments 1001",
        "rotation start --rate 0",
        "rotation start --rate nan",
        "rotation start --rate inf",
        "rotation start --barrier-seconds -1",
        "rotation start --barrier-seconds nan",
        "rotation status latest",
        "rotation cancel latest",
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_invoked(run, operated, capsys, arguments):
    assert "2" == run(*arguments.split())
    assert [] == operated
    assert "Error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("interrupt", "goes_on"), [(KeyboardInterrupt, "the same command goes on"), (LeftToAws, "AWS goes on")]
)
def test_an_interrupt_says_in_one_line_what_becomes_of_the_run(run, monkeypatch, capsys, interrupt, goes_on):
    def interrupted(*_: object, **__: object) -> None:
        raise interrupt

    monkeypatch.setattr("ops.runs.operate.operate", interrupted)

    assert "130" == run("adopt")
    message = capsys.readouterr().err.strip()
    assert goes_on in message
    assert "\n" not in message


def test_a_run_that_is_given_up_says_that_it_can_be_resumed(run, monkeypatch, capsys):
    def given_up(*_: object, **__: object) -> None:
        raise NoProgress("gave up")

    monkeypatch.setattr("ops.runs.operate.operate", given_up)

    assert "1" == run("rotation", "retire")
    assert "the same command" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "run_id"), [("", None), ("ab" * 16, "ab" * 16)])
def test_a_run_is_called_off_by_its_id_or_without(run, monkeypatch, arguments, run_id):
    asked = []

    def called_off(run_id, *, as_json):
        asked.append((run_id, as_json))
        return 0

    monkeypatch.setattr("ops.runs.cancel.cancel", called_off)
    assert "0" == run("rotation", "cancel", "--json", *arguments.split())
    assert [(run_id, True)] == asked


def test_a_refusal_is_one_line(run, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise FunctionRefused("rotation function: no such tenant")

    monkeypatch.setattr("ops.runs.operate.operate", refused)
    assert "sealstream: rotation function: no such tenant" == run("rotation", "start")


@pytest.mark.parametrize(
    "command", ["rotation start", "rotation retire", "rotation destroy", "rotation cancel", "adopt", "reconcile"]
)
def test_a_run_without_the_environment_names_what_is_missing(run, command):
    assert "SEALSTREAM_ROTATION" in run(*command.split())


def test_status_without_the_environment_names_what_is_missing(run):
    assert "SEALSTREAM_RUNS" in run("rotation", "status")
