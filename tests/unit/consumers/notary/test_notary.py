"""What the notary writes proves the trail, whatever happened; and it vouches for nothing that it finds wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from consumers.notary import newer
from consumers.notary.earlier import LastNotTrusted
from consumers.notary.notary import TO_FINISH_SECONDS, Notary, Tally
from consumers.notary.ports import Key
from shared.aws.audit_bucket import Listed
from shared.aws.trail_end import Start
from shared.errors import KeyServiceUnavailable, ObjectUnreadable, StoreDenied, StoreUnavailable, TrailBroken
from shared.trail.findings import Tampering, TrailVerdict
from shared.trail.manifest import Link, link_to, manifest_key
from shared.trail.public_key import PublicKey
from shared.trail.segments import PREFIX
from tests.fakes.notary import NotaryAtWork, signing_keys
from tests.fakes.trail import PERIOD, START, key

HOUR = 3_600.0


@pytest.fixture
def work() -> NotaryAtWork:
    return NotaryAtWork()


def _kinds(tally: Tally) -> list[tuple[Tampering, str]]:
    return [(finding.kind, finding.key) for finding in tally.findings]


def test_each_segment_is_attested_once_and_a_manifest_is_written_though_nothing_is_new(work):
    written = [work.trail.write([number]) for number in range(3)]
    first = work.run()
    work.trail.wait(PERIOD)
    second = work.run()
    work.trail.wait(PERIOD)
    written.append(work.trail.write([9]))
    third = work.run()

    assert [(1, 3), (1, 0), (1, 1)] == [(one.manifests, one.segments) for one in (first, second, third)]
    assert sorted(written[:3]) + written[3:] == work.attested
    assert [1, 2, 3] == [manifest.number for manifest in work.manifests]
    assert TrailVerdict.INTACT == work.trail.verify().verdict
    assert (0, 4) == (work.trail.verify().pending, work.trail.verify().segments)


def test_a_segment_of_the_hour_before_is_found_late(work):
    work.trail.wait(HOUR)
    work.run()
    late = work.trail.write([1], ago=HOUR)
    work.trail.wait(PERIOD)

    assert 1 == work.run().segments
    assert [late] == work.attested


def test_the_beginning_takes_what_was_written_long_before(work):
    written = work.trail.write([1])
    work.trail.wait(30 * 24 * HOUR)
    work.run()

    assert [written] == work.attested


def test_a_notary_that_stood_still_takes_up_where_it_left(work):
    work.run()
    written = []
    for number in range(40):
        written.append(work.trail.write([number]))
        work.trail.wait(1_000)
    work.run()

    assert sorted(written) == work.attested
    assert TrailVerdict.INTACT == work.trail.verify().verdict


def test_what_is_too_much_for_one_manifest_goes_into_the_next_at_once():
    work = NotaryAtWork(at_most=2)
    written = [work.trail.write([number]) for number in range(5)]
    tally = work.run()

    assert (3, 5) == (tally.manifests, tally.segments)
    assert sorted(written) == work.attested
    assert [True, True, False] == [manifest.more for manifest in work.manifests]
    assert TrailVerdict.INTACT == work.trail.verify().verdict


def test_what_there_is_no_time_for_is_left_to_the_next(work, monkeypatch):
    monkeypatch.setattr(newer, "READ_TOGETHER", 2)
    written = [work.trail.write([number]) for number in range(5)]

    first = work.run(TO_FINISH_SECONDS + 1, TO_FINISH_SECONDS)

    assert (1, 2) == (first.manifests, first.segments)
    assert work.manifests[-1].more
    assert 3 == work.run().segments
    assert sorted(written) == work.attested
    assert not work.manifests[-1].more


def test_only_the_manifests_that_matter_are_read(work):
    for _ in range(70):
        work.trail.wait(PERIOD)
        work.run()
    work.bucket.reads.clear()
    work.run()

    assert 32 <= len(work.bucket.reads) <= 64


def test_manifests_of_every_minute_are_read_back_as_far_as_segments_are_looked_for(work):
    work.trail.wait(600)
    first = work.trail.write([1])
    for _ in range(40):
        work.run()
        work.trail.wait(60)

    assert [first] == work.attested


@pytest.mark.parametrize("generations", [(1, 2), (1, 2, 3)])
def test_a_new_key_signs_after_the_old_one_has_handed_over(generations):
    work = NotaryAtWork(1)
    work.run()
    work.restart(*generations)
    for _ in range(3):
        work.trail.wait(PERIOD)
        work.run()

    old, new = key(1), key(generations[-1])
    assert [old.arn, old.arn, new.arn, new.arn] == [manifest.signing_key.arn for manifest in work.manifests]
    assert [None, new.arn, None, None] == [one.next_key and one.next_key.arn for one in work.manifests]
    for by in (old, new):
        assert TrailVerdict.INTACT == work.trail.verify(by=by).verdict


def test_a_key_that_has_handed_over_is_not_asked_for_any_more(work):
    work.run()
    work.restart(1, 2)
    work.run()
    disabled = Notary(
        work.bucket, work.end, [Key(key(1).arn, _disabled, key(1).sign), *signing_keys(2)], lambda: work.trail.now
    )

    with pytest.raises(KeyServiceUnavailable):  # it signed the last one
        disabled.write(Tally(), seconds_left=lambda: 300.0)
    work.run()
    disabled.write(Tally(), seconds_left=lambda: 300.0)
    assert 4 == len(work.manifests)


def test_of_a_key_the_public_half_is_asked_for_once(work):
    asked: list[int] = []

    def ask() -> PublicKey:
        asked.append(1)
        return key(1).public

    notary = Notary(work.bucket, work.end, [Key(key(1).arn, ask, key(1).sign)], lambda: work.trail.now)
    for _ in range(3):
        notary.write(Tally(), seconds_left=lambda: 300.0)

    assert [1] == asked


def _disabled() -> PublicKey:
    raise KeyServiceUnavailable("DisabledException")


def test_the_first_manifest_is_signed_by_the_newest_key():
    work = NotaryAtWork(1, 2)
    work.run()

    assert key(2).name == work.manifests[0].signing_key
    assert work.manifests[0].next_key is None


def test_nothing_is_signed_by_a_key_that_the_last_manifest_does_not_lead_to():
    work = NotaryAtWork(1, 2)
    work.run()
    work.trail.wait(PERIOD)
    work.restart(1)

    with pytest.raises(LastNotTrusted) as raised:
        work.run()
    assert [Tampering.WRONG_KEY] == [finding.kind for finding in raised.value.findings]
    assert 1 == len(work.manifests)


def test_a_handover_to_a_key_that_was_taken_away_again_stops_the_notary():
    work = NotaryAtWork(1)
    work.run()
    work.restart(1, 2)
    work.run()
    work.restart(1)

    with pytest.raises(TrailBroken, match="must sign what follows manifests/000000000002"):
        work.run()
    assert 2 == len(work.manifests)


def test_the_time_never_goes_back(work):
    work.run()
    work.trail.now -= 100
    work.run()

    assert [int(START * 1_000)] * 2 == [manifest.created_at for manifest in work.manifests]
    work.trail.now += 100
    assert TrailVerdict.INTACT == work.trail.verify().verdict


def _changed(content: bytes) -> bytes:
    return content.replace(b"T00:00:00", b"T00:00:01", 1)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_last_manifest_that_was_changed_is_not_vouched_for(work, fresh):
    work.run()
    name = manifest_key(1)
    work.trail.alter(name, _changed(work.trail.objects[name].content))
    if fresh:
        work.restart(1)
    tally = Tally()

    with pytest.raises(LastNotTrusted, match="cannot be trusted"):
        work.notary.write(tally, seconds_left=lambda: 300.0)
    assert [(Tampering.CHANGED, name)] == _kinds(tally)
    assert [name] == sorted(work.trail.objects)


@pytest.mark.parametrize("content", [b"", b"{}\n{}\n"])
def test_a_last_manifest_that_is_none_is_not_vouched_for(work, content):
    work.run()
    work.trail.alter(manifest_key(1), content)

    with pytest.raises(LastNotTrusted):
        work.run()


def test_a_last_manifest_that_is_gone_is_missed(work):
    work.run()
    work.trail.wait(PERIOD)
    work.run()
    del work.trail.objects[manifest_key(2)]

    with pytest.raises(LastNotTrusted) as raised:
        work.run()
    assert [(Tampering.TRUNCATED, manifest_key(2))] == [(one.kind, one.key) for one in raised.value.findings]


@pytest.mark.parametrize("left", [0, 12])
def test_a_trail_that_was_cut_off_is_not_continued_by_a_notary_that_starts_cold(work, left):
    for number in range(24):
        work.trail.write([number])
        work.run()
        work.trail.wait(PERIOD)
    for manifest in work.manifests[left:]:
        for name in (manifest.key, *(one.key for one in manifest.segments)):
            del work.trail.objects[name]
    work.restart(1)
    tally = Tally()

    for _ in range(2):
        with pytest.raises(LastNotTrusted):
            work.notary.write(tally, seconds_left=lambda: 300.0)
    assert [(Tampering.TRUNCATED, manifest_key(24))] == _kinds(tally)
    assert left == len(work.manifests)


def test_a_last_manifest_that_another_signed_one_was_put_for_is_not_continued(work):
    work.run()
    other = NotaryAtWork()
    other.trail.wait(1)
    other.run()
    work.trail.alter(manifest_key(1), other.trail.objects[manifest_key(1)].content)
    work.restart(1)

    with pytest.raises(LastNotTrusted) as raised:
        work.run()
    assert [(Tampering.CHANGED, manifest_key(1))] == [(one.kind, one.key) for one in raised.value.findings]


def test_a_trail_whose_end_nobody_noted_is_not_continued(work):
    for _ in range(2):
        work.run()
    work.end.last = None

    with pytest.raises(LastNotTrusted) as raised:
        work.run()
    assert [(Tampering.BROKEN_CHAIN, manifest_key(2))] == [(one.kind, one.key) for one in raised.value.findings]


@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_manifest_that_was_written_and_not_noted_is_continued(work, before):
    for _ in range(before):
        work.run()
    work.end.refuses = StoreUnavailable("throttled")
    with pytest.raises(StoreUnavailable):
        work.run()
    work.end.refuses = None
    work.restart(1)
    work.run()

    assert before + 2 == len(work.manifests) == work.end.last.number
    assert TrailVerdict.INTACT == work.trail.verify().verdict


def test_what_an_operator_says_is_lost_is_not_asked_for_any_more(work):
    for _ in range(3):
        work.run()
        work.trail.wait(PERIOD)
    second = link_to(work.manifests[1], work.trail.objects[manifest_key(2)].content)
    del work.trail.objects[manifest_key(3)]
    work.end.last = second

    assert 1 == work.run().manifests
    assert TrailVerdict.INTACT == work.trail.verify().verdict


@pytest.mark.parametrize("noted", [0, 1, 4])
def test_manifests_of_which_nothing_is_noted_are_not_continued(work, noted):
    links: list[Link | None] = [None]
    for _ in range(6):
        work.run()
        links.append(work.end.last)
    work.end.last = links[noted]

    with pytest.raises(LastNotTrusted) as raised:
        work.run()
    assert [Tampering.BROKEN_CHAIN] == [one.kind for one in raised.value.findings]


def test_a_manifest_of_a_high_number_is_told_at_once(work, monkeypatch):
    work.run()
    work.trail.put(manifest_key(10**12 - 1), b"{}")
    listings = _listings(work, monkeypatch)
    tally = Tally()

    with pytest.raises(LastNotTrusted):
        work.notary.write(tally, seconds_left=lambda: 300.0)
    assert [(Tampering.BROKEN_CHAIN, manifest_key(10**12 - 1))] == _kinds(tally)
    assert 1 == len(listings)


def test_a_bucket_that_was_emptied_is_told_at_once_however_much_was_noted(work, monkeypatch):
    work.end.note(Link(105_120, "0" * 64), Start())
    listings = _listings(work, monkeypatch)
    tally = Tally()

    with pytest.raises(LastNotTrusted):
        work.notary.write(tally, seconds_left=lambda: 300.0)
    assert [(Tampering.TRUNCATED, manifest_key(105_120))] == _kinds(tally)
    assert 2 == len(listings)


@pytest.mark.parametrize("before", [0, 1, 3])
def test_what_was_not_noted_is_noted_before_another_one_is_written(work, before):
    for _ in range(before):
        work.run()
    work.end.refuses = StoreUnavailable("throttled")
    for _ in range(3):
        work.trail.wait(PERIOD)
        with pytest.raises(StoreUnavailable):
            work.run()
    assert before + 1 == len(work.manifests)
    work.end.refuses = None
    work.run()

    assert before + 2 == len(work.manifests) == work.end.last.number
    assert TrailVerdict.INTACT == work.trail.verify().verdict


@pytest.mark.parametrize("refusal", [ObjectUnreadable("KMS.DisabledException"), StoreDenied("AccessDenied")])
def test_an_earlier_manifest_that_the_bucket_does_not_give_is_told_and_the_notary_goes_on(work, refusal):
    for _ in range(4):
        work.run()
        work.trail.wait(PERIOD)
    work.bucket.refused[manifest_key(2)] = refusal
    tally = work.run()

    assert 1 == tally.manifests
    assert [(Tampering.UNREADABLE, manifest_key(2))] == _kinds(tally)


@pytest.mark.parametrize("refusal", [ObjectUnreadable("KMS.DisabledException"), StoreDenied("AccessDenied")])
@pytest.mark.parametrize("which", [3, 4], ids=["the noted one", "the last"])
def test_a_manifest_that_must_be_there_and_is_not_given_is_told_and_not_continued(work, refusal, which):
    for _ in range(3):
        work.run()
    work.end.refuses = StoreUnavailable("throttled")
    with pytest.raises(StoreUnavailable):
        work.run()
    work.end.refuses = None
    work.bucket.refused[manifest_key(which)] = refusal
    tally = Tally()

    with pytest.raises(LastNotTrusted):
        work.notary.write(tally, seconds_left=lambda: 300.0)
    assert [(Tampering.UNREADABLE, manifest_key(which))] == _kinds(tally)
    assert 4 == len(work.manifests)


def _listings(work: NotaryAtWork, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each listing from now on asked for."""
    listings: list[str] = []
    listed = work.bucket.listed

    def counted(prefix: str, start_after: str = "") -> Iterator[Listed]:
        listings.append(prefix)
        return listed(prefix, start_after)

    monkeypatch.setattr(work.bucket, "listed", counted)
    return listings


