"""CloudWatch Logs: FilterLogEvents goes on where its last page ended."""

from __future__ import annotations

import base64
import heapq
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs

_MOST_EVENTS: Final = 10_000
_at = itemgetter("timestamp")


def apply() -> None:
    """AWS: a page holds up to 10,000 events, and its token leads to the next one; stock ends after the first."""
    cloudwatch_logs._filter_log_events = _filter_log_events


def _filter_log_events(request: Mapping[str, Any]) -> Any:
    group = cloudwatch_logs._log_groups.get(cloudwatch_logs._resolve_log_group_name(request))
    if group is None:
        name = cloudwatch_logs._resolve_log_group_name(request)
        return error_response_json("ResourceNotFoundException", f"The specified log group does not exist: {name}", 400)
    try:
        begin, skipped = _place(request)
    except ValueError:
        return error_response_json("InvalidParameterException", "The specified nextToken is invalid.", 400)
    matches = cloudwatch_logs._compile_filter_pattern(request.get("filterPattern", ""))
    limit = min(request.get("limit", _MOST_EVENTS), _MOST_EVENTS)
    page: list[Mapping[str, Any]] = []
    moment, looked_at = begin, 0  # how many events of this timestamp are done with
    for event in _events(group, request.get("logStreamNames"), begin, request.get("endTime")):
        moment, looked_at = event["timestamp"], looked_at + 1 if event["timestamp"] == moment else 1
        if (moment, looked_at) <= (begin, skipped) or not matches(event["message"]):
            continue
        if len(page) == limit:
            return json_response({"events": page, "searchedLogStreams": [], "nextToken": _token(moment, looked_at - 1)})
        page.append(event)
    return json_response({"events": page, "searchedLogStreams": []})


def _events(
    group: Mapping[str, Any], names: list[str] | None, begin: int, end: int | None
) -> Iterator[Mapping[str, Any]]:
    """What the group's streams hold in this time, oldest first; of equal age, the stream of the lower name first."""
    found = []
    with cloudwatch_logs._log_events_lock:
        for name in sorted(names or group["streams"]):
            history = group["streams"].get(name, {}).get("events", [])
            last = len(history) if end is None else bisect_right(history, end, key=_at)
            found.append(_named(history[bisect_left(history, begin, key=_at) : last], name))
    return heapq.merge(*found, key=_at)


def _named(events: Sequence[Mapping[str, Any]], stream: str) -> Iterator[Mapping[str, Any]]:
    return ({**event, "logStreamName": stream} for event in events)


def _place(request: Mapping[str, Any]) -> tuple[int, int]:
    """The timestamp at which this page begins, and how many of its events are done with."""
    if "nextToken" not in request:
        return request.get("startTime") or 0, 0
    moment, skipped = json.loads(base64.urlsafe_b64decode(request["nextToken"].encode()))
    return int(moment), int(skipped)


def _token(moment: int, looked_at: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([moment, looked_at]).encode()).decode("ascii")
