"""A hundred and twenty seeded acts of tampering, of every kind on whatever object: each is found, and where."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from shared.trail.findings import TrailVerdict
from shared.trail.manifest import manifest_key, manifest_number
from shared.trail.segments import SegmentName, read_segment, segments
from tests.fakes.trail import PERIOD, FakeTrail, busy_trail, event, key

Tamper = Callable[[FakeTrail, Random], set[str]]
"""Does something to the trail; gives the keys of which at least one must be named."""
SEEDS = range(120)


def anything(trail: FakeTrail, random: Random) -> str:
    return random.choice(sorted(trail.objects))


def flip_a_bit(trail: FakeTrail, random: Random) -> set[str]:
    name = anything(trail, random)
    content = bytearray(trail.objects[name].content)
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    trail.alter(name, bytes(content))
    return {name}


def cut_short(trail: FakeTrail, random: Random) -> set[str]:
    name = anything(trail, random)
    trail.alter(name, trail.objects[name].content[: random.randrange(len(trail.objects[name].content))])
    return {name}


def append(trail: FakeTrail, random: Random) -> set[str]:
    name = anything(trail, random)
    trail.alter(name, trail.objects[name].content + random.randbytes(random.randint(1, 9)))
    return {name}


def remove(trail: FakeTrail, random: Random) -> set[str]:
    name = anything(trail, random)
    del trail.objects[name]
    last = manifest_key((manifest_number(name) or 1) - 1)
    return {name, last} if name == manifest_key(12) else {name}


def write_again(trail: FakeTrail, random: Random) -> set[str]:
    name = random.choice(trail.segments())
    trail.objects[name] = replace(trail.objects[name], version_id="again")
    return {name}


def leave_a_version(trail: FakeTrail, random: Random) -> set[str]:
    name = anything(trail, random)
    trail.objects[name] = replace(trail.objects[name], other_versions=True)
    return {name}


def swap(trail: FakeTrail, random: Random) -> set[str]:
    one, other = random.sample(sorted(trail.objects), 2)
    swapped = trail.objects[one].content, trail.objects[other].content
    trail.alter(other, swapped[0])
    trail.alter(one, swapped[1])
    return {one, other}


def zip_anew(trail: FakeTrail, random: Random) -> set[str]:
    name = random.choice(trail.segments())
    trail.alter(name, gzip.compress(gzip.decompress(trail.objects[name].content), compresslevel=1))
    return {name}


def drop_an_event(trail: FakeTrail, random: Random) -> set[str]:
    """Under the name that the other events have."""
    name = random.choice(trail.segments())
    parsed = SegmentName.parse(name)
    assert parsed is not None
    documents = list(read_segment(trail.objects[name].content, parsed))
    documents.pop(random.randrange(len(documents)))
    ((changed, content, _),) = segments(documents, written_at=parsed.hour, stage=parsed.stage, where=parsed.where)
    trail.plant(changed.key, content, at=trail.objects.pop(name).last_modified)
    return {name}


def plant(trail: FakeTrail, random: Random) -> set[str]:
    at = trail.now - random.uniform(4 * PERIOD, 4_000)
    where = f"request-{random.random()}"
    ((name, content, _),) = segments([event(7_001), event(7_002)], written_at=at, stage="encryptor", where=where)
    trail.plant(name.key, content, at=at)
    return {name.key}


def sign_by_another_key(trail: FakeTrail, random: Random) -> set[str]:
    manifest = random.choice(trail.manifests)
    attacker = key(random.randint(60, 70))
    trail.signed(manifest.number, attacker, signing_key=random.choice([attacker.name, manifest.signing_key]))
    return {manifest.key}


def forget_a_segment(trail: FakeTrail, random: Random) -> set[str]:
    """In a manifest that an attacker signs, with the object removed too."""
    manifest = random.choice([one for one in trail.manifests if one.segments])
    dropped = random.choice(manifest.segments)
    trail.signed(manifest.number, key(66), segments=tuple(one for one in manifest.segments if one != dropped))
    del trail.objects[dropped.key]
    return {manifest.key}


def hand_over(trail: FakeTrail, random: Random) -> set[str]:
    """From here on all is signed by an attacker's key."""
    number = random.randint(1, 11)
    trail.signed(number, key(66), next_key=key(66).as_next)
    for later in range(number + 1, 13):
        trail.signed(later, key(66), signing_key=key(66).name)
    return {manifest_key(number)}


def cut_off_the_end(trail: FakeTrail, random: Random) -> set[str]:
    left = random.randint(1, 11)
    for manifest in trail.manifests[left:]:
        for name in (manifest.key, *(one.key for one in manifest.segments)):
            del trail.objects[name]
    return {manifest_key(left)}


def cut_off_the_beginning(trail: FakeTrail, random: Random) -> set[str]:
    gone = random.randint(1, 11)
    for manifest in trail.manifests[:gone]:
        for name in (manifest.key, *(one.key for one in manifest.segments)):
            del trail.objects[name]
    return {manifest_key(gone), manifest_key(gone + 1)}


TAMPERS: list[Tamper] = [
    flip_a_bit,
    cut_short,
    append,
    remove,
    write_again,
    leave_a_version,
    swap,
    zip_anew,
    drop_an_event,
    plant,
    sign_by_another_key,
    forget_a_segment,
    hand_over,
    cut_off_the_end,
    cut_off_the_beginning,
]
SIGNERS = [key(number) for number in (1, 5, 9)]


@pytest.fixture(scope="module")
def intact() -> FakeTrail:
    trail = busy_trail()
    trail.wait(PERIOD + 1)
    return trail


def test_what_is_tampered_with_here_is_intact(intact):
    assert [TrailVerdict.INTACT] * 3 == [intact.verify(by=signer).verdict for signer in SIGNERS]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_done_is_found(intact, seed):
    random = Random(seed)
    trail = replace(intact, objects=dict(intact.objects), attested=set(intact.attested))

    named = TAMPERS[seed % len(TAMPERS)](trail, random)
    result = trail.verify(by=random.choice(SIGNERS))

    assert TrailVerdict.TAMPERED is result.verdict
    assert named & {finding.key for finding in result.findings}
