"""Settings that all tests share."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from tests.distribution import Distribution
from tests.traced import pytest_collection, pytest_fixture_setup, pytest_pyfunc_call, pytest_runtestloop

__all__ = ["pytest_collection", "pytest_fixture_setup", "pytest_pyfunc_call", "pytest_runtestloop"]

settings.register_profile("quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

gc.disable()  # until all tests are collected: what is made of them stays


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)  # without xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return Distribution(config, log) if config.getvalue("dist") == "loadfile" else None
