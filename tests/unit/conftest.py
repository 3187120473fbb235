"""Unit tests open no socket: what they need of AWS is a fake, or moto in the same process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import moto.core.config
import moto.core.models
import moto.kms.utils
import pytest
from botocore.client import BaseClient, ClientCreator
from botocore.hooks import EventAliaser, HierarchicalEmitter
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.session import Session
from moto.core.models import MockAWS
from pytest_socket import disable_socket, enable_socket

from tests.traced import tracing


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    disable_socket()
    yield
    enable_socket()


@pytest.fixture(scope="session", autouse=True)
def _aws_in_process_is_quick() -> Iterator[None]:
    """What botocore and moto would make anew for each test, though nothing in it is the test's own, is made once."""
    load = cache(create_loader)

    @cache
    def model(service: str, version: str | None = None) -> ServiceModel:
        return ServiceModel(load().load_service_model(service, "service-2", version), service)

    with pytest.MonkeyPatch.context() as patch:
        # the models of the services, and what is made of them
        for module in ("botocore.session", "shared.aws.tenant_sessions"):
            patch.setattr(f"{module}.create_loader", load)
        patch.setattr(ClientCreator, "_load_service_model", staticmethod(model))
        # what an event is called
        alias = EventAliaser(HierarchicalEmitter())._alias_event_name  # type: ignore[attr-defined]  # not for others
        patch.setattr(EventAliaser, "_alias_event_name", staticmethod(alias))
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
            patch.setattr(kind, name, tracing(None)(getattr(kind, name)))
        yield
