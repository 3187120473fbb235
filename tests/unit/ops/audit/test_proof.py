"""What is shown and counted of the trail says whether it is proven; what proves nothing is left out and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from math import inf
from random import Random
from typing import Any

import pytest

from ops.audit import telling
from ops.audit.exposures import found_in
from ops.audit.objects import READS_AT_ONCE
from ops.audit.proof import NotVerified, Proof, Verified
from ops.audit.reading import Trail
from ops.audit.selection import Selection
from ops.audit.verify import verify_trail
from ops.report.tally import tallied
from shared.aws.audit_bucket import Listed
from shared.errors import StoreDenied
from shared.trail.findings import TrailVerdict
from shared.trail.manifest import Link, manifest_key, manifest_number
from shared.trail.ocsf import ocsf
from shared.trail.segments import segments
from shared.trail.verify import Ledger, Window
from tests.fakes.trail import PERIOD, START, FakeTrail, key
from tests.unit.ops.audit.trail import HOUR, event
from tests.unit.ops.report.period import BEGUN, change
from tests.unit.shared.trail.schema import validator

NOT_YET = {"proof": "not attested yet"}


class Bucket:
    """A bucket with its notary, as readers see it."""

    def __init__(self) -> None:
        self.trail = FakeTrail(now=START + HOUR)

    def tell(self, *events: Mapping[str, Any], where: str = "s-1", ago: float = 0, stage: str = "auditor") -> str:
        """A segment of now; its key."""
        at = self.trail.now - ago
        ((name, content, _),) = segments(map(ocsf, events), written_at=at, stage=stage, where=where)
        self.trail.put(name.key, content)
        return name.key

    def plant(self, *events: Mapping[str, Any], where: str = "planted", stage: str = "auditor") -> str:
        """A segment that the notary does not take; its key."""
        planted = self.tell(*events, where=where, stage=stage)
        self.trail.attested.add(planted)
        return planted

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        for name, one in sorted(self.trail.objects.items()):
            if name.startswith(prefix) and name > start_after:
                yield Listed(name, len(one.content), one.last_modified, one.version_id, one.other_versions)

    def read(self, name: str, version_id: str | None = None) -> bytes:
        assert version_id == self.trail.objects[name].version_id
        return self.trail.objects[name].content

    def proof(self, *, hours: float = 6, by: int = 1) -> Proof:
        window = Window(self.trail.now, PERIOD, since=START)
        return Verified(self, key(by).public, window, hours_at_once=hours)

    def shown(self, proof: Proof | None = None) -> tuple[Trail, list[Mapping[str, Any]]]:
        """All that is to be shown."""
        trail = Trail(self, proof or self.proof())
        return trail, list(trail.events(START, self.trail.now + HOUR))


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def changed(number: int, **fields: Any) -> dict[str, Any]:
    return change("item.written", START + HOUR + number, "verified", f"customer-{number}", **fields)


def test_what_no_manifest_names_yet_comes_last_and_is_marked(bucket):
    first, second, young = changed(1), changed(2), changed(0)
    bucket.tell(first)
    bucket.trail.heartbeats(PERIOD)
    bucket.tell(young, where="a")
    attested_late = bucket.tell(second, where="z")
    bucket.trail.attested.add(young_key := next(one for one in bucket.trail.segments() if "/a-" in one))
    bucket.trail.wait(PERIOD)
    bucket.trail.notarise()
    trail, shown = bucket.shown()
    assert [first, second, {**young, **NOT_YET}] == shown
    assert ({}, {}, 0) == (trail.proof.doubted, trail.proof.findings, telling.ended(trail))
    assert young_key < attested_late


def tampered_with(bucket: Bucket, how: str) -> str:
    bad = bucket.tell(changed(66), where="bad") if how != "foreign" else bucket.plant(changed(66))
    bucket.trail.heartbeats(PERIOD)
    match how:
        case "changed":
            ((_, content, _),) = segments([ocsf(changed(67))], written_at=START, stage="auditor", where="x")
            bucket.trail.alter(bad, content)
        case "replaced":
            bucket.trail.objects[bad] = replace(bucket.trail.objects[bad], version_id="another")
        case "listed by others":
            bucket.trail.signed(len(bucket.trail.manifests), key(77))
    bucket.trail.heartbeats(4 * HOUR)
    return bad


@pytest.mark.parametrize("how", ["changed", "replaced", "foreign", "listed by others"])
def test_events_of_a_segment_that_proves_nothing_are_left_out_and_it_is_named(bucket, how, capsys):
    bucket.tell(changed(1))
    bucket.trail.heartbeats(PERIOD)
    bad = tampered_with(bucket, how)
    trail, shown = bucket.shown()
    assert ([changed(1)], [bad]) == (shown, [*trail.proof.doubted])
    assert 1 == telling.ended(trail)
    told = capsys.readouterr().err
    assert f"proves nothing, its events are left out: {bad}" in told
    assert told.endswith("`sealstream audit verify` says what became of it\n")


def test_what_is_not_there_any_more_is_named(bucket, capsys):
    gone = bucket.tell(changed(1))
    bucket.trail.heartbeats(PERIOD)
    del bucket.trail.objects[gone]
    trail, shown = bucket.shown()
    assert ([], 1) == (shown, telling.ended(trail))
    assert f"removed: {gone} was attested, and is not there" in capsys.readouterr().err


def test_a_trail_that_was_cut_off_is_told(bucket, capsys):
    bucket.tell(changed(1))
    bucket.trail.heartbeats(PERIOD)
    bucket.trail.wait(HOUR)
    trail, shown = bucket.shown()
    assert ([changed(1)], 1) == (shown, telling.ended(trail))
    assert f"truncated: {manifest_key(1)}" in capsys.readouterr().err


def a_day(bucket: Bucket) -> list[str]:
    """A segment every half an hour, the signing key changed twice, half a day in the middle without any."""
    keys = []
    for number in range(48):
        if not 12 <= number < 36:
            keys.append(bucket.tell(changed(1_800 * number), where=f"s-{number}", ago=60))
        for half in range(6):
            bucket.trail.wait(PERIOD)
            changes = half == 3 and number in {8, 40}
            bucket.trail.notarise(next_key=key(number) if changes else None)
    return keys


@pytest.mark.parametrize("by", [1, 8, 40])
def test_verified_some_hours_at_a_time_or_all_at_once_it_says_the_same(bucket, by):
    keys = a_day(bucket)
    chance = Random(by)
    changed_one, gone, replaced_one = chance.sample(keys, 3)
    bucket.trail.alter(changed_one, b"")
    del bucket.trail.objects[gone]
    bucket.trail.objects[replaced_one] = replace(bucket.trail.objects[replaced_one], other_versions=True)
    bucket.tell(changed(80_000), where="young")

    def said(hours: float) -> tuple[Any, ...]:
        trail, shown = bucket.shown(bucket.proof(hours=hours, by=by))
        return shown, trail.proof.doubted, {(one.kind, one.key) for one in trail.proof.findings}

    whole = said(inf)
    assert len(keys) - 2 + 1 == len(whole[0])
    assert {**changed(80_000), **NOT_YET} == whole[0][-1]
    assert {changed_one} == whole[1].keys()
    assert whole == said(6)


def test_of_all_hours_none_is_passed_over_and_few_are_held_at_once(bucket, monkeypatch):
    a_day(bucket)
    windows = []

    class Noted(Ledger):
        def verify(self, objects, window):
            windows.append(window)
            return super().verify(objects, window)

    monkeypatch.setattr("ops.audit.proof.Ledger", Noted)
    in_the_gap = bucket.tell(changed(1), where="gap", ago=12 * HOUR)
    bucket.trail.objects[in_the_gap] = replace(
        bucket.trail.objects[in_the_gap], last_modified=bucket.trail.now - 12 * HOUR
    )
    bucket.trail.heartbeats(PERIOD)
    del bucket.trail.objects[in_the_gap]
    trail, _ = bucket.shown(bucket.proof(by=40))
    assert [("removed", in_the_gap)] == [(one.kind, one.key) for one in trail.proof.findings]
    edges = sorted({(window.since, window.until) for window in windows})
    assert START == edges[0][0]
    assert edges[-1][1] is None
    assert all(until + 1 == since for (_, until), (since, _) in pairwise(edges))


def test_what_was_attested_long_after_its_hours_is_proven_and_what_lists_nothing_is_read_once(bucket):
    """The notary left a backlog for half a day."""
    late = [bucket.tell(changed(number), where=f"late-{number}") for number in range(4)]
    for _ in late:
        bucket.trail.wait(HOUR * 5)
        bucket.trail.notarise(at_most=1)
    bucket.trail.heartbeats(HOUR)
    read: list[str] = []
    reading = bucket.read

    def noted(name: str, version_id: str | None = None) -> bytes:
        read.append(name)
        return reading(name, version_id)

    bucket.read = noted
    assert [changed(number) for number in range(4)] == bucket.shown()[1]
    times = {name: read.count(name) for name in read if name.startswith("manifests/")}
    assert [2, 2, 2, 2, *(1 for _ in range(12))] == [times[name] for name in sorted(times)]

    del bucket.trail.objects[late[2]]
    trail, shown = bucket.shown()
    assert [changed(number) for number in (0, 1, 3)] == shown
    assert [("removed", late[2])] == [(one.kind, one.key) for one in trail.proof.findings]


def test_hours_of_which_nothing_is_given_are_no_end_of_all(bucket):
    """Others were: so it is the object's fault."""
    bucket.tell(changed(1))
    bucket.trail.heartbeats(12 * HOUR)
    refused, reading = bucket.plant(changed(66)), bucket.read
    bucket.trail.heartbeats(6 * HOUR)

    def read(name: str, version_id: str | None = None) -> bytes:
        if name == refused:
            raise StoreDenied("reading from the audit bucket: AccessDenied")
        return reading(name, version_id)

    bucket.read = read
    trail, shown = bucket.shown()
    assert ([changed(1)], [refused]) == (shown, [*trail.proof.doubted])


