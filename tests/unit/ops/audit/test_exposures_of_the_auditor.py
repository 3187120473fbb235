"""Exposures from the events of the real auditor and re-encryptor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ops.audit.exposure_events import exposures, in_order
from shared.policy.load import parse_policy
from shared.public_ids import is_withheld
from tests.fakes.finding_chain import FindingChain

POLICY = parse_policy(
    """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
""",
    "policy.toml",
)
CLEAR: dict[str, Any] = {"ssn": {"S": "a canary"}}
ROUNDS = 4


@pytest.fixture
def chain() -> Iterator[FindingChain]:
    chain = FindingChain(POLICY)
    yield chain
    chain.pool.shutdown()


@pytest.mark.parametrize("item_id", ["i-1", "ann@example.org"])
@pytest.mark.parametrize("named", [True, False], ids=["of a record", "past all doors"])
def test_what_was_sealed_in_its_place_has_ended_though_its_id_is_not_shown(chain, item_id, named):
    if named:
        chain.write(item_id, chain.sealed(item_id, CLEAR))
        chain.run(rounds=ROUNDS)
    chain.write(item_id, chain.items.get(("acme", item_id), {}) | CLEAR)
    (one,) = exposures(in_order(chain.run(rounds=ROUNDS)))
    assert (item_id != "i-1", "item.remediated") == (is_withheld(one.item_id), one.ended_by)
    assert one.written_at is not None
    assert ("ssn",) == one.places


def test_since_when_is_known_of_the_change_that_put_it_there_alone(chain):
    chain.write("i-1", CLEAR)
    chain.write("i-1", CLEAR | {"more": {"S": "a"}})
    first, second = (event for event in chain.run(rounds=ROUNDS) if event["event"] == "item.plaintext_found")
    assert ("begun", "continued") == (first["exposure"], second["exposure"])
    assert [None] == [one.written_at for one in exposures([second])]
