"""A copy of some hours: what it is asked for it tells as the bucket does, and beyond its hours it is not asked."""

from __future__ import annotations

import pytest

from ops.audit.exposures import show_exposures
from ops.audit.fetch import fetch
from ops.audit.folder import Folder
from ops.audit.proven import trail_of, window_written
from ops.audit.selection import Selection
from ops.audit.verify import Asked, verify, verify_trail, window_of
from ops.report.gather import Wanted, gather
from ops.report.report import TrailCheck
from shared.errors import RequestRefused
from shared.trail.findings import TrailVerdict
from tests.fakes.trail import key
from tests.unit.ops.audit.trail import HOUR, START
from tests.unit.ops.report.period import BEGUN, DAY, NOTARY_SECONDS, change, trail_in

END = START + 9 * DAY
DAYS = (START + DAY + 200, START + 2 * DAY)
"""They begin in the first minutes of an hour: what was written shortly before is in the hour before."""


def day(number: int) -> float:
    return START + number * DAY


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A change in each three hours of nine days."""
    folder = tmp_path_factory.mktemp("whole") / "trail"
    changes = [change("item.written", START + at * 3 * HOUR, "verified", f"customer-{at}") for at in range(72)]
    found = change("item.plaintext_found", START + 6 * DAY + 100, "plaintext", "clear-1", **BEGUN)
    trail_in(folder, [*changes, found], until=END)
    return folder


@pytest.fixture
def pem(bucket):
    return bucket.parent / "key.pem"


@pytest.fixture
def part(bucket, tmp_path):
    copied(bucket, tmp_path / "part", *DAYS)
    return tmp_path / "part"


def copied(bucket, part, since, until):
    """What `audit fetch` copies with these times."""
    window = window_written(Asked(since, until, period_seconds=NOTARY_SECONDS), END)
    assert 0 == fetch(Folder(bucket), part, window, as_json=True)


def of(part, pem, since, until):
    return gather(Wanted(since, until, part, pem, NOTARY_SECONDS), END)


def asked(part, pem, since, until):
    return Asked(since, until, part, pem, NOTARY_SECONDS)


def test_of_its_hours_it_tells_what_the_bucket_tells(bucket, part, pem):
    assert len([*part.rglob("*.gz")]) < len([*bucket.rglob("*.gz")])
    window = window_of(asked(part, pem, *DAYS), now=END)
    assert TrailVerdict.INTACT == verify_trail(Folder(part), key(1).public, window).verdict

    report, whole = of(part, pem, *DAYS), of(bucket, pem, *DAYS)
    assert isinstance(report.trail, TrailCheck)
    assert ([], whole.tally) == (report.trail.result.findings, report.tally)
    assert report.is_complete
    told = trail_of(asked(part, pem, *DAYS), END)
    assert whole.tally.events == len([*told.events(*DAYS)])
    assert told.is_complete


@pytest.mark.parametrize("days", [(0, 1), (1, 4), (1, None), (5, 6)])
@pytest.mark.parametrize("has_key", [True, False])
def test_beyond_its_hours_it_is_not_read(part, pem, days, has_key):
    """What was not copied is no tampering, and nothing that did not happen."""
    span = tuple(None if one is None else day(one) for one in days)
    given = pem if has_key else None
    refused = "the copy has what was written 2026-01-01T23:00:00Z to 2026-01-05T01:00:00Z, and this needs "
    with pytest.raises(RequestRefused, match=refused):
        of(part, given, *span)
    with pytest.raises(RequestRefused, match=refused):
        trail_of(asked(part, given, *span), END)


@pytest.mark.parametrize("days", [(None, None), (0, 1), (1, None)])
def test_nor_is_it_verified_beyond(part, pem, days):
    since, until = (None if one is None else day(one) for one in days)
    with pytest.raises(RequestRefused, match="the copy has what was written"):
        verify(asked(part, pem, since, until), as_json=True)


def test_what_became_of_an_exposure_is_asked_for_up_to_when_the_copy_was_made(bucket, tmp_path, pem, capsys):
    part, span = tmp_path / "part", (day(6), day(6) + HOUR)
    copied(bucket, part, *span)
    with pytest.raises(RequestRefused, match="copies the rest"):
        of(part, pem, *span)
    with pytest.raises(RequestRefused, match="copies the rest"):
        trail_of(asked(part, pem, *span), END, up_to_now=True)
    copied(bucket, part, day(6), None)
    assert 1 == len(of(part, pem, *span).open_exposures)
    trail = trail_of(asked(part, pem, *span), END, up_to_now=True)
    assert 1 == show_exposures(trail, Selection(), *span, is_copy=True, wall=lambda: END)
    assert "clear-1" in capsys.readouterr().out


def test_a_copy_that_does_not_say_its_hours_is_read_as_all_of_it(bucket, pem):
    assert Folder(bucket).hours() is None
    assert of(bucket, pem, day(0), None).is_complete
