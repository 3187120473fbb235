"""What a deployment may choose about its alarms and its dashboard, read from the CDK context."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from constructs import IConstruct

from infra import prices
from infra.context import ContextError, context_of

RUNBOOK: Final = "docs/runbook.md"

_EMAIL: Final = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
_PAGE: Final = re.compile(r"https://[^\s#()]+")


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The choices.

    Attributes:
        alarm_email: who is written to; "" where nobody is: subscribe whom you like to the topic.
        prices: by the names of `infra.prices`, US dollars.
        priced_as: where those are from, for the dashboard.
        runbook: where the runbook can be read that is deployed, for alarms and the dashboard.
    """

    alarm_email: str
    prices: Mapping[str, float]
    priced_as: str
    runbook: str

    @property
    def has_address(self) -> bool:
        """Whether a link can lead to the runbook from elsewhere: a path in this project is none."""
        return self.runbook != RUNBOOK

    def of_runbook(self, text: str, anchor: str = "") -> str:
        """The text in Markdown, as a link to a section of the runbook, or to the whole, where there can be one."""
        return f"[{text}]({self.runbook}{anchor and '#'}{anchor})" if self.has_address else text

    @classmethod
    def from_context(cls, scope: IConstruct) -> WatchSettings:
        """The choices of this synthesis; raises ContextError."""
        email, runbook = context_of(scope, {"alarm_email": "", "runbook_url": RUNBOOK}).values()
        if email and not _EMAIL.fullmatch(email):
            raise ContextError(f"context alarm_email: {email!r} is no address")
        if runbook != RUNBOOK and not _PAGE.fullmatch(runbook):
            raise ContextError(f"context runbook_url: {runbook!r} is no https://… URL of a page")
        own = _own_prices(scope.node.try_get_context("prices"))
        priced_as = f"list prices of us-east-1, {prices.AS_OF}" + (f", but {len(own)} of your own" if own else "")
        return cls(email, {**prices.LIST, **own}, priced_as, runbook)


def _own_prices(given: Any) -> dict[str, float]:
    """From cdk.json an object, from the command line its text."""
    try:
        own = json.loads(given) if isinstance(given, str) else given or {}
    except ValueError:
        own = None
    if not isinstance(own, dict):
        raise ContextError("context prices: no JSON object of prices by their names in infra/prices.py")
    for name, price in own.items():
        if name not in prices.LIST:
            raise ContextError(f"context prices: {name!r} is none of: {'; '.join(sorted(prices.LIST))}")
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < float("inf"):
            raise ContextError(f"context prices: that of {name!r} is no number from 0")
    return own