def test_two_notaries_at_once_do_not_both_go_on(work, monkeypatch):
    monkeypatch.setattr(work.end, "note", lambda *_: False)

    with pytest.raises(StoreUnavailable, match="somebody else goes on"):
        work.run()


def test_an_earlier_manifest_that_was_changed_is_told_and_the_notary_goes_on(work):
    for _ in range(3):
        work.run()
        work.trail.wait(PERIOD)
    name = manifest_key(2)
    work.trail.alter(name, work.trail.objects[name].content.replace(b"T00:05", b"T00:04"))
    written = work.trail.write([1])
    tally = work.run()

    assert (1, 1) == (tally.manifests, tally.segments)
    assert [(Tampering.CHANGED, name)] == _kinds(tally)
    assert [written] == [one.key for one in work.manifests[-1].segments]


def test_an_earlier_manifest_that_is_none_is_told(work):
    for _ in range(3):
        work.run()
    work.trail.alter(manifest_key(2), b"")
    work.end.forget_start()

    assert (Tampering.UNREADABLE, manifest_key(2)) in _kinds(work.run())


def test_an_earlier_manifest_that_is_missing_is_told(work):
    for _ in range(3):
        work.run()
        work.trail.wait(PERIOD)
    del work.trail.objects[manifest_key(2)]

    assert [(Tampering.REMOVED, manifest_key(2))] == _kinds(work.run())


