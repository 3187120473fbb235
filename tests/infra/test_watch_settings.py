"""What a deployment may choose about alarms and the dashboard, and that anything else ends the synthesis."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from infra import prices
from infra.context import ContextError
from infra.watch_settings import RUNBOOK, WatchSettings


def settings(**context: object) -> WatchSettings:
    return WatchSettings.from_context(SimpleNamespace(node=SimpleNamespace(try_get_context=context.get)))


def test_without_a_context_nobody_is_written_to_and_prices_are_those_of_the_list():
    default = settings()

    assert ("", prices.LIST) == (default.alarm_email, default.prices)
    assert f"list prices of us-east-1, {prices.AS_OF}" == default.priced_as


@pytest.mark.parametrize("given", ["oncall", "a@b", "a@b.c, d@e.f", "a b@c.d", "a@b@c.d"])
def test_what_is_no_address_ends_the_synthesis(given):
    with pytest.raises(ContextError, match="context alarm_email"):
        settings(alarm_email=given)


@pytest.mark.parametrize("given", [{"KMS request": 3.6}, '{"KMS request": 3.6}'], ids=["cdk.json", "command line"])
def test_a_price_of_your_own_takes_the_place_of_the_lists_and_is_told(given):
    own = settings(prices=given)

    assert {**prices.LIST, "KMS request": 3.6} == own.prices
    assert own.priced_as.endswith("but 1 of your own")


@pytest.mark.parametrize(
    "given", ["3.6", "[1]", "{", {"KMS": 3}, {"KMS request": "3"}, {"KMS request": -1}, {"KMS request": True}], ids=str
)
def test_what_is_no_price_ends_the_synthesis(given):
    with pytest.raises(ContextError, match="context prices"):
        settings(prices=given)


def test_the_runbook_may_be_read_elsewhere():
    page = "https://git.example/acme/sealstream/blob/main/docs/runbook.md"

    assert (RUNBOOK, page) == (settings().runbook, settings(runbook_url=page).runbook)


@pytest.mark.parametrize(
    "given", ["runbook.md", "http://x.example/r", "https://x.example/r#a", "https://x.example/a b"]
)
def test_a_runbook_that_no_link_leads_to_ends_the_synthesis(given):
    with pytest.raises(ContextError, match="context runbook_url"):
        settings(runbook_url=given)
