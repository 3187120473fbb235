"""Unit tests open no socket: what they need of AWS is a fake, or moto in the same process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path

import moto.core.config
import moto.core.models
import moto.kms.utils
import pytest
from botocore.client import BaseClient
from botocore.loaders import create_loader
from botocore.session import Session
from moto.core.models import MockAWS
from pytest_socket import disable_socket, enable_socket

_ABOUT_OTHER_CODE = {Path(__file__).parent / folder for folder in ("docs", "limits", "ops")}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What coverage is measured of has tests of its own; those of other code are not traced, and twice as quick."""
    with nullcontext() if _ABOUT_OTHER_CODE.isdisjoint(item.path.parents) else _untraced():
        return (yield)


@pytest.hookimpl(wrapper=True)
def _reports_are_not_traced() -> Iterator[None]:
    with _untraced():
        return (yield)


pytest_runtest_makereport = pytest_runtest_logreport = _reports_are_not_traced


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    disable_socket()
    yield
    enable_socket()


@pytest.fixture(scope="session", autouse=True)
def _aws_in_process_is_quick() -> Iterator[None]:
    """What botocore and moto would make anew for each test, though nothing in it is the test's own, is made once."""
    with pytest.MonkeyPatch.context() as patch:
        # the models of the services
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        # the session; what the environment says is read with each client all the same
        patch.setitem(moto.core.config.default_user_config["core"], "reset_boto3_session", False)
        # a pattern for every URL of AWS, by which moto answers `requests` as well; boto3 has a way in of its own
        patch.setattr(moto.core.models, "RESPONSES_METHODS", [])
        # the RSA key that moto gives to every key of KMS; a symmetric one has no use for it
        patch.setattr("moto.kms.models.generate_private_key", cache(moto.kms.utils.generate_private_key))
        yield


@pytest.fixture(scope="session", autouse=True)
def _coverage_looks_away_from_aws() -> Iterator[None]:
    """Nothing of the project runs within boto3 and moto; traced, they take twice as long."""
    with pytest.MonkeyPatch.context() as patch:
        for kind, name in (
            (BaseClient, "_make_api_call"),
            (Session, "create_client"),
            (MockAWS, "start"),
            (MockAWS, "stop"),
        ):
            patch.setattr(kind, name, _untraced()(getattr(kind, name)))
        yield


@contextmanager
def _untraced() -> Iterator[None]:
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(trace)
        _next_call()


def _next_call() -> None:
    """Coverage goes on with a call; before it, it would miss that functions return, and lose its place."""
