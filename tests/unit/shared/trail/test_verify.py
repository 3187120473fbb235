"""Each kind of tampering once; the trail is the same busy one, with handovers, an empty manifest and a backlog."""

from __future__ import annotations

import gzip
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from shared.errors import StoreUnavailable
from shared.trail.canonical import canonical_json
from shared.trail.findings import Tampering, TrailVerdict
from shared.trail.manifest import ALGORITHM, Link, link_to, manifest_key, split
from shared.trail.verify import Ledger, TrailObject, TrailResult, Window, verify
from tests.fakes.trail import PERIOD, START, FakeTrail, busy_trail, event, key, segment_bytes

FOREIGN_KEY = "segments/2026/01/01/00/auditor/planted-0123456789abcdef0123456789abcdef.ndjson.gz"
PROOF_ENDS = (Tampering.TRUNCATED, manifest_key(11))
PLANTED = segment_bytes([event(1)])


@pytest.fixture(scope="module")
def intact() -> FakeTrail:
    trail = busy_trail()
    trail.wait(PERIOD + 1)
    return trail


@pytest.fixture
def trail(intact) -> FakeTrail:
    return replace(
        intact, objects=dict(intact.objects), manifests=list(intact.manifests), attested=set(intact.attested)
    )


def found(result) -> set[tuple[Tampering, str]]:
    assert (TrailVerdict.TAMPERED if result.findings else TrailVerdict.INTACT) == result.verdict
    return {(finding.kind, finding.key) for finding in result.findings}


@pytest.mark.parametrize("number", [1, 5, 9])
def test_any_key_that_signed_proves_an_intact_trail(trail, number):
    result = trail.verify(by=key(number))

    assert set() == found(result)
    assert (12, 22, 0, 0) == (result.manifests, result.segments, result.pending, result.unproven)
    assert trail.manifests[-1].created_at / 1_000 == result.proven_until


def test_what_is_younger_than_the_notarys_time_is_pending(trail):
    trail.write([999])

    assert (0, 1) == (trail.verify().verdict, trail.verify().pending)


# ---- segments


def test_changed_bytes_of_a_segment(trail):
    name = trail.segments()[3]
    trail.alter(name, gzip.compress(gzip.decompress(trail.objects[name].content), compresslevel=1))

    assert {(Tampering.CHANGED, name)} == found(trail.verify())
    assert 21 == trail.verify().segments


def test_a_truncated_segment_says_so(trail):
    name = trail.segments()[3]
    trail.alter(name, trail.objects[name].content[:-1])

    (finding,) = trail.verify().findings
    assert (Tampering.CHANGED, name) == (finding.kind, finding.key)
    assert "ends too early" in finding.why


def test_a_segment_that_could_not_be_read(trail):
    name = trail.segments()[3]
    trail.objects[name] = replace(trail.objects[name], content=b"", unreadable="InvalidRequest")

    (finding,) = trail.verify().findings
    assert (Tampering.UNREADABLE, name, "InvalidRequest") == (finding.kind, finding.key, finding.why)


def test_a_removed_segment(trail):
    name = trail.segments()[3]
    del trail.objects[name]

    assert {(Tampering.REMOVED, name)} == found(trail.verify())


def test_a_segment_of_another_version_even_with_the_same_bytes(trail):
    name = trail.segments()[3]
    trail.objects[name] = replace(trail.objects[name], version_id="v99")

    assert {(Tampering.REPLACED, name)} == found(trail.verify())


def test_a_copy_need_not_know_versions(trail):
    trail.objects = {name: replace(one, version_id=None) for name, one in trail.objects.items()}

    assert set() == found(trail.verify())


@pytest.mark.parametrize("kind", ["segments", "manifests"])
def test_other_versions_beside_the_present_one(trail, kind):
    name = max(name for name in trail.objects if name.startswith(kind))
    trail.objects[name] = replace(trail.objects[name], other_versions=True)

    assert {(Tampering.REPLACED, name)} == found(trail.verify())


def test_a_planted_segment_once_the_notary_has_been_there(trail):
    trail.plant(FOREIGN_KEY, PLANTED)
    assert (0, 1) == (trail.verify().verdict, trail.verify().pending)

    trail.heartbeats(2 * PERIOD + 1)
    assert {(Tampering.FOREIGN, FOREIGN_KEY)} == found(trail.verify())


