"""Which places may still hold what stood in clear, and until when."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from ops.audit.exposure import Exposure, Source
from ops.audit.holders import CLOCKS_DIFFER_SECONDS, Copies, Holder, holders
from shared.aws.backups import Copy, RecoveryWindow
from tests.unit.ops.audit.trail import HOUR, START

DAY = 24 * HOUR
WRITTEN, SEALED = START, START + 100
SOURCES = (Source("495", 0, WRITTEN), Source("496", 0, WRITTEN + 50))
SEALED_ONE = Exposure("acme", "i-1", ("name",), "e", WRITTEN, WRITTEN, "insert", SOURCES, SEALED, "item.remediated")
OPEN_ONE = replace(SEALED_ONE, ended_at=None, ended_by="")
STANDING_ONE = replace(SEALED_ONE, written_at=None, change="standing", found_at=START + 50, sources=())
STREAM = Holder("the table's stream", "24 hours after it is sealed or removed", SEALED + DAY)


def snapshot(at, gone_at=None):
    return Copy("backup", "arn", at, at, gone_at)


def kept(exposure, now=SEALED, **copies):
    return {one.what: one.until for one in holders(exposure, Copies(**copies), now)}


def test_the_tables_stream_has_it_for_a_day_after_its_end():
    assert [STREAM] == holders(SEALED_ONE, Copies(), SEALED + DAY - 1)
    assert [] == holders(SEALED_ONE, Copies(), SEALED + DAY)


def test_what_is_open_is_in_the_table_and_nobody_knows_until_when():
    window = RecoveryWindow(START - DAY, 35)
    assert {"the items table": None, "the table's stream": None, "point-in-time recovery": None} == kept(
        OPEN_ONE, window=window, now=START + 1_000 * DAY
    )


@pytest.mark.parametrize(
    ("window", "until"),
    [
        (RecoveryWindow(START - DAY, 35), SEALED + 35 * DAY),
        (RecoveryWindow(SEALED, 7), SEALED + 7 * DAY),
        (RecoveryWindow(SEALED + CLOCKS_DIFFER_SECONDS, 35), None),
        (None, None),
    ],
    ids=["from before", "from its very end", "from later", "off"],
)
def test_point_in_time_recovery_has_it_if_it_reaches_back_before_its_end(window, until):
    assert until == kept(SEALED_ONE, window=window).get("point-in-time recovery")


@pytest.mark.parametrize(
    ("exposure", "at", "has_it"),
    [
        (SEALED_ONE, WRITTEN - CLOCKS_DIFFER_SECONDS - 1, False),
        (SEALED_ONE, WRITTEN - CLOCKS_DIFFER_SECONDS, True),
        (SEALED_ONE, WRITTEN + 50, True),
        (SEALED_ONE, SEALED + CLOCKS_DIFFER_SECONDS, True),
        (SEALED_ONE, SEALED + CLOCKS_DIFFER_SECONDS + 1, False),
        (OPEN_ONE, SEALED + DAY, True),
        (STANDING_ONE, WRITTEN - 100 * DAY, True),
        (STANDING_ONE, SEALED + DAY, False),
    ],
)
def test_a_backup_has_it_if_it_was_made_while_it_stood(exposure, at, has_it):
    assert has_it == ("backup arn" in kept(exposure, copies=[snapshot(at)]))


def test_a_backup_has_it_until_it_expires_or_is_deleted():
    made = WRITTEN + 1
    assert SEALED + DAY == kept(SEALED_ONE, copies=[snapshot(made, SEALED + DAY)])["backup arn"]
    assert None is kept(SEALED_ONE, copies=[snapshot(made)], now=SEALED + 1_000 * DAY)["backup arn"]


def test_a_copy_that_should_be_gone_and_is_listed_has_it_still():
    copies = Copies(copies=[snapshot(WRITTEN + 1, SEALED + DAY)])
    (overdue,) = holders(SEALED_ONE, copies, SEALED + DAY)
    rule = "it should have expired at 2026-01-02T00:01:40Z, and is still listed"
    assert Holder("backup arn", rule) == overdue


def test_another_table_that_had_the_items_has_it_whenever_it_was_sealed_in_this_one():
    copies = [Copy("table", "old", -inf, inf), Copy("backup", "early", -inf, WRITTEN - DAY)]
    assert {"table old"} == kept(SEALED_ONE, copies=copies, now=SEALED + 1_000 * DAY).keys()


@pytest.mark.parametrize(
    ("since", "until", "has_it"), [(-500, -200, False), (-500, 10, True), (90, 500, True), (200, 500, False)]
)
def test_an_incremental_export_has_it_if_it_tells_of_changes_of_that_time(since, until, has_it):
    export = Copy("export", "s3://b/p", START + since, START + until)
    assert has_it == ("export s3://b/p" in kept(SEALED_ONE, copies=[export]))


def test_each_record_that_the_item_named_is_in_the_source_stream_for_its_retention():
    in_stream = {"the source stream, record 495": WRITTEN, "the source stream, record 496": WRITTEN + 50}
    found = kept(SEALED_ONE, stream_hours=168)
    assert {what: at + 168 * HOUR for what, at in in_stream.items()} == {what: found[what] for what in in_stream}
    assert {*in_stream} - {*kept(SEALED_ONE, WRITTEN + 168 * HOUR + 1, stream_hours=168)} == {min(in_stream)}
    assert {"the table's stream"} == kept(replace(SEALED_ONE, sources=()), stream_hours=168).keys()
    assert {"the table's stream"} == kept(SEALED_ONE).keys()


def test_a_program_gets_rule_and_time():
    assert {"what": STREAM.what, "rule": STREAM.rule, "until": "2026-01-02T00:01:40Z"} == STREAM.document()