def test_other_versions_of_a_manifest_are_told(work):
    work.run()
    name = manifest_key(1)
    work.trail.objects[name] = replace(work.trail.objects[name], other_versions=True)

    assert [(Tampering.REPLACED, name)] == _kinds(work.run())


def test_an_attested_segment_that_is_gone_or_another_one_is_told(work):
    gone, other, versions, left = (work.trail.write([number]) for number in range(4))
    work.run()
    del work.trail.objects[gone]
    work.trail.objects[other] = replace(work.trail.objects[other], version_id="planted")
    work.trail.objects[versions] = replace(work.trail.objects[versions], other_versions=True)
    tally = work.run()

    expected = {(Tampering.REMOVED, gone), (Tampering.REPLACED, other), (Tampering.REPLACED, versions)}
    assert expected == set(_kinds(tally))
    assert 1 == tally.manifests
    assert left in work.attested


def test_what_is_called_like_a_segment_and_is_none_is_never_listed_and_told_while_it_is_news(work):
    work.run()
    good, bad = work.trail.write([1]), work.trail.write([2])
    work.trail.alter(bad, b"no gzip")
    told = []
    for _ in range(6):
        told.append(_kinds(work.run()))
        work.trail.wait(PERIOD)

    assert [[(Tampering.UNREADABLE, bad)]] * 3 == told[:3]
    assert [[]] * 2 == told[4:]
    assert [good] == work.attested


