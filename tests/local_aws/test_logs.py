"""CloudWatch Logs: paging through what a log group holds."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import LocalAws, unique

NOW = int(time.time() * 1000)


def make_group(aws: LocalAws, **streams: list[tuple[int, str]]) -> str:
    logs, group = aws.client("logs"), unique("group")
    logs.create_log_group(logGroupName=group)
    for stream, events in streams.items():
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        for start in range(0, len(events), 10_000):
            page = [{"timestamp": NOW + at, "message": text} for at, text in events[start : start + 10_000]]
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=page)
    return group


def pages(aws: LocalAws, group: str, **options: Any) -> list[list[str]]:
    paginator = aws.client("logs").get_paginator("filter_log_events")
    found = paginator.paginate(logGroupName=group, **options)
    return [[event["message"] for event in page["events"]] for page in found]


def test_all_events_are_found_past_the_first_ten_thousand(local_aws: LocalAws) -> None:
    group = make_group(local_aws, one=[(index // 4000, str(index)) for index in range(12_345)])
    first, second = pages(local_aws, group)
    assert (10_000, 2_345) == (len(first), len(second))
    assert [str(index) for index in range(12_345)] == first + second


def test_pages_divide_events_of_one_moment(local_aws: LocalAws) -> None:
    group = make_group(local_aws, a=[(0, "a1"), (0, "a2"), (1, "a3")], b=[(0, "b1"), (2, "b2"), (2, "b3")])
    assert [["a1", "a2"], ["b1", "a3"], ["b2", "b3"]] == pages(local_aws, group, PaginationConfig={"PageSize": 2})


def test_a_page_counts_what_passes_the_filter(local_aws: LocalAws) -> None:
    group = make_group(local_aws, one=[(index, f"{'odd' if index % 2 else 'even'} {index}") for index in range(10)])
    found = pages(local_aws, group, filterPattern="odd", startTime=NOW + 2, PaginationConfig={"PageSize": 3})
    assert [["odd 3", "odd 5", "odd 7"], ["odd 9"]] == found


def test_an_invalid_token_is_refused(local_aws: LocalAws) -> None:
    group = make_group(local_aws)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        local_aws.client("logs").filter_log_events(logGroupName=group, nextToken="x")
