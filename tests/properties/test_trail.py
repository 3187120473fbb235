"""An audit trail that nobody tampered with is intact, however it came about."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.trail.manifest import manifest_number
from shared.trail.segments import SegmentName
from shared.trail.verify import TrailObject, Window, verify
from tests.fakes.trail import PERIOD, START, FakeTrail, key

HOUR = 3_600


@dataclass(frozen=True)
class Batch:
    """Events of one invocation; `retries` of them are delivered again, with other boundaries where `shorter` is set."""

    first: int
    count: int
    ago: float
    retries: int
    shorter: int


batches = st.builds(
    Batch,
    st.integers(0, 60),
    st.integers(1, 6),
    st.sampled_from([0.0, 1.0, 290.0]),
    st.integers(0, 2),
    st.integers(0, 3),
)
rounds = st.tuples(
    st.lists(batches, max_size=3),
    st.floats(1, PERIOD),
    st.sampled_from([None, None, None, 1, 2]),
    st.booleans(),
)


def run(trail: FakeTrail, batch: Batch) -> None:
    """One batch and its retries, whose segments overlap or are the same."""
    for retry in range(batch.retries + 1):
        numbers = range(batch.first, batch.first + max(1, batch.count - retry * batch.shorter))
        trail.write(numbers, where=f"shardId-000000000000-{batch.first}", ago=batch.ago)


def trail_of(story) -> FakeTrail:
    trail = FakeTrail(now=START + HOUR - 4 * PERIOD)
    for number, (written, seconds, at_most, hands_over) in enumerate(story, start=2):
        for batch in written:
            run(trail, batch)
            trail.wait(seconds / (len(written) + 1))
        trail.wait(seconds / (len(written) + 1))
        trail.notarise(at_most=at_most, next_key=key(number) if hands_over else None)
    return trail


@settings(max_examples=40, deadline=None)
@given(st.lists(rounds, min_size=1, max_size=25), st.data())
def test_no_false_alarm(story, data):
    trail = trail_of(story)
    for batch in data.draw(st.lists(batches, max_size=2)):  # not attested yet
        run(trail, batch)
    trail.wait(data.draw(st.floats(0, 2 * PERIOD - 0.001)))  # manifests say milliseconds
    signers = sorted({int(manifest.signing_key.arn.rpartition("/")[2]) for manifest in trail.manifests})

    result = trail.verify(by=key(data.draw(st.sampled_from(signers))))

    assert (0, []) == (result.verdict, result.findings)
    assert len(trail.segments()) == result.segments + result.pending


@settings(max_examples=40, deadline=None)
@given(st.lists(rounds, min_size=15, max_size=25), st.data())
def test_no_false_alarm_in_a_window_with_only_what_it_needs(story, data):
    trail = trail_of(story)
    times = st.floats(START, trail.now)
    since, until = sorted((data.draw(times), data.draw(times)))
    window = Window(now=trail.now, period_seconds=PERIOD, since=since, until=until)
    given_objects = needed(trail, window)
    signers = sorted(
        int(trail.manifests[number - 1].signing_key.arn.rpartition("/")[2])
        for number in filter(None, (manifest_number(one.key) for one in given_objects))
    )

    result = verify(given_objects, key(data.draw(st.sampled_from(signers))).public, window)

    assert (0, []) == (result.verdict, result.findings)


def needed(trail: FakeTrail, window: Window) -> list[TrailObject]:
    """What `verify` asks for, and nothing beyond it."""
    begun = {manifest.number: manifest.created_at / 1_000 for manifest in trail.manifests}
    early = [number for number, at in begun.items() if at <= window.first_hour - window.grace_seconds]
    first = max(early, default=1)
    return [
        one
        for one in trail.objects.values()
        if ((name := SegmentName.parse(one.key)) is not None and window.first_hour <= name.hour <= window.end)
        or first <= (manifest_number(one.key) or 0)
    ]