def test_a_segment_planted_in_an_hour_that_the_notary_has_left(trail):
    trail.heartbeats(4_000)
    trail.plant(FOREIGN_KEY, PLANTED)

    assert {(Tampering.FOREIGN, FOREIGN_KEY)} == found(trail.verify())


def test_a_segment_planted_in_an_hour_to_come(trail):
    name = FOREIGN_KEY.replace("2026", "2099")
    trail.plant(name, PLANTED)
    trail.heartbeats(2 * PERIOD + 1)

    assert {(Tampering.FOREIGN, name)} == found(trail.verify())


def test_a_notary_with_a_backlog_is_given_its_time(trail):
    for number in range(4):
        trail.write([900 + number])
    for _ in range(3):
        trail.wait(PERIOD)
        trail.notarise(at_most=1)
    assert (0, 1) == (trail.verify().verdict, trail.verify().pending)

    trail.plant(FOREIGN_KEY, PLANTED, at=trail.now - 4 * PERIOD)
    trail.notarise()
    assert {(Tampering.FOREIGN, FOREIGN_KEY)} == found(trail.verify())


@pytest.mark.parametrize(
    "name", ["segments/2026/01/01/00/auditor/note.txt", "manifests/13.json", "manifests/000000000000.json", "x"]
)
def test_an_object_that_nothing_of_the_trail_is_called_like(trail, name):
    trail.plant(name, b"")

    assert {(Tampering.FOREIGN, name)} == found(trail.verify())


def test_an_attested_segment_that_was_never_readable():
    trail = FakeTrail()
    good = trail.write([1])
    trail.notarise()
    (attested,) = trail.manifests[0].segments
    for content, why in ((b"broken", "does not unzip"), (segment_bytes([event(2)]), "other events")):
        trail.alter(good, content)
        trail.signed(1, key(1), segments=(replace(attested, sha256=sha256(content).hexdigest()),))

        (finding,) = trail.verify().findings
        assert (Tampering.UNREADABLE, good) == (finding.kind, finding.key)
        assert why in finding.why


def test_a_segment_of_another_number_of_events_than_attested():
    trail = FakeTrail()
    name = trail.write([1])
    trail.notarise()
    (attested,) = trail.manifests[0].segments
    trail.signed(1, key(1), segments=(replace(attested, events=2),))

    assert {(Tampering.UNREADABLE, name)} == found(trail.verify())


def test_a_segment_that_was_another_one_when_it_was_listed_again():
    trail = FakeTrail()
    name = trail.write([1])
    attested = trail.notarise().segments[0]
    trail.notarise()
    trail.signed(2, key(1), segments=(attested,))
    assert set() == found(trail.verify())

    trail.signed(2, key(1), segments=(replace(attested, version_id="v9"),))
    assert {(Tampering.REPLACED, name)} == found(trail.verify())


# ---- manifests


def test_a_changed_manifest(trail):
    statement, _ = split(trail.objects[manifest_key(3)].content)
    changed = statement.replace(b'"events":5', b'"events":4', 1)
    trail.alter(manifest_key(3), trail.objects[manifest_key(3)].content.replace(statement, changed))

    assert {(Tampering.CHANGED, manifest_key(3))} == found(trail.verify())
    assert (11, 20, 2) == (trail.verify().manifests, trail.verify().segments, trail.verify().unproven)


def test_a_changed_manifest_before_the_keys_time_is_known_by_its_digest(trail):
    trail.signed(3, key(1), more=True)

    assert found(trail.verify(by=key(9))) == {
        (Tampering.CHANGED, manifest_key(3)),
        (Tampering.BROKEN_CHAIN, manifest_key(2)),
        (Tampering.BROKEN_CHAIN, manifest_key(1)),
    }


def test_a_signed_manifest_that_was_swapped_for_another_signed_one(trail):
    trail.signed(3, key(1), more=True)

    assert {(Tampering.BROKEN_CHAIN, manifest_key(4))} == found(trail.verify())


def test_a_manifest_in_the_place_of_another(trail):
    trail.alter(manifest_key(3), trail.objects[manifest_key(2)].content)

    assert (Tampering.BROKEN_CHAIN, manifest_key(3)) in found(trail.verify())


