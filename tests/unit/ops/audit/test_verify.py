"""`sealstream audit verify` and `fetch`: on the bucket, and on a copy, with nothing else but a public key."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ops.audit import verify as module
from ops.audit.commands import audit
from ops.audit.fetch import fetch
from ops.audit.folder import Folder
from shared.errors import ObjectUnreadable, StoreDenied, StoreUnavailable, TrailBroken
from shared.trail.manifest import Link, Manifest, manifest_key, split
from tests.fakes.notary import NotaryAtWork
from tests.fakes.trail import PERIOD, START, key

HOUR = 3_600.0
ENVIRONMENT = {"SEALSTREAM_NOTARY_KEYS": f"{key(1).arn},{key(2).arn}", "SEALSTREAM_NOTARY_MINUTES": "5"}


@cache
def _four_hours() -> NotaryAtWork:
    """A segment and a manifest in each five minutes, the key changed in the second hour."""
    work = NotaryAtWork(1)
    for number in range(48):
        work.trail.write([number], where=f"shard-{number}")
        work.trail.wait(PERIOD)
        if number == 20:
            work.restart(1, 2)
        work.run()
    return work


@pytest.fixture
def work(monkeypatch) -> NotaryAtWork:
    work, made = NotaryAtWork(1, 2), _four_hours()
    work.trail.objects.update(made.trail.objects)
    work.end.last = made.end.last
    work.trail.wait(made.trail.now - work.trail.now)
    monkeypatch.setattr("ops.audit.objects.the_bucket", lambda: work.bucket)
    monkeypatch.setattr("ops.audit.verify.KmsSigningKeys", lambda _client: _Keys())
    monkeypatch.setattr("ops.audit.verify.client", lambda _service: None)
    monkeypatch.setattr("time.time", lambda: work.trail.now)
    return work


class _Keys:
    def public_key(self, arn: str) -> Any:
        return next(one.public for one in (key(1), key(2)) if one.arn == arn)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(audit, arguments, env=ENVIRONMENT, catch_exceptions=False)


def lines(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def copy(work, tmp_path) -> Path:
    result = run("fetch", str(tmp_path / "copy"))
    assert (0, {"event": "fetched", "objects": 96, "copied": 96, "missing": 0, "differing": 0, "unreadable": 0}) == (
        result.exit_code,
        lines(result)[-1],
    )
    return tmp_path / "copy"


@pytest.fixture
def pem(tmp_path) -> str:
    file = tmp_path / "key.pem"
    file.write_text(key(2).pem)
    return str(file)


def offline(copy: Path, pem: str, *more: str) -> Any:
    return run("verify", "--offline", str(copy), "--public-key", pem, *more)


def test_an_intact_bucket_is_intact(work):
    result = run("verify")

    assert 0 == result.exit_code
    assert {"verdict": "intact", "findings": 0, "manifests": 48, "segments": 48, "pending": 0, "unproven": 0} == {
        name: value for name, value in lines(result)[-1].items() if name not in {"event", "proven_until", "at_least"}
    }
    assert "2026-01-01T04:00:00Z" == lines(result)[-1]["proven_until"]


def test_only_the_key_that_the_last_manifest_names_is_asked_for(work, monkeypatch):
    asked: list[str] = []

    class Asked(_Keys):
        def public_key(self, arn: str) -> Any:
            asked.append(arn)
            return super().public_key(arn)

    monkeypatch.setattr("ops.audit.verify.KmsSigningKeys", lambda _client: Asked())

    assert 0 == run("verify").exit_code
    assert [key(2).arn] == asked


def test_an_intact_copy_is_intact_with_any_key_that_signed(copy, pem, tmp_path):
    assert 0 == offline(copy, pem).exit_code
    Path(pem).write_text(key(1).pem)
    assert 0 == offline(copy, pem).exit_code
    Path(pem).write_text(key(3).pem)
    assert 1 == offline(copy, pem).exit_code


def test_a_copy_made_otherwise_does_without_what_only_the_bucket_knows(copy, pem):
    (copy / "objects.ndjson").unlink()
    for file in copy.rglob("*.json"):
        os.utime(file, (START - HOUR, START - HOUR))

    assert 0 == offline(copy, pem).exit_code
    assert 0 == offline(copy, pem, "--from", "2026-01-01T01:00", "--to", "2026-01-01T02:00").exit_code


A_MONTH = 30 * 24 * HOUR


def test_a_copy_is_as_intact_a_month_later_and_says_how_far_it_goes(work, copy, pem, monkeypatch):
    work.trail.wait(A_MONTH)

    result = offline(copy, pem)

    assert (0, "2026-01-01T04:00:00Z") == (result.exit_code, lines(result)[-1]["copied_at"])
    assert 0 == offline(copy, pem, "--from", "2026-01-01T01:00", "--to", "2026-01-01T02:00").exit_code
    assert 0 == offline(copy, pem, "--to", "2026-01-01T04:00").exit_code
    monkeypatch.setattr("ops.audit.verify.for_programs", lambda *, as_json: as_json)
    told = offline(copy, pem).stdout
    assert "in one chain, the last begun 2026-01-01T04:00:00Z" in told
    assert "The copy was made 2026-01-01T04:00:00Z: nothing is known of what came later" in told


def test_what_is_asked_for_beyond_the_end_of_a_copy_is_missing(work, copy, pem):
    work.trail.wait(A_MONTH)

    result = offline(copy, pem, "--to", "2026-01-01T05:00")

    assert (1, "truncated") == (result.exit_code, lines(result)[0]["kind"])


def test_a_copy_that_was_cut_off_before_it_was_made_is_truncated_a_month_later(work, copy, pem):
    cut = _cut_off(copy)
    work.trail.wait(A_MONTH)

    assert ("truncated", cut.relative_to(copy).as_posix()) in [
        (one.get("kind"), one.get("key")) for one in lines(offline(copy, pem))
    ]


def test_a_copy_that_does_not_say_when_it_was_made_is_missing_nothing_but_what_is_asked_for(
    work, copy, pem, monkeypatch
):
    (copy / "objects.ndjson").unlink()
    work.trail.wait(A_MONTH)

    result = offline(copy, pem)

    assert (0, None) == (result.exit_code, lines(result)[-1]["copied_at"])
    assert 1 == offline(copy, pem, "--to", "2026-01-01T05:00").exit_code
    monkeypatch.setattr("ops.audit.verify.for_programs", lambda *, as_json: as_json)
    assert "When the copy was made is not known, and nothing of what came after" in offline(copy, pem).stdout


def test_a_second_fetch_takes_a_copy_further(work, copy, pem):
    work.trail.wait(A_MONTH)
    run("fetch", str(copy))

    assert (1, "truncated") == (offline(copy, pem).exit_code, lines(offline(copy, pem))[0]["kind"])


def test_a_copy_says_nothing_of_the_future(work, copy, pem):
    about = copy / "objects.ndjson"
    about.write_text(about.read_text().replace('{"copied_at": 1767', '{"copied_at": 9767', 1))

    assert 0 == offline(copy, pem).exit_code
    about.write_text('{"copied_at": "yesterday"}\n')
    assert 2 == offline(copy, pem).exit_code


HOURS = [("00:00", "00:59"), ("01:30", "01:30"), ("02:00", "03:00")]


@pytest.fixture
def clocks_agree(monkeypatch) -> None:
    """An hour of doubt is long beside this trail."""
    monkeypatch.setattr("ops.audit.needed.CLOCKS_DIFFER_SECONDS", 0)


@pytest.mark.usefixtures("clocks_agree")
@pytest.mark.parametrize("hours", HOURS)
def test_of_some_hours_only_what_proves_them_is_read(work, hours):
    result = run("verify", "--from", f"2026-01-01T{hours[0]}", "--to", f"2026-01-01T{hours[1]}")

    assert 0 == result.exit_code
    assert 12 <= lines(result)[-1]["segments"] <= 24
    begun = {one.key: one.created_at / 1_000 for one in work.manifests}
    first = max((START + HOUR * int(hours[0][:2]) - 2 * PERIOD, START))
    read = {one for one in work.bucket.reads if one in begun}
    assert {one for one, at in begun.items() if at >= first} <= read
    assert len([one for one in read if begun[one] < first]) <= 2
    assert lines(result)[-1]["segments"] == len(work.bucket.reads) - len(read) - 1, "the signing key's manifest, twice"


@pytest.mark.usefixtures("clocks_agree")
@pytest.mark.parametrize("signer", [1, 2])
@pytest.mark.parametrize("hours", HOURS)
def test_a_copy_of_some_hours_is_proven_by_any_key(work, tmp_path, pem, hours, signer):
    window = ("--from", f"2026-01-01T{hours[0]}", "--to", f"2026-01-01T{hours[1]}")
    since, until = (START + HOUR * int(one[:2]) for one in hours)
    asked = module.Asked(since, until, period_seconds=PERIOD)
    fetch(work.bucket, tmp_path / "part", module.window_of(asked, now=work.trail.now))
    has_the_handover = (tmp_path / "part" / manifest_key(21)).exists()
    Path(pem).write_text(key(signer).pem)

    assert len([*Folder(tmp_path / "part").listed("")]) < 85
    result = offline(tmp_path / "part", pem, *window)
    assert (0 if has_the_handover or signer == 2 else 1) == result.exit_code
    assert 12 <= lines(result)[-1]["segments"] <= 24 or result.exit_code


def test_where_the_buckets_clock_is_behind_the_manifests_earlier_ones_are_read(work):
    for name in [one.key for one in work.manifests]:
        one = work.trail.objects[name]
        work.trail.objects[name] = replace(one, last_modified=one.last_modified - 50 * 60)

    assert 0 == run("verify", "--from", "2026-01-01T03:00").exit_code


def test_what_was_attested_long_after_its_hour_is_asked_for_too(work):
    """The notary stood still, then wrote many manifests at once, and manifests of nothing since."""
    late = NotaryAtWork(1, 2, at_most=2)
    late.trail, late.bucket, late.end = work.trail, work.bucket, work.end
    late.restart(1, 2)
    names = []
    for number in range(12):
        work.trail.wait(PERIOD - 1)
        names.append(work.trail.write([1_000 + number], where=f"late-{number}"))
    work.trail.wait(2 * HOUR)
    late.run()
    for _ in range(24):
        work.trail.wait(PERIOD)
        late.run()
    hours = ("--from", "2026-01-01T04:00", "--to", "2026-01-01T04:59")
    assert (0, 12) == ((told := run("verify", *hours)).exit_code, lines(told)[-1]["segments"])

    changed, gone = names[-2:]
    work.trail.alter(changed, b"")
    del work.trail.objects[gone]
    result = run("verify", *hours)

    assert 1 == result.exit_code
    assert {("changed", changed), ("removed", gone)} == {
        (one["kind"], one["key"]) for one in lines(result) if one["event"] == "finding"
    }


def _a_segment(copy: Path) -> Path:
    return sorted((copy / "segments").rglob("*.gz"))[7]


def _changed(copy: Path) -> Path:
    file = _a_segment(copy)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b"written", b"writtem"), mtime=0))
    return file


def _removed(copy: Path) -> Path:
    file = _a_segment(copy)
    file.unlink()
    return file


def _truncated_gzip(copy: Path) -> Path:
    file = _a_segment(copy)
    file.write_bytes(file.read_bytes()[:-4])
    return file


def _replaced(copy: Path) -> Path:
    file, about = _a_segment(copy), copy / "objects.ndjson"
    told = [json.loads(line) for line in about.read_text().splitlines()]
    for one in told:
        if one.get("key") == file.relative_to(copy).as_posix():
            one["version_id"] = "another"
    about.write_text("".join(json.dumps(one) + "\n" for one in told))
    return file


def _foreign(copy: Path) -> Path:
    file = _a_segment(copy)
    other = file.with_name(f"shard-x-{file.name[-25:]}")
    other.write_bytes(file.read_bytes())
    return other


def _unknown_name(copy: Path) -> Path:
    file = copy / "segments" / "notes.txt"
    file.write_text("not of the trail")
    return file


def _changed_manifest(copy: Path) -> Path:
    file = copy / manifest_key(9)
    file.write_bytes(file.read_bytes().replace(b'"events":1', b'"events":2'))
    return file


def _removed_manifest(copy: Path) -> Path:
    file = copy / manifest_key(9)
    file.unlink()
    return file


def _cut_off(copy: Path) -> Path:
    for number in range(40, 49):
        (copy / manifest_key(number)).unlink()
    return copy / manifest_key(39)


TAMPERED = {
    "changed": _changed,
    "removed": _removed,
    "changed ": _truncated_gzip,
    "replaced": _replaced,
    "foreign": _foreign,
    "foreign ": _unknown_name,
    "changed  ": _changed_manifest,
    "removed ": _removed_manifest,
    "truncated": _cut_off,
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_what_was_tampered_with_is_named(copy, pem, kind):
    file = TAMPERED[kind](copy)

    result = offline(copy, pem)

    assert 1 == result.exit_code
    *findings, verified = lines(result)
    assert (kind.strip(), file.relative_to(copy).as_posix()) in [(one["kind"], one["key"]) for one in findings]
    assert "tampered" == verified["verdict"]


def test_people_are_told_in_words(copy, pem, monkeypatch):
    monkeypatch.setattr("ops.audit.verify.for_programs", lambda *, as_json: as_json)
    assert "The audit trail is intact. All of it was looked at." in offline(copy, pem).stdout
    part = offline(copy, pem, "--from", "2026-01-01T01:20").stdout
    assert "from 2026-01-01T01:00:00Z to now" in part

    file = _removed(copy)
    told = offline(copy, pem).stdout
    assert "The audit trail is not as it was written." in told
    assert f"removed  {file.relative_to(copy).as_posix()}  was attested, and is not there" in told


def test_what_is_younger_than_the_last_manifest_is_pending(work):
    work.trail.write([1_000])

    result = run("verify")

    assert (0, 1) == (result.exit_code, lines(result)[-1]["pending"])


def test_silence_shows_by_the_period(work):
    work.trail.wait(4 * PERIOD)

    assert 1 == run("verify").exit_code
    assert 0 == run("verify", "--minutes", "10").exit_code


@pytest.mark.parametrize("content", [None, "no key", "\udcff"])
def test_without_a_readable_key_nothing_is_checked(copy, tmp_path, content):
    file = tmp_path / "other.pem"
    if content is not None:
        file.write_bytes(content.encode("utf-8", "surrogateescape"))

    result = offline(copy, str(file))

    assert 2 == result.exit_code
    assert result.stderr.startswith("sealstream: ")


def test_a_copy_is_never_checked_with_a_key_of_this_account(copy):
    result = run("verify", "--offline", str(copy))

    assert (2, True) == (result.exit_code, "--public-key FILE" in result.stderr)


def test_an_empty_folder_and_one_that_is_not_there_cannot_be_checked(tmp_path, pem, work):
    assert 2 == offline(tmp_path / "nowhere", pem).exit_code
    (tmp_path / "empty").mkdir()
    assert 2 == offline(tmp_path / "empty", pem).exit_code


def test_an_index_that_is_none_is_not_taken_for_one(copy, pem):
    (copy / "objects.ndjson").write_text('{"key": "x"}\n')

    assert 2 == offline(copy, pem).exit_code


def test_a_bucket_that_does_not_answer_cannot_be_checked(work, monkeypatch):
    def down(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("listing the audit bucket: SlowDown")

    monkeypatch.setattr(work.bucket, "listed", down)

    result = run("verify")

    assert (2, "sealstream: listing the audit bucket: SlowDown\n") == (result.exit_code, result.stderr)


def test_hours_that_end_before_they_begin_are_not_taken_for_intact(work):
    result = run("verify", "--from", "2026-01-01T02:00", "--to", "2026-01-01T01:59")

    assert (2, "") == (result.exit_code, result.stdout)


def test_a_period_that_is_none_is_refused(work):
    result = CliRunner().invoke(audit, ["verify"], env={**ENVIRONMENT, "SEALSTREAM_NOTARY_MINUTES": "five"})

    assert 2 == result.exit_code


def test_a_second_fetch_copies_only_what_is_new(work, copy):
    work.trail.write([1_000])
    work.trail.wait(PERIOD)
    work.run()
    work.bucket.reads.clear()

    result = run("fetch", str(copy))

    assert (0, 2, 98) == (result.exit_code, lines(result)[-1]["copied"], lines(result)[-1]["objects"])
    assert 2 == len(work.bucket.reads)


def test_what_an_interrupted_fetch_left_is_no_object(work, copy, pem):
    file = _a_segment(copy)
    file.rename(file.with_name(f"{file.name}.unfinished"))
    (copy / "objects.ndjson").unlink()

    assert 1 == lines(run("fetch", str(copy)))[-1]["copied"]
    assert 0 == offline(copy, pem).exit_code


def test_an_empty_bucket_is_an_empty_copy(work, tmp_path):
    work.trail.objects.clear()

    assert (0, 0) == (run("fetch", str(tmp_path / "copy")).exit_code, len(list(Folder(tmp_path / "copy").listed(""))))


def test_a_fetch_keeps_what_the_bucket_has_no_more_or_has_otherwise(work, copy, monkeypatch):
    gone, other, *_ = work.trail.segments()
    kept, about = (copy / other).read_bytes(), Folder(copy).about()[other]
    work.trail.plant(other, b"something else")
    del work.trail.objects[gone]

    result = run("fetch", str(copy))

    assert 1 == result.exit_code
    assert [("missing", gone), ("differing", other)] == [(one["event"], one["key"]) for one in lines(result)[:-1]]
    assert (copy / gone).exists()
    assert (kept, about) == ((copy / other).read_bytes(), Folder(copy).about()[other])
    monkeypatch.setattr("ops.audit.fetch.for_programs", lambda *, as_json: as_json)
    told = run("fetch", str(copy)).stdout
    assert f"{gone} is in the folder, and in the bucket no more" in told
    assert f"{other} is another object in the bucket now; the folder keeps what it had" in told


def test_a_foreign_name_is_told_by_a_copy_and_never_becomes_a_path(work, tmp_path, pem):
    work.trail.plant("segments/../../elsewhere", b"x")
    work.trail.plant("segments/\n", b"x")
    copy = tmp_path / "below" / "copy"

    assert 96 == lines(run("fetch", str(copy)))[-1]["copied"]
    assert not (tmp_path / "elsewhere").exists()
    *findings, _ = lines(offline(copy, pem))
    assert [("foreign", "segments/\n"), ("foreign", "segments/../../elsewhere")] == sorted(
        (one["kind"], one["key"]) for one in findings
    )


def test_a_folder_that_cannot_be_written_to_is_said(work, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "segments").write_text("a file in the way")

    with pytest.raises(StoreUnavailable, match="writing segments/"):
        run("fetch", str(tmp_path / "copy"))


@pytest.mark.parametrize(("manifests", "signer"), [(0, 2), (10, 1), (48, 2)])
def test_the_public_key_is_the_one_that_signs_now(work, monkeypatch, manifests, signer):
    monkeypatch.setattr("shared.aws.signing_keys.KmsSigningKeys", lambda _client: _Keys())
    monkeypatch.setattr("shared.aws.clients.client", lambda _service: None)
    for number in range(manifests + 1, 49):
        del work.trail.objects[manifest_key(number)]

    assert key(signer).pem == run("public-key").stdout


def test_whatever_was_put_over_the_last_manifest_its_signer_is_asked_for(work, monkeypatch):
    """Another key of the deployment may have signed nothing yet."""
    for number in range(11, 49):
        del work.trail.objects[manifest_key(number)]
    last, read = work.trail.objects[manifest_key(10)], work.bucket.read
    monkeypatch.setattr("shared.aws.signing_keys.KmsSigningKeys", lambda _client: _Keys())
    monkeypatch.setattr("shared.aws.clients.client", lambda _service: None)
    monkeypatch.setattr(
        work.bucket, "read", lambda name, version_id=None: read(name) if version_id == last.version_id else b"put over"
    )

    assert key(1).pem == run("public-key").stdout


def test_where_the_last_manifest_cannot_be_read_it_is_the_newest(work, monkeypatch):
    monkeypatch.setattr("shared.aws.signing_keys.KmsSigningKeys", lambda _client: _Keys())
    monkeypatch.setattr("shared.aws.clients.client", lambda _service: None)
    work.trail.alter(manifest_key(48), b"")

    assert key(2).pem == run("public-key").stdout


@pytest.mark.parametrize("refusal", [ObjectUnreadable("KMS.DisabledException"), StoreDenied("AccessDenied"), None])
def test_a_last_manifest_that_is_not_given_or_lies_under_a_delete_marker_is_told(work, monkeypatch, refusal):
    """Whoever reads a key without a version gets what was put over it."""
    monkeypatch.setattr("shared.aws.signing_keys.KmsSigningKeys", lambda _client: _Keys())
    monkeypatch.setattr("shared.aws.clients.client", lambda _service: None)
    last, read = manifest_key(48), work.bucket.read
    if refusal is None:
        work.trail.objects[last] = replace(work.trail.objects[last], other_versions=True)
    else:
        work.bucket.refused[last] = refusal

    def the_newest(name: str, version_id: str | None = None) -> bytes:
        if work.trail.objects[name].other_versions and version_id is None:
            raise ObjectUnreadable("reading from the audit bucket: NoSuchKey")
        return read(name, version_id)

    monkeypatch.setattr(work.bucket, "read", the_newest)
    result = run("verify")

    assert (1, "unreadable" if refusal else "replaced", last) == (
        result.exit_code,
        *map(lines(result)[0].get, ("kind", "key")),
    )
    assert key(2).pem == run("public-key").stdout


def test_a_segment_that_the_bucket_gives_to_nobody_is_named_and_the_rest_is_verified_and_copied(work, tmp_path):
    name = work.trail.segments()[3]
    work.bucket.refused[name] = ObjectUnreadable("reading from the audit bucket: InvalidRequest")

    verified = run("verify")
    assert (1, [("unreadable", name)]) == (
        verified.exit_code,
        [(one["kind"], one["key"]) for one in lines(verified) if one["event"] == "finding"],
    )
    fetched = run("fetch", str(tmp_path / "copy"))
    assert (1, {"event": "unreadable", "key": name}) == (fetched.exit_code, lines(fetched)[0])
    assert (95, 1) == (lines(fetched)[-1]["copied"], lines(fetched)[-1]["unreadable"])


def test_who_may_read_nothing_could_not_check_it(work):
    work.bucket.refused = dict.fromkeys(work.trail.objects, StoreDenied("reading from the audit bucket: AccessDenied"))
    assert 2 == run("verify").exit_code


# ---- what is known of how far it goes


class _End:
    def __init__(self, noted: Any) -> None:
        self.answer = noted

    def noted(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def noted(work, monkeypatch) -> str:
    """The last manifest, as an operator gives it; the deployment notes it too."""
    link = Link(48, sha256(work.trail.objects[manifest_key(48)].content).hexdigest())
    end = _End(link)
    monkeypatch.setenv("SEALSTREAM_RUNS", "runs")
    monkeypatch.setattr("shared.aws.clients.client", lambda _service: None)
    monkeypatch.setattr("shared.aws.trail_end.TrailEnd", lambda _client, _table: end)
    work.end = end
    return f"{link.number}:{link.sha256}"


def _begun_again(work: NotaryAtWork) -> None:
    """The last two hours gone, and the notary made to go on: it looks like a notary that was silent."""
    for name in [manifest_key(number) for number in range(24, 49)]:
        for one in Manifest.from_statement(split(work.trail.objects.pop(name).content)[0]).segments:
            del work.trail.objects[one.key]
    fresh = NotaryAtWork(1, 2)
    fresh.trail, fresh.bucket = work.trail, work.bucket
    fresh.end.last = Link(23, sha256(work.trail.objects[manifest_key(23)].content).hexdigest())
    fresh.restart(1, 2)
    fresh.run()


def test_a_trail_that_was_cut_off_and_goes_on_is_told_by_what_the_deployment_notes(work, noted):
    assert 0 == run("verify").exit_code
    _begun_again(work)
    result = run("verify")

    assert 1 == result.exit_code
    told = [(one["kind"], one["key"]) for one in lines(result) if one["event"] == "finding"]
    assert [("truncated", manifest_key(48))] == told
    assert ["silence"] == [one["event"] for one in lines(result) if one["event"] not in {"finding", "verified"}]


def test_who_noted_a_manifest_needs_no_row(work, noted, monkeypatch):
    monkeypatch.delenv("SEALSTREAM_RUNS")
    _begun_again(work)

    assert 0 == run("verify").exit_code
    assert 1 == run("verify", "--at-least", noted).exit_code


def test_what_an_operator_noted_counts_before_the_row(work, noted):
    work.end.answer = Link(49, "0" * 64)

    assert 0 == run("verify", "--at-least", noted).exit_code
    assert 1 == run("verify").exit_code


def test_a_copy_is_held_against_what_was_noted(copy, pem, noted):
    assert 0 == offline(copy, pem, "--at-least", noted).exit_code
    (copy / manifest_key(48)).unlink()
    assert 1 == offline(copy, pem, "--at-least", noted).exit_code
    (copy / manifest_key(1)).unlink()
    assert 1 == offline(copy, pem, "--at-least", f"1:{'0' * 64}").exit_code, "it is a copy of all"


def test_who_may_not_read_the_row_verifies_without_it_and_is_told_so(work, noted, monkeypatch):
    assert 48 == lines(run("verify"))[-1]["at_least"]
    work.end.answer = StoreDenied("no right")
    assert lines(run("verify"))[-1]["at_least"] is None
    monkeypatch.setattr(module, "for_programs", lambda **_: False)
    result = run("verify")

    assert 0 == result.exit_code
    assert "Nobody said how far it goes" in result.stdout


@pytest.mark.parametrize("answer", [TrailBroken("written by others"), StoreUnavailable("throttled")])
def test_a_row_that_cannot_be_had_leaves_the_trail_unchecked(work, noted, answer):
    work.end.answer = answer

    assert 2 == run("verify").exit_code


def test_a_row_that_is_gone_is_told(work, noted):
    work.end.answer = None
    result = run("verify")

    assert 1 == result.exit_code
    assert [("broken_chain", manifest_key(48))] == [
        (one["kind"], one["key"]) for one in lines(result) if one["event"] == "finding"
    ]


def test_before_the_first_manifest_is_noted_there_may_be_one(work, noted):
    work.end.answer = None
    for name in [*work.trail.segments()[1:], *map(manifest_key, range(2, 49))]:
        del work.trail.objects[name]
    work.trail.wait(START + 2 * PERIOD - work.trail.now)

    assert 0 == run("verify").exit_code


@pytest.mark.usefixtures("clocks_agree")
@pytest.mark.parametrize("hours", [("--from", "03:00"), ("--from", "01:00", "--to", "02:00"), ("--to", "01:00")])
@pytest.mark.parametrize("number", [1, 14, 48])
def test_what_is_known_to_be_there_is_held_against_whatever_hours_are_verified(work, noted, hours, number):
    hours = tuple(f"2026-01-01T{one}" if one[0] == "0" else one for one in hours)
    digest = sha256(work.trail.objects[manifest_key(number)].content).hexdigest()

    assert 0 == run("verify", *hours).exit_code
    assert 0 == run("verify", *hours, "--at-least", f"{number}:{digest}").exit_code
    other = run("verify", *hours, "--at-least", f"{number}:{'0' * 64}")
    assert (1, "changed", manifest_key(number)) == (other.exit_code, *map(lines(other)[0].get, ("kind", "key")))
    beyond = run("verify", *hours, "--at-least", f"49:{digest}")
    assert (1, "truncated", manifest_key(49)) == (beyond.exit_code, *map(lines(beyond)[0].get, ("kind", "key")))
    work.end.answer = Link(number, "0" * 64)
    assert 1 == run("verify", *hours).exit_code


@pytest.mark.usefixtures("clocks_agree")
def test_a_copy_that_begins_behind_what_must_be_there_cannot_say(work, noted, tmp_path, pem):
    run("fetch", str(tmp_path / "part"), "--from", "2026-01-01T03:00")
    result = offline(tmp_path / "part", pem, "--from", "2026-01-01T03:00", "--at-least", f"1:{'0' * 64}")

    assert 2 == result.exit_code
    assert "the copy begins with manifests/0000000000" in result.stderr
    assert 0 == offline(tmp_path / "part", pem, "--from", "2026-01-01T03:00", "--at-least", noted).exit_code


@pytest.mark.parametrize("given", ["48", "0:" + "0" * 64, "48:" + "A" * 64, "48:00"])
def test_what_was_noted_is_a_number_and_a_digest(work, given):
    result = run("verify", "--at-least", given)

    assert 2 == result.exit_code
    assert "64 hex digits" in result.stderr
