"""What is asked of AWS about copies of the table; what does not answer is said and hides nothing else."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from ops.audit.copies import known_copies
from shared.aws.backups import Copy, DynamoItemsHistory, RecoveryWindow
from shared.aws.retention import ObjectDays
from shared.errors import SettingsError, StoreUnavailable

NAMES = {"SEALSTREAM_TABLE": "items", "SEALSTREAM_STREAM": "source", "SEALSTREAM_LANDING_BUCKET": "landing"}
ANSWERS = {
    "recovery_window": RecoveryWindow(5.0, 35),
    "backups": [Copy("backup", "b", 1.0, 1.0)],
    "recovery_points": [Copy("recovery point", "r", 2.0, 2.0)],
    "exports": [Copy("export", "e", 3.0, 3.0)],
    "stream_hours": 168,
    "object_days": ObjectDays(14, None),
}


@pytest.fixture
def answers(monkeypatch):
    """What AWS answers; an exception is raised."""
    answers: dict[str, Any] = {**ANSWERS, "item_count": 0}

    def stand_in(name):
        def answer(*_):
            given = answers[name]
            if isinstance(given, Exception):
                raise given
            return given

        return answer

    for name in ("recovery_window", "backups", "recovery_points", "exports", "item_count"):
        monkeypatch.setattr(DynamoItemsHistory, name, stand_in(name))
    for name in ("stream_hours", "object_days"):
        monkeypatch.setattr(f"ops.audit.copies.{name}", stand_in(name))
    monkeypatch.setattr("ops.audit.copies.client", lambda service: service)
    return answers


@pytest.mark.usefixtures("answers")
def test_all_places_are_asked():
    copies = known_copies(0.0, 10.0, NAMES)
    assert (RecoveryWindow(5.0, 35), ["b", "r", "e"], 168, ObjectDays(14, None), []) == (
        copies.window,
        [one.name for one in copies.copies],
        copies.stream_hours,
        copies.landing,
        copies.unknown,
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_what_does_not_answer_is_said_and_the_others_are_told(answers, name):
    answers[name] = StoreUnavailable(f"asking for {name}")
    copies = known_copies(0.0, 10.0, NAMES)
    told = [copies.window, *copies.copies, copies.stream_hours, copies.landing]
    assert ([f"asking for {name}"], 5) == (copies.unknown, sum(one is not None for one in told))


@pytest.mark.usefixtures("answers")
def test_a_table_that_had_the_items_before_may_have_it_for_ever_with_all_its_copies():
    own, others = (known_copies(0.0, 10.0, NAMES, other_tables=names).copies for names in ((), ["old"]))
    assert own == others[:3]
    assert [
        Copy("table", "old", -inf, inf),
        Copy("point-in-time recovery of", "old", -inf, inf),
        Copy("backup", "b", -inf, 1.0),
        Copy("recovery point", "r", -inf, 2.0),
        Copy("export", "e", -inf, 3.0),
    ] == others[3:]


def test_a_table_that_is_not_there_any_more_is_said_by_its_name(answers):
    answers["item_count"] = StoreUnavailable("asking for the size")
    copies = known_copies(0.0, 10.0, NAMES, other_tables=["old"])
    assert (["old: asking for the size"], 4) == (copies.unknown, len(copies.copies) - 3)


@pytest.mark.parametrize("missing", NAMES)
def test_a_name_that_is_missing_is_said(answers, missing):
    with pytest.raises(SettingsError, match=missing):
        known_copies(0.0, 10.0, {name: value for name, value in NAMES.items() if name != missing})