def test_what_was_found_by_an_invocation_that_failed_is_news_to_the_next(work):
    work.run()
    bad = work.trail.write([2])
    work.trail.alter(bad, b"no gzip")
    work.trail.wait(5 * PERIOD)

    assert [(Tampering.UNREADABLE, bad)] == _kinds(work.run())


def test_a_segment_of_an_hour_that_has_not_come_is_told_while_it_is_news_and_not_even_read(work):
    work.run()
    ahead = work.trail.write([1], ago=-3 * HOUR)
    never = "segments/9999/01/01/00/auditor/x-0123456789abcdef0123456789abcdef.ndjson.gz"
    work.trail.put(never, b"x")
    told = []
    for _ in range(6):
        told.append(_kinds(work.run()))
        work.trail.wait(PERIOD)

    assert {(Tampering.FOREIGN, ahead), (Tampering.FOREIGN, never)} == set(told[0])
    assert [[]] * 2 == told[4:]
    assert [] == work.attested
    assert not {ahead, never} & set(work.bucket.reads)


def test_a_writer_whose_clock_is_ahead_by_less_than_an_hour_is_attested(work):
    work.run()
    work.trail.wait(1_800)
    ahead = work.trail.write([1], ago=-HOUR)

    assert (1, []) == (work.run().segments, _kinds(work.run()))
    assert [ahead] == work.attested


