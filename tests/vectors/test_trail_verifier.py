from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from random import Random

import pytest

from ops.audit.needed import back_to_its_key, needed, with_contents
from ops.audit.verify import verify_trail
from shared.trail.manifest import Attested, Link
from shared.trail.segments import MAX_EVENTS, MAX_UNZIPPED_BYTES, SegmentName, zipped
from shared.trail.verify import Window, verify
from tests.fakes.notary import FakeAuditBucket, NotaryAtWork
from tests.fakes.trail import PERIOD, START, FakeTrail, busy_trail, key
from tests.unit.shared.trail.test_random_tampering import SEEDS, SIGNERS, TAMPERS, swap
from tests.vectors.independent_trail_verifier import Object, check

LINE = b'{"metadata":{"uid":"a"}}\n'


@pytest.fixture(scope="module")
def intact() -> FakeTrail:
    trail = busy_trail()
    trail.wait(PERIOD + 1)
    return trail


def strangers_view(trail: FakeTrail) -> list[Object]:
    return [
        Object(one.key, one.content, one.last_modified, one.version_id, one.other_versions)
        for one in trail.objects.values()
    ]


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_stranger_finds_nothing_where_nothing_is(intact, signer):
    assert (0, set()) == check(strangers_view(intact), signer.pem, intact.now)


@pytest.mark.parametrize("signer", [1, 2])
def test_a_stranger_finds_nothing_in_what_the_notary_wrote(signer):
    work = NotaryAtWork(1, at_most=2)
    for number in range(6):
        for event in range(number):
            work.trail.write([10 * number + event])
        work.trail.wait(PERIOD)
        work.restart(*range(1, 2 + (number > 2)))
        work.run()

    assert (0, set()) == check(strangers_view(work.trail), key(signer).pem, work.trail.now)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stranger_finds_the_same(intact, seed):
    random = Random(seed)
    trail = replace(intact, objects=dict(intact.objects), attested=set(intact.attested))
    TAMPERS[seed % len(TAMPERS)](trail, random)
    signer = random.choice(SIGNERS)

    result = trail.verify(by=signer)

    found = {(finding.kind.value, finding.key) for finding in result.findings}
    assert (int(result.verdict), found) == check(strangers_view(trail), signer.pem, trail.now)


@pytest.mark.parametrize("seed", SEEDS[:45])
def test_of_some_hours_a_stranger_finds_the_same(intact, seed, monkeypatch):
    """With what was known of a manifest, and a notary that was late, and manifests of nothing behind these hours."""
    monkeypatch.setattr("ops.audit.needed.CLOCKS_DIFFER_SECONDS", 0)
    random = Random(seed)
    trail = replace(intact, objects=dict(intact.objects), manifests=[*intact.manifests], attested=set(intact.attested))
    trail.write([9_000], where="late", ago=PERIOD + 60)
    trail.heartbeats(random.choice([PERIOD, 4 * 3_600]))
    known = trail.manifests[random.randrange(len(trail.manifests))]
    digest = sha256(trail.objects[known.key].content).hexdigest()
    TAMPERS[seed % len(TAMPERS)](trail, random)
    since, until = random.choice([(None, START + 3_599), (START + 3_700, None), (START + 5, START + 7_199)])
    signer = random.choice(SIGNERS)
    window = Window(trail.now, PERIOD, since, until, Link(known.number, digest))
    bucket = FakeAuditBucket(trail)
    objects = back_to_its_key(bucket, with_contents(bucket, needed(bucket, window)), window, signer.public)

    result = verify(objects, signer.public, window)

    found = {(finding.kind.value, finding.key) for finding in result.findings}
    told = check(strangers_view(trail), signer.pem, trail.now, PERIOD, since, until, (known.number, digest))
    assert (int(result.verdict), found) == told


@pytest.mark.parametrize("seed", SEEDS[:45])
def test_of_hours_after_its_key_handed_over_a_stranger_names_the_same(intact, seed, monkeypatch):
    """He takes the manifests' own times, we the bucket's: where two manifests changed places, other ones are needed."""
    random = Random(seed)
    signer = random.choice(SIGNERS)
    monkeypatch.setattr("ops.audit.needed.CLOCKS_DIFFER_SECONDS", 0)
    trail = replace(intact, objects=dict(intact.objects), manifests=[*intact.manifests], attested=set(intact.attested))
    trail.heartbeats(4 * 3_600)
    TAMPERS[seed % len(TAMPERS)](trail, random)
    window, bucket = Window(trail.now, PERIOD, START + 7_300), FakeAuditBucket(trail)

    result = verify_trail(bucket, signer.public, window)

    found = {(finding.kind.value, finding.key) for finding in result.findings}
    not_read = {("replaced", one.key) for one in trail.objects.values() if one.other_versions}
    exit_status, told = check(strangers_view(trail), signer.pem, trail.now, PERIOD, window.since)
    told -= not_read - found
    assert (exit_status if told else 0) == int(result.verdict)
    assert {key for _, key in found} == {key for _, key in told} or TAMPERS[seed % len(TAMPERS)] is swap


@pytest.mark.parametrize(
    ("lines", "is_one"),
    [
        (LINE, True),
        (LINE * MAX_EVENTS, True),
        (LINE * (MAX_EVENTS + 1), False),
        (LINE[:-2] + b" " * (MAX_UNZIPPED_BYTES - len(LINE)) + LINE[-2:], True),
        (LINE[:-2] + b" " * (MAX_UNZIPPED_BYTES - len(LINE) + 1) + LINE[-2:], False),
        (LINE[:-1], False),
        (b"", False),
        (b"\n", False),
        (b"{}\n", False),
        (b'{"metadata":{"uid":""}}\n', False),
        (b'{"metadata":{"uid":7}}\n', False),
    ],
)
@pytest.mark.parametrize("of_its_name", [True, False])
def test_a_stranger_takes_for_a_segment_what_we_do(lines, is_one, of_its_name):
    trail = FakeTrail()
    said = lines if of_its_name else lines + LINE
    name, content = SegmentName.of(said, written_at=trail.now, stage="auditor", where="1").key, zipped(lines)
    trail.plant(name, content)
    trail.notarise()
    attested = Attested(name, "planted", sha256(content).hexdigest(), len(content), lines.count(b"\n"))
    trail.signed(1, key(1), segments=(attested,))

    found = {(finding.kind.value, finding.key) for finding in trail.verify().findings}
    assert (set() if is_one and of_its_name else {("unreadable", name)}) == found
    assert found == check(strangers_view(trail), key(1).pem, trail.now)[1]