def test_a_signed_manifest_that_is_older_than_the_one_before():
    trail = FakeTrail()
    trail.notarise()
    trail.wait(-0.001)
    trail.notarise()

    assert {(Tampering.BROKEN_CHAIN, manifest_key(2))} == found(trail.verify())


def test_a_removed_manifest(trail):
    del trail.objects[manifest_key(2)]
    del trail.objects[manifest_key(3)]

    result = trail.verify()
    assert result.findings[0].kind is Tampering.REMOVED
    assert manifest_key(2) == result.findings[0].key
    assert manifest_key(3) in result.findings[0].why
    assert {one.key for m in trail.manifests[1:3] for one in m.segments} == {one.key for one in result.findings[1:]}


@pytest.mark.parametrize("signer", [1, 9])
def test_a_beginning_that_is_cut_off(trail, signer):
    for manifest in trail.manifests[:2]:
        del trail.objects[manifest.key]
        for one in manifest.segments:
            del trail.objects[one.key]

    assert {(Tampering.REMOVED, manifest_key(2))} == found(trail.verify(by=key(signer)))


@pytest.mark.parametrize("manifests", [1, 2, 5])
def test_an_end_that_is_cut_off(trail, manifests):
    for manifest in trail.manifests[-manifests:]:
        del trail.objects[manifest.key]
        for one in manifest.segments:
            del trail.objects[one.key]

    assert {(Tampering.TRUNCATED, manifest_key(12 - manifests))} == found(trail.verify())


def test_manifests_by_another_key_under_the_right_name(trail):
    trail.signed(12, key(66), signing_key=key(9).name)

    assert {(Tampering.CHANGED, manifest_key(12)), PROOF_ENDS} == found(trail.verify())


def test_a_manifest_by_another_key(trail):
    trail.signed(12, key(66), signing_key=key(66).name)

    assert {(Tampering.WRONG_KEY, manifest_key(12)), PROOF_ENDS} == found(trail.verify())


def test_a_manifest_by_a_key_that_has_handed_over(trail):
    trail.signed(12, key(1), signing_key=key(1).name)

    assert {(Tampering.WRONG_KEY, manifest_key(12)), PROOF_ENDS} == found(trail.verify())


def test_a_signature_under_the_name_of_another_key(trail):
    trail.signed(12, key(9), signing_key=key(66).name)

    assert {(Tampering.WRONG_KEY, manifest_key(12)), PROOF_ENDS} == found(trail.verify())


def test_a_trail_that_was_made_anew_by_another_key():
    trail = FakeTrail(key=key(66))
    name = trail.write([1])
    trail.notarise()

    assert {(Tampering.WRONG_KEY, manifest_key(1))} == found(trail.verify())
    assert (0, 1, None) == (trail.verify().manifests, trail.verify().unproven, trail.verify().proven_until)
    assert name in trail.objects


def test_a_handover_to_what_is_no_key():
    trail = FakeTrail()
    trail.notarise()
    trail.signed(1, key(1), next_key=replace(key(2).as_next, public_key="none"))

    assert {(Tampering.UNREADABLE, manifest_key(1))} == found(trail.verify())


@pytest.mark.parametrize("content", [b"", b"{}\n{}\n", b"\x00"])
def test_a_manifest_that_cannot_be_read(trail, content):
    trail.alter(manifest_key(4), content)

    assert {(Tampering.UNREADABLE, manifest_key(4))} == found(trail.verify())


def test_a_manifest_that_its_successor_names_and_that_cannot_be_read():
    trail = FakeTrail()
    trail.notarise(next_key=key(2))
    trail.alter(manifest_key(1), b"{}")
    trail.notarise()
    assert {(Tampering.UNREADABLE, manifest_key(1))} == found(trail.verify(by=key(2)))


# ---- what cannot be checked


def test_nothing_at_all_proves_nothing():
    result = FakeTrail().verify()

    assert [Tampering.UNCHECKABLE] == [finding.kind for finding in result.findings]
    assert TrailVerdict.UNCHECKED is result.verdict


def test_a_trail_without_a_manifest_is_cut_off_once_there_must_be_one():
    trail = FakeTrail()
    trail.write([1])
    assert TrailVerdict.UNCHECKED is trail.verify().verdict

    trail.wait(2 * PERIOD + 1)
    assert {(Tampering.TRUNCATED, "manifests/")} == found(trail.verify())


