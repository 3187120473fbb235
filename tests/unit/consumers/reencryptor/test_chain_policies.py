"""What the policy of its time kept plain is no exposure, whatever else is found in an item; what is one stays one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.findings import ItemReference
from shared.model import VerdictKind
from shared.policy.load import parse_policy
from shared.source_position import kinesis_position
from tests.fakes.finding_chain import TENANT, FindingChain

SOURCE_TEXT = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[classes.pci]
[attributes]
"""
POLICY = parse_policy(SOURCE_TEXT + '"card" = { seal = "pci" }\n"profile" = { seal = "pii" }\n', "policy.toml")
OLDER = parse_policy(
    SOURCE_TEXT
    + '"card" = { plain = "string" }\n"profile.city" = { plain = "string" }\n"profile.ssn" = { seal = "pii" }\n',
    "older.toml",
)
TEXT = {"S": "a canary"}
RECORD: dict[str, Any] = {"card": TEXT, "profile": {"M": {"city": TEXT, "ssn": TEXT}}}
NEXT_PLACE = {"B": kinesis_position(b"key", "2", 0).to_bytes()}
ROUNDS = 4
HOUR = 3_600


@pytest.fixture
def chain() -> Iterator[FindingChain]:
    chain = FindingChain(POLICY)
    chain.clock.advance(-10)
    chain.publish(OLDER)
    chain.clock.advance(10)
    yield chain
    chain.pool.shutdown()


def told(events):
    return [event["event"] for event in events]


def unseen(chain, item):
    """An item that was written before the auditor looked, and whose findings nobody worked off."""
    chain.write("one", item)
    chain.items.take_records()
    chain.clock.advance(2 * HOUR)
    return chain.items[TENANT, "one"]


def damaged(item):
    raw = item["profile"]["M"]["ssn"]["B"]
    spoiled = {"ssn": {"B": raw[:-1] + bytes([raw[-1] ^ 1])}}
    return item | {"profile": {"M": item["profile"]["M"] | spoiled}}


def test_while_something_in_clear_is_left_the_item_keeps_the_policy_that_allowed_it(chain):
    item = damaged(chain.sealed("one", RECORD, policy=OLDER))
    chain.write("one", item)
    events = chain.run(rounds=ROUNDS)
    mended = chain.items[TENANT, "one"]
    assert ["item.stale", "item.stale"] == told(events)
    assert ({"B"}, item["profile"], {"B": OLDER.digest}) == (
        mended["card"].keys(),
        mended["profile"],
        mended["_policy"],
    )

    chain.clock.advance(2 * HOUR)
    chain.write("one", mended | {"_src": NEXT_PLACE})
    assert ["item.stale"] == told(chain.run(rounds=ROUNDS))[2:], "at any time"


def test_what_a_corrupt_key_row_had_kept_in_clear_is_reencrypted_once_that_is_mended(chain):
    chain.write("one", chain.sealed("one", RECORD, policy=OLDER))
    key_id = chain.store.active_key_id(TENANT, "pii")
    row = chain.store.rows(TENANT, [key_id])[key_id]
    chain.store.put_row(replace(row, kms_key_arn="arn:aws:kms:eu-central-1:1:key/other"))
    assert ["item.stale", "item.stale"] == told(chain.run(rounds=ROUNDS))
    assert ["retry"] == chain.fates[:1]

    chain.store.put_row(row)
    chain.clock.advance(2 * HOUR)
    chain.write("one", chain.items[TENANT, "one"] | {"_src": NEXT_PLACE})
    assert ["item.stale", "item.reencrypted"] == told(chain.run(rounds=ROUNDS))[2:]
    assert chain.opened("one") == RECORD


def test_something_else_that_is_malformed_makes_no_exposure_of_it(chain):
    """Such as an older version put back; the finding says nothing of since when something is open."""
    item = unseen(chain, chain.sealed("one", RECORD, policy=OLDER))
    chain.write("one", item | {"_src": {"B": kinesis_position(b"key", "0", 0).to_bytes()}})
    events = chain.run(rounds=ROUNDS)
    assert ["item.malformed", "item.reencrypted"] == told(events)
    assert "_open_since" not in chain.items[TENANT, "one"]


def test_a_finding_about_what_stood_there_before_makes_no_exposure_of_it(chain):
    found_at = chain.clock.wall()
    unseen(chain, chain.sealed("one", RECORD, policy=OLDER))
    chain.queue.send([ItemReference(TENANT, "one", VerdictKind.PLAINTEXT, found_at)])
    assert ["item.reencrypted"] == told(chain.run(rounds=ROUNDS))


def test_who_claims_a_policy_whose_time_is_over_exposes_and_is_remediated(chain):
    chain.clock.advance(2 * HOUR)
    chain.write("one", chain.sealed("one", RECORD, policy=OLDER))
    events = chain.run(rounds=ROUNDS)
    assert ["item.plaintext_found", "item.remediated"] == told(events)
    assert 1 == events[1]["open_seconds"]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"M": {"a": TEXT}}, {"M": {"a": TEXT, "b": TEXT}}),
        (TEXT, {"S": "another canary"}),
        ({"L": [TEXT, {"N": "1"}]}, {"L": [{"N": "1"}, TEXT]}),
    ],
)
def test_how_long_lay_open_what_was_changed_in_clear_is_not_understated(chain, before, now):
    """What it had held since when nobody had seen."""
    item = unseen(chain, chain.sealed("one", {"card": TEXT}) | {"odd": before})
    chain.write("one", item | {"odd": now, "_src": NEXT_PLACE})
    events = chain.run(rounds=ROUNDS)
    assert ["item.plaintext_found", "item.remediated"] == told(events)
    assert "open_seconds" not in events[1]
