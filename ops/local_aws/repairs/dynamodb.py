"""DynamoDB: what its stream carries, how operands of another type compare, and text that is no UTF-8."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from ministack import app
from ministack.core import responses
from ministack.services import dynamodb, dynamodb_streams

_SWEEP_EVERY_SECONDS: Final = 2
_FIVE_YEARS_SECONDS: Final = 5 * 365 * 86_400
_STOCK_REAPER: Final = "dynamodb-ttl-reaper"  # the thread that deletes without a stream record
_DELETED_BY_TTL: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}

_expiring: ContextVar[bool] = ContextVar("expiring", default=False)
_log = logging.getLogger(__name__)


def apply() -> None:
    """Replace the functions, and start expiring items."""
    _no_record_without_a_change()
    _compare_other_types_as_unequal()
    _replace_lone_surrogates()
    _expire_items()


def _no_record_without_a_change() -> None:
    """AWS: a write that changes nothing emits no stream record, also where it spells a set in another order."""
    stock = dynamodb._emit_stream_event

    def emit(table: str, event: str, old: Any, new: Any, *rest: Any, **options: Any) -> None:
        if event == "MODIFY" and dynamodb._ddb_equals({"M": old}, {"M": new}):
            old = new  # which stock does see
        stock(table, event, old, new, *rest, **options)

    dynamodb._emit_stream_event = emit


def _compare_other_types_as_unequal() -> None:
    """AWS: `begins_with` on an attribute of another type is false, so the condition fails.

    Stock answers a validation error, which only an operand that is neither string nor binary deserves.
    """
    stock = dynamodb._ExprEval._fn_begins_with

    def begins_with(self: Any) -> bool:
        start = self.pos
        try:
            return bool(stock(self))
        except ValueError:
            self.pos = start + 2  # past the name and its parenthesis
            self._parse_path()
            self.expect("COMMA")
            operand = self._operand()
            self.expect("RPAREN")
            if not isinstance(operand, dict) or not operand.keys() & {"S", "B"}:
                raise
            return False

    dynamodb._ExprEval._fn_begins_with = begins_with


def _replace_lone_surrogates() -> None:
    """AWS: a lone surrogate, which JSON can write and UTF-8 cannot, is read as `?`; stock answers 500."""
    stock = dynamodb.handle_request

    async def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if body and b"\\ud" in body.lower():
            with contextlib.suppress(ValueError):  # not JSON: stock says so
                body = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", errors="replace")
        return await stock(method, path, headers, body, query)

    dynamodb.handle_request = handle


def _expire_items() -> None:
    """AWS: time to live deletes appear on the stream, by `dynamodb.amazonaws.com`; stock deletes without a record.

    AWS deletes within days, here within seconds. A value more than five years old is left alone, as on AWS.
    """
    stock = dynamodb._remove_item

    def remove(table: Any, hash_value: Any, range_value: Any) -> Any:
        if threading.current_thread().name == _STOCK_REAPER:
            return None
        return stock(table, hash_value, range_value)

    dynamodb._remove_item = remove
    stock_record = dynamodb._build_change_record

    def record(*arguments: Any, **options: Any) -> dict[str, Any]:
        built: dict[str, Any] = stock_record(*arguments, **options)
        return {**built, "userIdentity": _DELETED_BY_TTL} if _expiring.get() else built

    dynamodb._build_change_record = record
    stock_page = dynamodb_streams._cap_page_bytes

    def page(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # An event source mapping hands the record on as it is stored; GetRecords capitalises this one member's names.
        return [
            {**r, "userIdentity": {"Type": "Service", "PrincipalId": r["userIdentity"]["principalId"]}}
            if "userIdentity" in r
            else r
            for r in stock_page(records)
        ]

    dynamodb_streams._cap_page_bytes = page
    threading.Thread(target=_sweep_forever, daemon=True, name="time-to-live").start()


def _sweep_forever() -> None:
    while True:
        time.sleep(_SWEEP_EVERY_SECONDS)
        if app._MAIN_LOOP is not None:
            # In the loop that serves requests, so that no write comes between.
            asyncio.run_coroutine_threadsafe(_sweep(), app._MAIN_LOOP).result()


async def _sweep() -> None:
    now = time.time()
    for (account, region, name), setting in list(dynamodb._ttl_settings.all_items()):
        if setting.get("TimeToLiveStatus") != "ENABLED":
            continue
        account_token = responses._request_account_id.set(account)
        region_token = responses._request_region.set(region)
        try:
            table = dynamodb._tables.get(name)
            for hash_value, range_value, item in list(_expired(table, setting["AttributeName"], now) if table else []):
                _expire(name, table, hash_value, range_value, item)
        except Exception:  # noqa: BLE001 - one table's trouble must not end the expiry of all others
            _log.exception("expiring items of %s", name)
        finally:
            responses._request_account_id.reset(account_token)
            responses._request_region.reset(region_token)


def _expired(table: Any, attribute: str, now: float) -> Iterator[tuple[Any, Any, Any]]:
    for hash_value, group in table["items"].items():
        for range_value, item in group.items():
            value = item.get(attribute, {}).get("N")
            if value is not None and now - _FIVE_YEARS_SECONDS < float(value) <= now:
                yield hash_value, range_value, item


def _expire(name: str, table: Any, hash_value: Any, range_value: Any, item: Any) -> None:
    token = _expiring.set(True)
    try:
        dynamodb._remove_item(table, hash_value, range_value)
        dynamodb._emit_stream_event(name, "REMOVE", item, None)
    finally:
        _expiring.reset(token)
