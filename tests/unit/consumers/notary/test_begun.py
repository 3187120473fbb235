"""Which time a manifest says that its list was begun at."""

from __future__ import annotations

from collections.abc import Iterator

from shared.aws.audit_bucket import Listed
from shared.trail.segments import PREFIX
from tests.fakes.notary import NotaryAtWork


def test_a_list_was_begun_before_anything_was_listed_however_long_that_takes(monkeypatch):
    """What is written meanwhile may not be in it, and nobody may call it foreign for that."""
    work = NotaryAtWork()
    began = work.trail.now
    list_all = work.bucket.listed

    def slowly(prefix: str, start_after: str = "") -> Iterator[Listed]:
        listed = list(list_all(prefix, start_after))
        if prefix.startswith(PREFIX) and not start_after:
            work.trail.wait(90)
        return iter(listed)

    monkeypatch.setattr(work.bucket, "listed", slowly)
    work.trail.write([1])
    work.run()

    assert (began, began + 90) == (work.manifests[0].created_at / 1_000, work.trail.now)
