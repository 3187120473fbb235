"""moto knows `begins_with` of text alone; here it knows it of binary values too, as DynamoDB does."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from moto.dynamodb.comparisons import FuncBeginsWith

_PREFIXED = frozenset({"S", "B"})


def begins_with_binary() -> AbstractContextManager[Any]:
    """Within this, a lane of source positions is one on moto as well."""
    return patch.object(FuncBeginsWith, "expr", _begins_with)


def _begins_with(self: Any, item: Any) -> bool:
    kind = self.attr.get_type(item)
    if kind != self.substr.get_type(item) or kind not in _PREFIXED:
        return False
    return bool(self.attr.expr(item).startswith(self.substr.expr(item)))
