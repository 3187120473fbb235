"""More tenants than a process has room for keys, on a small scale; `make bench` has the large one."""

from __future__ import annotations

import pytest

from bench.limits.key_cache import Arrivals, Keys, asked_of_aws, uniform, zipf

TENANTS = 400
DRAWS = {"uniform": uniform(TENANTS), "zipf": zipf(TENANTS)}


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys(TENANTS)


@pytest.mark.parametrize("name", DRAWS)
def test_a_miss_costs_one_call_of_kms_and_two_reads_and_room_for_all_leaves_only_age(keys, name):
    arrivals = Arrivals(name, TENANTS, DRAWS[name])
    small, large = (asked_of_aws(keys, arrivals, max_keys=size, records_per_second=6) for size in (40, TENANTS))

    for one in (small, large):
        assert one["key_store_reads_per_1000"] == pytest.approx(2 * one["kms_calls_per_1000"], abs=1)
    assert 0 < large["kms_calls_per_1000"] < small["kms_calls_per_1000"] < 1_000


def test_the_fewer_tenants_a_lane_has_the_less_it_asks_for(keys):
    of_all, of_a_lane = (
        asked_of_aws(
            keys,
            Arrivals("uniform", count, uniform(count)),
            max_keys=TENANTS,
            records_per_second=6,
        )
        for count in (TENANTS, TENANTS // 4)
    )

    assert of_a_lane["kms_calls_per_1000"] < of_all["kms_calls_per_1000"] / 2
