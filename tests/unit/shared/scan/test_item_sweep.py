"""A sweep has the re-encryptor mend every item that needs it, and counts what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from shared.model import Attributes
from shared.reencrypt.model import Candidate, Fate, Mended
from shared.runs.model import Example
from shared.scan.item_sweep import PAUSES_SECONDS, ItemSweep


class Mender:
    """Gives each item the fate that stands in it, or the next of them."""

    def __init__(self, fates: dict[str, list[Fate]]) -> None:
        self.fates = fates
        self.asked: list[tuple[list[str], bool]] = []

    def mend(self, candidates: Sequence[Candidate], *, adopting: bool = False) -> list[Mended]:
        self.asked.append(([one.image["item_id"]["S"] for one in candidates], adopting))
        return [self._mended(one.image) for one in candidates]

    def _mended(self, image: Attributes) -> Mended:
        item_id = image["item_id"]["S"]
        fates = self.fates[item_id]
        fate = fates.pop(0) if len(fates) > 1 else fates[0]
        values = 2 if fate is Fate.MENDED else 0
        why = (Example("acme", item_id, "ssn", "denied"),) if fate in {Fate.LEFT, Fate.RETRY} else ()
        return Mended("acme", item_id, fate, reencrypted_values=values, sealed_values=values // 2, examples=why)


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def sweep(slept: list[float]) -> Callable[..., Any]:
    def sweep(fates: dict[str, list[Fate]], *, adopting: bool = False) -> Any:
        mender: Any = Mender(fates)
        visitor = ItemSweep(mender, adopting=adopting, sleep=slept.append)
        return visitor.visit([{"tenant_id": {"S": "acme"}, "item_id": {"S": one}} for one in fates]), mender.asked

    return sweep


def test_items_are_counted_by_what_became_of_them(sweep, slept):
    tally, asked = sweep({"1": [Fate.CLEAN], "2": [Fate.MENDED], "3": [Fate.LEFT], "4": [Fate.MENDED]})

    assert {"visited": 4, "mended": 2, "left": 1, "reencrypted_values": 4, "sealed_values": 2} == tally.counts
    assert (Example("acme", "3", "ssn", "denied"),) == tally.examples
    assert [(["1", "2", "3", "4"], False)] == asked
    assert [] == slept


@pytest.mark.parametrize("adopting", [True, False])
def test_an_adoption_says_so(sweep, adopting):
    _, asked = sweep({"1": [Fate.RETRY]}, adopting=adopting)
    assert {adopting} == {said for _, said in asked}


def test_what_met_an_outage_is_tried_again_after_a_pause_and_nothing_else_is(sweep, slept):
    tally, asked = sweep(
        {"1": [Fate.RETRY, Fate.MENDED], "2": [Fate.MENDED], "3": [Fate.RETRY, Fate.RETRY, Fate.CLEAN]}
    )

    assert {"visited": 3, "mended": 2, "reencrypted_values": 4, "sealed_values": 2} == tally.counts
    assert tally.examples == ()
    assert [["1", "2", "3"], ["1", "3"], ["3"]] == [ids for ids, _ in asked]
    assert list(PAUSES_SECONDS) == slept


def test_what_meets_an_outage_every_time_is_counted_and_the_sweep_goes_on(sweep, slept):
    tally, asked = sweep({"1": [Fate.RETRY], "2": [Fate.CLEAN]})

    assert {"visited": 2, "retry": 1} == tally.counts
    assert (Example("acme", "1", "ssn", "denied"),) == tally.examples
    assert 1 + len(PAUSES_SECONDS) == len(asked)


def test_an_empty_page_is_nothing(sweep):
    assert sweep({})[0].counts == {}