def three_keys(bucket: Bucket) -> list[dict[str, Any]]:
    """A change an hour for two days; a second key signed since the first hour, a third since the eleventh."""
    told = []
    for hour in range(48):
        told.append(changed(hour * int(HOUR)))
        bucket.tell(told[-1], where=f"s-{hour}")
        for period in range(12):
            bucket.trail.wait(PERIOD)
            handover = {0: key(2), 10: key(3)}.get(hour) if period == 3 else None
            bucket.trail.notarise(next_key=handover)
    return told


def manifest_reads(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of each manifest that is read from now on."""
    reads: list[int] = []
    reading = bucket.read

    def noted(name: str, version_id: str | None = None) -> bytes:
        reads.extend(number for number in [manifest_number(name)] if number)
        return reading(name, version_id)

    monkeypatch.setattr(bucket, "read", noted)
    return reads


@pytest.mark.parametrize("given", ["to each hours", "as what is known to be there", "nothing"])
@pytest.mark.parametrize(("by", "leads_from"), [(1, 4), (2, 124), (3, 466)])
def test_a_key_that_handed_over_long_before_these_hours_proves_them(bucket, monkeypatch, by, leads_from, given):
    """Read are the manifests that lead from it to these hours; once more to find them, and what lists something."""
    told = three_keys(bucket)
    known = bucket.trail.manifests[{"nothing": 575, "to each hours": 123, "as what is known to be there": 3}[given]]
    at_least = Link(known.number, sha256(bucket.trail.objects[known.key].content).hexdigest())
    window = Window(bucket.trail.now, PERIOD, since=bucket.trail.now - 8 * HOUR, at_least=at_least)
    reads = manifest_reads(bucket, monkeypatch)
    trail = Trail(bucket, Verified(bucket, key(by).public, window, hours_at_once=1))
    assert (told[-8:], 0) == ([*trail.events(bucket.trail.now - 8 * HOUR, bucket.trail.now)], telling.ended(trail))
    assert TrailVerdict.INTACT == verify_trail(bucket, key(by).public, window).verdict

    behind = READS_AT_ONCE + 1
    assert leads_from - behind <= min({*reads} - {known.number})
    assert len(reads) <= 5 * (576 - leads_from + behind)


@pytest.mark.parametrize("by", [1, 2, 3])
def test_whatever_key_is_given_no_manifest_is_read_more_than_twice(bucket, monkeypatch, by):
    """Once to check it, once for what it lists: however many hours there are, and however many at a time."""
    told = three_keys(bucket)
    reads = manifest_reads(bucket, monkeypatch)
    trail, shown = bucket.shown(bucket.proof(hours=1, by=by))
    assert (told, 0) == (shown, telling.ended(trail))
    assert {*range(1, 577)} == {*reads}
    assert len(reads) == 576 + 48


def test_a_key_that_signed_nothing_is_told_so_of_these_hours_alone(bucket, monkeypatch, capsys):
    three_keys(bucket)
    window = Window(bucket.trail.now, PERIOD, since=bucket.trail.now - 2 * HOUR)
    reads = manifest_reads(bucket, monkeypatch)
    trail, _ = bucket.shown(Verified(bucket, key(77).public, window, hours_at_once=1))
    assert 1 == telling.ended(trail)
    assert {"wrong_key", "removed"} == {one.kind for one in trail.proof.findings}
    assert {*range(537, 577)} == {manifest_number(one.key) for one in trail.proof.findings}
    assert len(reads) <= 2 * 576
    assert "wrong_key: manifests/" in capsys.readouterr().err


def test_what_is_missing_on_the_way_from_an_older_key_is_told(bucket):
    three_keys(bucket)
    window = Window(bucket.trail.now, PERIOD, since=bucket.trail.now - 2 * HOUR)
    del bucket.trail.objects[manifest_key(300)]
    trail, _ = bucket.shown(Verified(bucket, key(1).public, window))
    assert [("removed", manifest_key(300))] == [(one.kind, one.key) for one in trail.proof.findings]
    assert not bucket.shown(Verified(bucket, key(3).public, window))[0].proof.findings


def test_what_came_after_its_hours_were_verified_is_young(bucket):
    bucket.tell(changed(1))
    bucket.trail.heartbeats(PERIOD)
    proof = bucket.proof()
    bucket.shown(proof)
    bucket.tell(changed(2), where="late")
    assert [changed(1), {**changed(2), **NOT_YET}] == bucket.shown(proof)[1]


def test_without_a_key_all_is_shown_and_marked(bucket, capsys):
    bucket.tell(changed(1))
    trail, shown = bucket.shown(NotVerified("nobody gave a key"))
    assert [{**changed(1), "proof": "not verified"}] == shown
    assert 2 == telling.ended(trail)
    assert "nothing of it is verified: nobody gave a key\n" == capsys.readouterr().err


def test_before_the_first_manifest_all_is_marked_and_it_is_said_why(bucket, capsys):
    bucket.tell(changed(1))
    trail, shown = bucket.shown()
    assert ([{**changed(1), **NOT_YET}], 2) == (shown, telling.ended(trail))
    assert "cannot be verified: manifests/ there is no manifest\n" == capsys.readouterr().err


def test_of_very_much_that_is_wrong_the_first_is_named_and_the_rest_counted(bucket, capsys):
    for number in range(60):
        bucket.tell(changed(number), where=f"s-{number}")
    bucket.trail.heartbeats(PERIOD)
    trail, shown = bucket.shown(bucket.proof(by=77))
    assert ([], 1) == (shown, telling.ended(trail))
    assert 52 == len(lines := capsys.readouterr().err.splitlines()), lines
    assert "and 11 more" in lines


def test_a_marked_document_is_one_of_the_published_schema(bucket):
    bucket.tell(changed(1))
    (document,) = Trail(bucket, bucket.proof()).documents(START, bucket.trail.now + HOUR)
    assert ["not attested yet"] == document["metadata"]["labels"]
    assert ocsf(changed(1)) == {
        **document,
        "metadata": {name: one for name, one in document["metadata"].items() if name != "labels"},
    }
    assert validator(document["class_uid"]).is_valid(document)


FOUND = change("item.plaintext_found", START + HOUR + 1, "plaintext", "customer-1", uid="ab" * 16, **BEGUN)
WELL = {**changed(1), "event_id": FOUND["event_id"]}


def test_what_is_told_in_two_ways_is_counted_once_and_named(bucket, capsys):
    """Both are attested: the first by hour and key counts; what was in clear is an exposure either way.

    The auditor judged a change again after a key was retired: nobody tampered.
    """
    one, other = bucket.tell(WELL, where="a"), bucket.tell(FOUND, where="b")
    bucket.trail.heartbeats(PERIOD)
    trail, shown = bucket.shown()
    assert [WELL, {**FOUND, "told_otherwise": one}] == shown
    assert {"item.written": 1} == tallied(shown).by_name
    assert [(one, other)] == [*trail.conflicts]
    assert 0 == telling.ended(trail)
    assert f"judged anew: {one} counts, {other} tells" in capsys.readouterr().err
    assert 1 == len(found_in(trail, START, bucket.trail.now, bucket.trail.now, Selection()))


def test_also_where_the_two_were_told_in_different_hours(bucket):
    one = bucket.tell(WELL, where="z")
    bucket.trail.heartbeats(2 * HOUR)
    other = bucket.tell(FOUND, where="a")
    bucket.trail.heartbeats(PERIOD)
    again = bucket.tell(FOUND, where="y")
    bucket.trail.heartbeats(2 * HOUR)
    bucket.tell(FOUND, where="x")
    bucket.trail.heartbeats(PERIOD)
    trail, shown = bucket.shown()
    assert [WELL, {**FOUND, "told_otherwise": one}] == shown
    assert [(one, other)] == [*trail.conflicts]
    assert again


@pytest.mark.parametrize(("truth", "lie"), [(WELL, FOUND), (FOUND, WELL)])
def test_what_no_manifest_names_yet_contradicts_nothing_that_is_attested(bucket, truth, lie):
    """Whatever comes first by hour and key, and by its gravity."""
    early = bucket.plant(lie, where="0")
    bucket.trail.objects[early] = replace(bucket.trail.objects[early], last_modified=bucket.trail.now + PERIOD)
    attested = bucket.tell(truth, where="9")
    bucket.trail.heartbeats(PERIOD)
    trail, shown = bucket.shown()
    assert [truth, {**lie, **NOT_YET, "told_otherwise": attested}] == shown
    assert {truth["event"]: 1} == tallied(shown).by_name
    assert [(attested, early)] == [*trail.conflicts]
    (exposure,) = found_in(trail, START, bucket.trail.now, bucket.trail.now, Selection())
    assert ("" if truth is FOUND else "not attested yet", True) == (exposure.proof, exposure.is_open)


@pytest.mark.parametrize("name", ["record.redriven", "access.denied"])
def test_who_tells_the_same_again_in_other_words_contradicts_nobody(bucket, name):
    stage = {"record.redriven": "redriver", "access.denied": "tenant-api"}[name]
    told = event(name, uid="cd" * 16, at=START + HOUR, request_id="r-1", reason="not_json")
    bucket.tell({**told, "written": 3} if stage == "redriver" else told, where="a", stage=stage)
    bucket.tell({**told, "request_id": "r-2"}, where="b", stage=stage)
    bucket.trail.heartbeats(PERIOD)
    trail, shown = bucket.shown()
    assert (1, {}) == (len(shown), trail.conflicts)


def test_an_exposure_says_whether_its_beginning_and_its_end_are_proven(bucket):
    bucket.tell(FOUND)
    bucket.trail.heartbeats(PERIOD)
    bucket.tell(change("item.remediated", bucket.trail.now, "verified", "customer-1", open_seconds=299), where="end")
    (one,) = found_in(bucket.shown()[0], START, bucket.trail.now, bucket.trail.now, Selection())
    assert ("", "not attested yet") == (one.proof, one.ended_proof)
    (one,) = found_in(bucket.shown(NotVerified("no key"))[0], START, bucket.trail.now, bucket.trail.now, Selection())
    assert ("not verified", "not verified") == (one.proof, one.ended_proof)
