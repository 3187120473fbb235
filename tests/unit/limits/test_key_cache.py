"""More tenants than a process has room for keys, on a small scale; `make bench` has the large one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest

from bench.limits.key_cache import Arrivals, Draw, Keys, asked_of_aws, uniform, zipf
from tests.fakes.inline_executor import InlineExecutor

TENANTS = 400


Asked = Callable[[str, int, int], dict[str, Any]]


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    """What is asked for by a process that has room for so many keys, where so many tenants send like this."""
    keys = Keys(TENANTS)
    draws: dict[str, Callable[[int], Draw]] = {"uniform": uniform, "zipf": zipf}

    @cache
    def measured(name: str, tenants: int, max_keys: int) -> dict[str, Any]:
        arrivals = Arrivals(name, tenants, draws[name](tenants))
        return asked_of_aws(keys, arrivals, max_keys=max_keys, records_per_second=6)

    with patch("shared.keys.keyring.ThreadPoolExecutor", lambda *_, **__: InlineExecutor()):
        yield measured


@pytest.mark.parametrize("name", ["uniform", "zipf"])
def test_a_miss_costs_one_call_of_kms_and_two_reads_and_room_for_all_leaves_only_age(asked, name):
    small, large = (asked(name, TENANTS, size) for size in (40, TENANTS))

    for one in (small, large):
        assert one["key_store_reads_per_1000"] == pytest.approx(2 * one["kms_calls_per_1000"], abs=1)
    assert 0 < large["kms_calls_per_1000"] < small["kms_calls_per_1000"] < 1_000


def test_the_fewer_tenants_a_lane_has_the_less_it_asks_for(asked):
    of_all, of_a_lane = (asked("uniform", count, TENANTS) for count in (TENANTS, TENANTS // 4))

    assert of_a_lane["kms_calls_per_1000"] < of_all["kms_calls_per_1000"] / 2
