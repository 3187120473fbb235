"""Names come from the environment; what is not there is said before anything is invoked."""

from __future__ import annotations

import pytest

from ops.runs.wiring import is_local, ports_from_environment
from shared.aws import clients
from shared.errors import SettingsError

NAMES = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "SEALSTREAM_ROTATION": "rotation",
    "SEALSTREAM_SWEEPER": "sweeper",
    "SEALSTREAM_RECONCILER": "reconciler",
    "SEALSTREAM_RUNS": "runs",
    "SEALSTREAM_TABLE": "items",
    "SEALSTREAM_ROTATION_LOG_GROUP": "/aws/lambda/rotation",
}


@pytest.fixture(autouse=True)
def _own_clients(monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "eu-central-1")
    clients.forget()
    yield
    clients.forget()


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("", False),
        ("https://vpce-1.lambda.eu-central-1.vpce.amazonaws.com", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_the_local_aws_is_on_a_loopback_address(endpoint, local):
    assert local is is_local({"AWS_ENDPOINT_URL": endpoint})


def test_against_the_local_aws_no_state_machine_is_needed():
    ports = ports_from_environment(NAMES)
    assert ports.machine is None
    assert "/aws/lambda/rotation" in ports.log


def test_on_aws_the_state_machine_drives():
    names = {**NAMES, "AWS_ENDPOINT_URL": "", "SEALSTREAM_ROTATION_MACHINE": "arn:machine"}
    assert "arn:machine" == ports_from_environment(names).machine.arn


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("SEALSTREAM") and "LOG" not in name])
def test_a_missing_name_is_said(name):
    with pytest.raises(SettingsError, match=name):
        ports_from_environment({**NAMES, name: ""})


def test_on_aws_a_missing_state_machine_is_said():
    with pytest.raises(SettingsError, match="SEALSTREAM_ROTATION_MACHINE"):
        ports_from_environment({**NAMES, "AWS_ENDPOINT_URL": ""})


def test_a_table_that_does_not_tell_its_size_is_no_obstacle(monkeypatch):
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)  # between its attempts

    assert ports_from_environment(NAMES).item_count() is None
