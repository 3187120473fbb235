"""DynamoDB: a page of a scan costs about its own size.

Stock sorts, hashes and filters the whole table for each page, so a scan of 100,000 items in pages of 200 takes more
than a minute. Here each table's keys are kept in order, and stock's scan is run on a table of what the page can hold.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any, Final

from ministack.services import dynamodb

#: Beside the items in MiniStack's table; that it is of the table's present items is known by identity.
_ORDER: Final = "_key_order"


class _KeyOrder:
    """The keys of a table in the order in which MiniStack scans: by partition key, then by sort key, as text."""

    def __init__(self, items: Mapping[str, Mapping[str, Any]]) -> None:
        self.items = items
        self._hashes = sorted(items)
        self._ranges = {key: sorted(group) for key, group in items.items()}

    def add(self, hash_key: str, range_key: str) -> None:
        """A key that is not there yet."""
        if hash_key not in self._ranges:
            insort(self._hashes, hash_key)
            self._ranges[hash_key] = []
        insort(self._ranges[hash_key], range_key)

    def remove(self, hash_key: str, range_key: str) -> None:
        """A key that is there."""
        ranges = self._ranges[hash_key]
        del ranges[bisect_left(ranges, range_key)]
        if not ranges:
            del self._ranges[hash_key]
            del self._hashes[bisect_left(self._hashes, hash_key)]

    def after(self, start: tuple[str, str] | None, segment: int, segments: int) -> Iterator[tuple[str, str]]:
        """The segment's keys behind `start`, which need not be there itself."""
        for hash_key in self._hashes[bisect_left(self._hashes, start[0]) if start else 0 :]:
            if segments > 1 and _segment_of(hash_key, segments) != segment:
                continue
            ranges = self._ranges[hash_key]
            begin = bisect_right(ranges, start[1]) if start and start[0] == hash_key else 0
            for index in range(begin, len(ranges)):
                yield hash_key, ranges[index]


def apply() -> None:
    """Keep the order with each write, and scan along it."""
    _keep_order()
    stock = dynamodb._scan

    def scan(request: dict[str, Any]) -> Any:
        name = dynamodb._normalize_table_name(request.get("TableName"))
        table = dynamodb._tables.get(name)
        if not table or "IndexName" in request:
            return stock(request)
        try:
            page = _page(table, request)
        except (ValueError, TypeError, KeyError, AttributeError):  # a request that stock refuses, in AWS's words
            return stock(request)
        small = {**table, "items": page}
        return FunctionType(stock.__code__, {**vars(dynamodb), "_tables": {name: small}})(request)

    dynamodb._scan = scan


def _keep_order() -> None:
    stock_set, stock_remove = dynamodb._set_item, dynamodb._remove_item

    def set_item(table: dict[str, Any], hash_key: str, range_key: str, item: Any) -> Any:
        old = stock_set(table, hash_key, range_key, item)
        order = _known_order(table)
        if old is None and order:
            order.add(hash_key, range_key)
        return old

    def remove_item(table: dict[str, Any], hash_key: str, range_key: str) -> Any:
        old = stock_remove(table, hash_key, range_key)
        order = _known_order(table)
        if old is not None and order:
            order.remove(hash_key, range_key)
        return old

    dynamodb._set_item, dynamodb._remove_item = set_item, remove_item


def _known_order(table: Mapping[str, Any]) -> _KeyOrder | None:
    """The order of the table's present items; None before its first scan, and where all items were replaced."""
    order: _KeyOrder | None = table.get(_ORDER)
    return order if order and order.items is table["items"] else None


def _page(table: dict[str, Any], request: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a page can hold by its limit and by 1 MB, and something behind it, by which stock sees that more follows."""
    order = _known_order(table)
    if order is None:
        order = table[_ORDER] = _KeyOrder(table["items"])
    start = None
    if request.get("ExclusiveStartKey"):
        start = dynamodb._resolve_table_key_values(table, request["ExclusiveStartKey"], allow_extra=True)[:2]
    limit = int(request.get("Limit") or 0)
    page: dict[str, dict[str, Any]] = {}
    size = 0
    keys = order.after(start, int(request.get("Segment", 0)), int(request.get("TotalSegments", 1)))
    for count, (hash_key, range_key) in enumerate(keys, start=1):
        item = table["items"][hash_key][range_key]
        page.setdefault(hash_key, {})[range_key] = item
        size += dynamodb._item_size_bytes(item)
        if (limit and count > limit) or size > 2 * dynamodb._DDB_PAGE_SIZE_BYTES:
            break
    return page


def _segment_of(hash_key: str, segments: int) -> int:
    """As stock divides the table; like AWS, by partition key."""
    digest = hashlib.sha1(str(hash_key).encode("utf-8"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") % segments
