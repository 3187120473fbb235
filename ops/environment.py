"""What a command works with, by the names that the deployment gave it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ops.functions import LambdaFunction
from shared.aws.clients import invoking_client
from shared.errors import SettingsError


def setting(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """The value of `SEALSTREAM_<name>`; raises SettingsError where it is missing."""
    value = environment.get(f"SEALSTREAM_{name}", "")
    if not value:
        raise SettingsError(
            f"environment variable SEALSTREAM_{name} is missing or empty; after `make up`: . build/local.env"
        )
    return value


def function(name: str, title: str, environment: Mapping[str, str] = os.environ) -> LambdaFunction:
    """The Lambda function that `SEALSTREAM_<name>` names; raises SettingsError where it is missing."""
    function_name = setting(name, environment)
    log_group = environment.get(f"SEALSTREAM_{name}_LOG_GROUP", "of the function")
    return LambdaFunction(invoking_client(), function_name, title, log_group)