def of_version_two(trail: FakeTrail, number: int, by: int) -> None:
    statement, _ = split(trail.objects[manifest_key(number)].content)
    later = statement.replace(b'"version":1', b'"version":2')
    signature = b64encode(key(by).sign(sha256(later).digest())).decode()
    line = canonical_json({"algorithm": ALGORITHM, "signature": signature})
    trail.alter(manifest_key(number), later + b"\n" + line + b"\n")


def test_what_follows_a_signed_manifest_of_another_version_cannot_be_checked(trail):
    of_version_two(trail, 11, by=9)
    trail.heartbeats(3_600)

    result = trail.verify()
    assert [(Tampering.UNCHECKABLE, manifest_key(11))] == [(one.kind, one.key) for one in result.findings]
    assert TrailVerdict.UNCHECKED is result.verdict
    assert 10 == result.manifests


def test_a_manifest_of_another_version_that_its_successor_names_cannot_be_checked():
    trail = FakeTrail()
    trail.notarise(next_key=key(2))
    of_version_two(trail, 1, by=1)
    trail.notarise()

    assert [Tampering.UNCHECKABLE] == [finding.kind for finding in trail.verify(by=key(2)).findings]


def test_an_unsigned_other_version_is_tampering(trail):
    of_version_two(trail, 11, by=66)

    assert {(Tampering.UNREADABLE, manifest_key(11))} == found(trail.verify())


# ---- windows


def test_hours_outside_of_the_window_are_not_looked_at(trail):
    early, late = trail.segments()[0], trail.segments()[-1]
    assert (early[:22], late[:22]) == ("segments/2026/01/01/00", "segments/2026/01/01/01")
    del trail.objects[early]
    del trail.objects[late]

    assert {(Tampering.REMOVED, late)} == found(trail.verify(since=START + 3_700))
    assert {(Tampering.REMOVED, early)} == found(trail.verify(until=START + 3_500))


def test_a_window_needs_manifests_from_before_its_beginning(trail):
    kept = [manifest for manifest in trail.manifests if manifest.created_at / 1_000 <= START + 3_600 - 2 * PERIOD]
    for manifest in kept[:-1]:
        del trail.objects[manifest.key]
    assert set() == found(trail.verify(by=key(5), since=START + 3_700))

    del trail.objects[kept[-1].key]
    assert {(Tampering.REMOVED, kept[-1].key)} == found(trail.verify(by=key(5), since=START + 3_700))


def test_whatever_hours_are_verified_there_must_be_manifests_up_to_now(trail):
    """The hours' segments may have been attested by those that were cut off."""
    for manifest in trail.manifests[8:]:
        del trail.objects[manifest.key]
    last = trail.manifests[7].created_at / 1_000

    assert (Tampering.TRUNCATED, manifest_key(8)) in found(trail.verify(until=START + 1))
    trail.now = last + 2 * PERIOD
    assert (Tampering.TRUNCATED, manifest_key(8)) not in found(trail.verify(until=START + 1))
    trail.now += 1
    assert (Tampering.TRUNCATED, manifest_key(8)) in found(trail.verify(until=START + 1))


def test_without_a_manifest_a_segment_is_as_old_as_it_is_now_whatever_hours_are_verified():
    trail = FakeTrail(now=START + 3_500)
    trail.write([1])
    assert Tampering.UNCHECKABLE is trail.verify(until=START + 3_599).findings[0].kind
    trail.wait(601)
    assert {(Tampering.TRUNCATED, "manifests/")} == found(trail.verify(until=START + 3_599))


def test_no_finding_holds_what_an_event_holds(trail):
    canary = "4111111111111111"
    name = trail.segments()[3]
    trail.alter(name, segment_bytes([{**event(1), "unmapped": {"item_id": canary}}]))
    trail.alter(manifest_key(4), canary.encode())

    assert canary not in str(trail.verify())
    assert canary not in repr(TrailObject("k", canary.encode(), 0.0))


# ---- what is known from elsewhere


def _noted(trail: FakeTrail, number: int) -> Link:
    return link_to(trail.manifests[number - 1], trail.objects[manifest_key(number)].content)


def _verified(trail: FakeTrail, at_least: Link) -> TrailResult:
    return verify(trail.objects.values(), key(1).public, Window(trail.now, PERIOD, at_least=at_least))