def test_what_is_no_segments_name_is_not_the_notarys_business(work):
    work.trail.plant("segments/other", b"x")
    work.trail.plant("manifests/other", b"x")
    tallies = [work.run(), work.run()]

    assert [(1, []), (1, [])] == [(one.manifests, _kinds(one)) for one in tallies]


def test_what_is_larger_than_any_segment_is_not_even_read(work, monkeypatch):
    monkeypatch.setattr(newer, "MAX_UNZIPPED_BYTES", 10)
    large = work.trail.write([1])

    assert [(Tampering.UNREADABLE, large)] == _kinds(work.run())
    assert large not in work.bucket.reads


@pytest.mark.parametrize("refusal", [ObjectUnreadable("InvalidRequest"), StoreDenied("AccessDenied")])
def test_a_segment_that_the_bucket_gives_to_nobody_is_told_and_tried_again_and_stops_nobody(work, refusal):
    work.run()
    kept, other = work.trail.write([1]), work.trail.write([2])
    work.bucket.refused[kept] = refusal
    tallies = [work.run(), work.run()]

    assert [(Tampering.UNREADABLE, kept)] == _kinds(tallies[0])
    assert tallies[0].findings == tallies[1].findings
    assert [other] == work.attested
    work.bucket.refused.clear()
    assert 1 == work.run().segments


def test_what_was_refused_for_hours_is_told_each_time_and_attested_at_last(work):
    work.run()
    refused = [work.trail.write([number]) for number in range(3)]
    work.bucket.refused = dict.fromkeys(refused, StoreDenied("AccessDenied"))
    for number in range(50):
        work.trail.write([100 + number])
        assert sorted(refused) == sorted(key for _, key in _kinds(work.run()))
        work.trail.wait(PERIOD)
    work.bucket.refused.clear()

    assert 3 == work.run().segments
    assert [] == _kinds(work.run())
    assert (TrailVerdict.INTACT, 0) == (work.trail.verify().verdict, work.trail.verify().pending)


def test_a_refusal_does_not_have_one_manifest_after_the_other_written(work):
    work.run()
    work.bucket.refused[work.trail.write([1])] = StoreDenied("AccessDenied")

    assert 1 == work.run().manifests
    assert not work.manifests[-1].more


def test_a_backlog_is_listed_and_read_back_once(monkeypatch):
    work = NotaryAtWork(at_most=2)
    for number in range(12):
        work.trail.write([number])
    work.run(TO_FINISH_SECONDS + 1, TO_FINISH_SECONDS)
    work.bucket.reads.clear()
    listings = _listings(work, monkeypatch)
    tally = work.run()

    assert 10 == tally.segments
    assert 3 == listings.count("segments/"), "to the present hour, from the beginning, and what is ahead"
    assert 1 == sum(name.startswith("manifests/") for name in work.bucket.reads)


def test_a_listing_that_takes_too_long_ends_and_what_it_came_to_is_attested(work, monkeypatch):
    monkeypatch.setattr(newer, "LISTED_TOGETHER", 3)
    monkeypatch.setattr(newer, "READ_TOGETHER", 64)
    written = sorted(work.trail.write([number]) for number in range(8))
    first = work.run(TO_FINISH_SECONDS + 1, TO_FINISH_SECONDS)

    assert (1, 3) == (first.manifests, first.segments)
    assert written[:3] == work.attested
    assert work.manifests[-1].more
    assert [] == _kinds(first)
    assert 5 == work.run().segments
    assert not work.manifests[-1].more


