from __future__ import annotations

import pytest

from ops import cli
from shared.errors import StoreUnavailable


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
    for name in ("SEALSTREAM_TABLE", "SEALSTREAM_KEY_STORE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
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