@pytest.mark.parametrize("number", [1, 7, 12])
def test_a_manifest_that_was_noted_and_is_there_proves_nothing_wrong(trail, number):
    assert set() == found(_verified(trail, _noted(trail, number)))


@pytest.mark.parametrize("left", [0, 7])
def test_a_trail_that_was_begun_or_continued_anew_is_told_by_what_was_noted(trail, left):
    noted = _noted(trail, 12)
    for manifest in trail.manifests[left:]:
        for name in (manifest.key, *(one.key for one in manifest.segments)):
            trail.objects.pop(name)
    anew = FakeTrail(now=trail.now, key=trail.key if left else key(1), objects=trail.objects)
    anew.manifests = trail.manifests[:left]
    anew.key = key(5) if left else key(1)
    anew.notarise()

    assert set() == found(anew.verify())
    assert {(Tampering.TRUNCATED, manifest_key(12))} == found(_verified(anew, noted))


def test_where_nothing_is_left_the_noted_manifest_is_missed(trail):
    noted = _noted(trail, 12)
    trail.objects.clear()

    assert (Tampering.TRUNCATED, manifest_key(12)) in found(_verified(trail, noted))


def test_another_manifest_than_the_noted_one_is_told(trail):
    (finding,) = _verified(trail, Link(12, "0" * 64)).findings

    assert (Tampering.CHANGED, manifest_key(12)) == (finding.kind, finding.key)
    assert "noted" not in finding.why


@pytest.mark.parametrize("number", [1, 2, 8, 12])
def test_of_some_hours_too_the_noted_manifest_must_be_there(trail, number):
    """Also where it lies long before those that are needed, and nothing leads from it to them."""
    noted = _noted(trail, number)
    for name in map(manifest_key, range(1, 8)):
        if name != manifest_key(number):
            del trail.objects[name]

    def found_by(at_least: Link) -> set[tuple[Tampering, str]]:
        window = Window(trail.now, PERIOD, since=START + 7_200, at_least=at_least)
        return found(verify(trail.objects.values(), key(5).public, window))

    assert set() == found_by(noted)
    assert {(Tampering.CHANGED, manifest_key(number))} == found_by(Link(number, "0" * 64))
    del trail.objects[manifest_key(number)]
    assert (Tampering.TRUNCATED, manifest_key(number)) in found_by(noted)
    if number < 8:
        assert 1 == len(found_by(noted))


def test_what_is_set_apart_is_no_beginning_of_the_whole_trail(trail):
    noted = _noted(trail, 1)
    del trail.objects[manifest_key(2)]

    told = found(_verified(trail, noted))
    assert (Tampering.REMOVED, manifest_key(2)) in told
    assert found(trail.verify()) == told, "what it lists counts"


def test_where_nothing_is_noted_there_is_one_manifest_at_most(trail):
    def told() -> set[tuple[Tampering, str]]:
        window = Window(trail.now, PERIOD, unnoted=True)
        return found(verify(trail.objects.values(), key(1).public, window))

    assert {(Tampering.BROKEN_CHAIN, manifest_key(12))} == told()
    for name in map(manifest_key, range(3, 13)):
        del trail.objects[name]
    trail.now = trail.manifests[1].created_at / 1_000
    assert (Tampering.BROKEN_CHAIN, manifest_key(2)) in told()
    del trail.objects[manifest_key(2)]
    assert Tampering.BROKEN_CHAIN not in {kind for kind, _ in told()}


# ---- manifests that are checked once


def _some_hours(trail: FakeTrail, window: Window) -> Ledger:
    return Ledger([one for one in trail.objects.values() if one.key in set(_manifests(trail))], key(5).public, window)


def _manifests(trail: FakeTrail) -> list[str]:
    return [name for name in trail.objects if name.startswith("manifests/")]


def _asked(trail: FakeTrail, ledger: Ledger, window: Window) -> list[TrailObject]:
    first, last = window.keys
    keys = [*map(manifest_key, ledger.listing(window)), *(one for one in trail.segments() if first <= one <= last)]
    return [trail.objects[one] for one in keys]