def test_a_manifest_says_when_its_list_was_begun_not_when_it_was_done(work, monkeypatch):
    late: list[str] = []
    listed = work.bucket.listed

    def slow(prefix: str, start_after: str = "") -> Iterator[Listed]:
        yield from listed(prefix, start_after)
        if prefix == PREFIX:
            late.append(work.trail.write([1]))
            work.trail.wait(3 * PERIOD)

    monkeypatch.setattr(work.bucket, "listed", slow)
    work.run()

    assert [int(START * 1_000)] == [manifest.created_at for manifest in work.manifests]
    assert (TrailVerdict.TAMPERED, 1) == (work.trail.verify().verdict, work.trail.verify().pending)


# ---- clocks


@pytest.mark.parametrize("ahead", [-300.0, 300.0])
def test_where_the_clocks_of_bucket_and_notary_differ_nothing_is_written(work, ahead):
    work.bucket.ahead = ahead

    with pytest.raises(StoreUnavailable, match="300 seconds apart"):
        work.run()
    assert [] == work.manifests
    work.bucket.ahead = 60.0
    work.run()
    assert [int((START + 60) * 1_000)] == [manifest.created_at for manifest in work.manifests]


@pytest.mark.parametrize("forgets", [False, True])
def test_a_manifest_of_a_wrong_time_does_not_end_the_hours_before_it(work, forgets):
    work.trail.write([1])
    work.run()
    work.trail.wait(PERIOD)
    work.trail.now += 10 * HOUR
    work.run()
    work.trail.now -= 10 * HOUR
    if forgets:
        work.end.forget_start()
    late = []
    for number in range(36):
        late.append(work.trail.write([10 + number]))
        work.run()
        work.trail.wait(PERIOD)

    assert set(late) <= set(work.attested)


def test_a_bucket_that_refuses_or_does_not_answer_attests_nothing(work):
    written = work.trail.write([1])
    for error in (StoreDenied("AccessDenied"), StoreUnavailable("SlowDown")):
        work.bucket.refused[written] = error
        with pytest.raises(StoreUnavailable):
            work.run()
    assert [] == work.manifests
    work.bucket.refused.clear()
    work.run()
    work.bucket.refused[work.trail.write([2])] = StoreUnavailable("SlowDown")
    with pytest.raises(StoreUnavailable):
        work.run()


def test_a_manifest_that_somebody_else_wrote_meanwhile_is_never_written_over(work):
    work.run()
    work.bucket.taken[manifest_key(2)] = b"other"

    with pytest.raises(StoreUnavailable, match="somebody else"):
        work.run()
    assert b"other" == work.trail.objects[manifest_key(2)].content


def test_a_put_whose_answer_was_lost_is_known_as_done(work, monkeypatch):
    put = work.bucket.put_once
    monkeypatch.setattr(work.bucket, "put_once", lambda key, content: put(key, content) and False)

    assert 1 == work.run().manifests


def test_a_signature_that_would_not_verify_is_never_written(work):
    one, other = signing_keys(1, 2)
    notary = Notary(work.bucket, work.end, [Key(one.arn, lambda: one.public, other.sign)], lambda: START)

    with pytest.raises(TrailBroken, match="does not sign as its public key verifies"):
        notary.write(Tally(), seconds_left=lambda: 300.0)
    assert {} == work.trail.objects


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_writers_and_the_notary_did_the_trail_is_intact(seed):
    random = Random(seed)
    work = NotaryAtWork(1, at_most=random.choice([1, 3, 1_000]))
    number = keys = 1
    for _ in range(12):
        for _ in range(random.choice([0, 1, 1, 2, 4])):
            work.trail.write([number, number + 1], ago=random.choice([0, 0, 10, 300]))
            number += random.choice([1, 2])
        work.trail.wait(random.choice([60, PERIOD, PERIOD, PERIOD, 2 * HOUR]))
        if random.random() < 0.2:
            keys += random.choice([0, 1])
            work.restart(*range(1, keys + 1))
        if random.random() < 0.8:
            work.run(*random.choice([(300.0,), (61.0, 61.0, 10.0)]))
    work.run()

    for by in range(1, keys + 1):
        if key(by).name in [manifest.signing_key for manifest in work.manifests]:
            result = work.trail.verify(by=key(by))
            assert (TrailVerdict.INTACT, 0) == (result.verdict, result.pending)
    assert sorted(work.attested) == work.trail.segments()
