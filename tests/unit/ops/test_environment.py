from __future__ import annotations

import pytest

from ops.environment import function, setting
from shared.aws import clients
from shared.errors import SettingsError


def test_a_name_is_read_from_the_environment():
    assert "items" == setting("TABLE", {"SEALSTREAM_TABLE": "items"})


@pytest.mark.parametrize("environment", [{}, {"SEALSTREAM_TABLE": ""}])
def test_a_missing_name_is_said_whole(environment):
    with pytest.raises(SettingsError, match="SEALSTREAM_TABLE"):
        setting("TABLE", environment)


def test_a_function_whose_name_is_missing_is_said_before_any_client_is_made():
    clients.forget()
    with pytest.raises(SettingsError, match="SEALSTREAM_REDRIVER"):
        function("REDRIVER", "redriver", {})


def test_a_function_is_known_with_its_log_group(monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "eu-central-1")
    clients.forget()
    named = function("REDRIVER", "redriver", {"SEALSTREAM_REDRIVER": "one", "SEALSTREAM_REDRIVER_LOG_GROUP": "log"})
    clients.forget()

    assert ("one", "redriver", "log") == (named.name, named.title, named.log_group)