def test_manifests_that_are_checked_once_say_of_each_hour_what_they_say_of_all(trail):
    late = trail.write([5_000], ago=3_000)
    trail.heartbeats(7_200)
    trail.alter(trail.segments()[2], b"")
    del trail.objects[late]
    trail.signed(7, key(66))
    whole = Window(trail.now, PERIOD, since=START)
    ledger, told = _some_hours(trail, whole), set[tuple[Tampering, str]]()
    segments = unproven = 0
    for hour in range(4):
        window = replace(whole, since=START + 3_600 * hour, until=START + 3_600 * hour + 3_599)
        result = ledger.verify(_asked(trail, ledger, window), window)
        told |= found(result)
        segments, unproven = segments + result.segments, unproven + result.unproven

    at_once = trail.verify(by=key(5), since=START)
    assert (found(at_once), at_once.segments, at_once.unproven) == (told, segments, unproven)
    assert unproven
    assert (Tampering.REMOVED, late) in told


def test_what_must_be_there_may_lie_long_before_manifests_that_are_checked_once(trail):
    window = Window(trail.now, PERIOD, since=START + 7_200, at_least=_noted(trail, 1))
    for name in map(manifest_key, range(2, 8)):
        del trail.objects[name]

    assert [] == _some_hours(trail, window).verify([], window).findings
    other = replace(window, at_least=Link(1, "0" * 64))
    assert {(Tampering.CHANGED, manifest_key(1))} == found(_some_hours(trail, other).verify([], other))


def test_what_was_put_over_a_manifest_is_told_of_hours_too_of_which_it_lists_nothing(trail):
    trail.objects[manifest_key(4)] = replace(trail.objects[manifest_key(4)], other_versions=True)
    window = Window(trail.now, PERIOD, since=START)
    ledger = _some_hours(trail, window)

    assert {(Tampering.REPLACED, manifest_key(4))} == found(ledger.verify(_asked(trail, ledger, window), window))


def test_of_some_hours_those_manifests_are_asked_for_again_that_list_any_of_them(trail):
    trail.heartbeats(7_200)
    window = Window(trail.now, PERIOD, since=START)
    listing = _some_hours(trail, window).listing
    assert list(range(1, 13)) == sorted({*listing(replace(window, until=START)), *listing(window)} | {4})
    assert [] == listing(replace(window, since=START + 7_200))
    assert 4 not in listing(window)
    by_hour = {n: {one.key[:22] for one in trail.manifests[n - 1].segments} for n in range(1, 13)}
    assert [n for n, hours in by_hour.items() if "segments/2026/01/01/01" in hours] == listing(
        replace(window, since=START + 3_600, until=START + 7_199)
    )


def test_a_manifest_that_becomes_another_while_its_hours_are_verified_ends_it(trail):
    window = Window(trail.now, PERIOD, since=START)
    ledger = _some_hours(trail, window)
    trail.alter(manifest_key(2), b"")

    with pytest.raises(StoreUnavailable, match=r"000002\.json became another object"):
        ledger.verify(_asked(trail, ledger, window), window)


# ---- time


@pytest.mark.parametrize(("period", "grace"), [(60.0, 600.0), (120.0, 600.0), (300.0, 600.0), (3_600.0, 7_200.0)])
def test_a_call_of_the_notary_may_take_its_time_whatever_the_period(trail, period, grace):
    """All manifests of one call are of the time at which it began."""
    last = trail.manifests[-1].created_at / 1_000

    def at(now: float) -> set[tuple[Tampering, str]]:
        return found(verify(trail.objects.values(), key(1).public, Window(now, period)))

    assert set() == at(last + grace)
    assert {(Tampering.TRUNCATED, manifest_key(12))} == at(last + grace + 1)


def test_a_notary_that_was_silent_is_told_and_is_no_tampering(trail):
    assert [] == trail.verify().silences
    before = trail.manifests[-1].created_at / 1_000
    trail.now = before + 2 * PERIOD
    trail.notarise()
    assert [] == trail.verify().silences
    trail.wait(2 * PERIOD + 1)
    trail.notarise()

    assert [(before + 2 * PERIOD, trail.now)] == trail.verify().silences
    assert TrailVerdict.INTACT == trail.verify().verdict
    assert [] == trail.verify(since=START, until=START + 3_599).silences
    trail.wait(2 * 3_600)
    trail.notarise()
    assert 1 == len(trail.verify(since=trail.now - 3_600).silences)
