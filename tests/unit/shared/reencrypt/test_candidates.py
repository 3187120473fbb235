"""References of the findings queue, read as the items stand now."""

from __future__ import annotations

from shared.findings import ItemReference
from shared.model import VerdictKind
from shared.reencrypt.candidates import read_candidates
from shared.reencrypt.model import Candidate


def test_each_item_is_read_once_and_its_first_exposure_counts(world):
    for item_id in ("1", "2", "3"):
        world.table.write("acme", item_id, ssn={"S": "x"})
    references = [
        ItemReference("acme", item_id, reason, changed_at)
        for item_id, reason, changed_at in [
            ("2", VerdictKind.STALE, 1.0),
            ("1", VerdictKind.PLAINTEXT, 7.0),
            ("1", VerdictKind.MALFORMED, 5.0),
            ("1", VerdictKind.STALE, 2.0),
            ("gone", VerdictKind.PLAINTEXT, 3.0),
            ("3", VerdictKind.MALFORMED, 9.0),
        ]
    ]
    assert [
        Candidate(world.item("2"), None),
        Candidate(world.item("1"), 5.0),
        Candidate(world.item("3"), 9.0),
    ] == read_candidates(world.table, references)


def test_no_references_are_no_candidates(world):
    assert [] == read_candidates(world.table, [])
