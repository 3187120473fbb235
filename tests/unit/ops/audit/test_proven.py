"""The reading commands as they are typed: what they verify with, and how they end."""

from __future__ import annotations

import json

import pytest

from ops import cli
from ops.audit.proven import trail_of
from ops.audit.verify import Asked
from shared.errors import KeyServiceUnavailable, SettingsError, TrailUnreadable
from shared.trail.ocsf import ocsf
from tests.fakes.trail import START
from tests.unit.ops.audit.trail import MemoryObjects
from tests.unit.ops.report.period import BEGUN, DAY, change, trail_in

FOUND = change("item.plaintext_found", START + 100, "plaintext", **BEGUN)
SEALED = change("item.remediated", START + 109, "verified", open_seconds=9)
EVENTS = [FOUND, SEALED, change("item.written", START + DAY, "verified", "customer-2")]
NOT_VERIFIED = {"proof": "not verified"}


@pytest.fixture
def folder(tmp_path):
    trail_in(tmp_path / "trail", EVENTS, until=START + 2 * DAY)
    return tmp_path / "trail"


@pytest.fixture
def run(monkeypatch, capsys, folder):
    """Run `sealstream audit` with these words on the copy, when it was made; status, JSON lines, errors."""
    monkeypatch.setattr("time.time", lambda: START + 2 * DAY)

    def run(words):
        words = [*words.split(), "--from", "2026-01-01", "--offline", str(folder), "--minutes", "180"]
        monkeypatch.setattr("sys.argv", ["sealstream", "audit", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code, [json.loads(line) for line in told.out.splitlines()], told.err

    return run


@pytest.fixture
def key(folder):
    return f"--public-key {folder.parent / 'key.pem'}"


def test_with_a_key_what_is_attested_is_shown_as_it_is(run, key):
    assert (0, EVENTS, "") == run(f"search {key}")
    assert (0, [ocsf(one) for one in EVENTS], "") == run(f"export {key}")
    status, (one, listed), errors = run(f"exposures {key}")
    assert (0, None, None, 1, "") == (status, one["proof"], one["ended_proof"], listed["exposures"], errors)


@pytest.mark.parametrize("command", ["search", "export", "exposures"])
def test_what_was_changed_is_left_out_and_named(run, key, folder, command):
    segment = min(folder.rglob("*.ndjson.gz"))
    segment.write_bytes(segment.read_bytes()[:-1])
    status, shown, errors = run(f"{command} {key}")
    assert (1, 1) == (status, len(shown))
    assert f"proves nothing, its events are left out: {segment.relative_to(folder)} its SHA-256 is" in errors


def test_without_a_key_all_is_marked(run):
    status, shown, errors = run("search")
    assert (2, [{**one, **NOT_VERIFIED} for one in EVENTS]) == (status, shown)
    assert "nothing of it is verified: no public key was given" in errors
    assert [["not verified"]] * 3 == [one["metadata"]["labels"] for one in run("export")[1]]
    status, (one, _), errors = run("exposures")
    assert (2, "not verified", "not verified") == (status, one["proof"], one["ended_proof"])


def test_a_key_that_is_none_is_not_taken_for_none(run, folder):
    (folder.parent / "key.pem").write_text("no key")
    asked = Asked(START, None, folder, folder.parent / "key.pem")
    with pytest.raises(TrailUnreadable, match="not a PEM text"):
        trail_of(asked, START + DAY)
    (folder.parent / "key.pem").unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        trail_of(asked, START + DAY)


def test_who_may_not_ask_kms_is_shown_what_is_there_and_told_so(monkeypatch):
    bucket = MemoryObjects()
    bucket.write(*EVENTS)

    class Keys:
        def __init__(self, _client):
            pass

        def public_key(self, arn):
            raise KeyServiceUnavailable("reading the public key of the notary: AccessDeniedException")

    monkeypatch.setattr("ops.audit.objects.the_bucket", lambda: bucket)
    monkeypatch.setattr("ops.audit.proven.client", lambda _service: None)
    monkeypatch.setattr("ops.audit.proven.KmsSigningKeys", Keys)
    monkeypatch.setenv("SEALSTREAM_NOTARY_KEYS", "arn:one")
    trail = trail_of(Asked(START), START + DAY + 60)
    shown = list(trail.events(START, START + DAY + 60))
    assert [{**one, **NOT_VERIFIED} for one in EVENTS] == shown
    assert trail.proof is not None
    assert "AccessDeniedException" in trail.proof.not_verified
