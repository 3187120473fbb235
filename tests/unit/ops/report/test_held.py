"""The quarantine as it is now."""

from __future__ import annotations

from ops.quarantine.index import Entry
from ops.report.held import held


def entry(number: int, state: str, reason: str = "not_json", **fields) -> Entry:
    return Entry(f"{number:032x}", state=state, reason=reason, **fields)


def test_records_are_counted_by_reason_and_state():
    now = held(
        [
            entry(1, "held", record_count=2, arrived_at=9.0),
            entry(2, "held", record_count=1, arrived_at=5.0),
            entry(3, "discarded", "item_too_large", record_count=7, arrived_at=1.0),
            entry(4, "held", record_count=1),
        ]
    )
    assert {("not_json", "held"): 4, ("item_too_large", "discarded"): 7} == now.records
    assert ({"held": 3, "discarded": 1}, 4, 5.0) == (now.entries, now.records_held, now.oldest_at)
    assert ["item_too_large", "not_json"] == now.reasons


def test_nothing_is_held():
    assert (0, None, []) == ((now := held([])).records_held, now.oldest_at, now.reasons)
