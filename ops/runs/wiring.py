"""The ports of a deployment, by the names in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from consumers.rotation.options import is_loopback
from ops.functions import LambdaFunction
from ops.runs.driver import Ports
from ops.runs.machine import StepFunctionsMachine
from shared.aws.clients import client, invoking_client
from shared.aws.errors import AWS_ERRORS
from shared.aws.runs import DynamoRunStore
from shared.errors import SettingsError
from shared.runs.ports import RunStore


def ports_from_environment(environment: Mapping[str, str] = os.environ) -> Ports:
    """Lambda, Step Functions and DynamoDB; raises SettingsError where a name is missing."""
    names = {name: _setting(environment, f"SEALSTREAM_{name}") for name in ("ROTATION", "SWEEPER", "TABLE", "RUNS")}
    rotation, sweeper = (
        LambdaFunction(
            invoking_client(),
            names[name],
            title,
            environment.get(f"SEALSTREAM_{name}_LOG_GROUP", "of the function"),
        )
        for name, title in (("ROTATION", "rotation function"), ("SWEEPER", "sweeper"))
    )
    machine = None
    if not is_local(environment):
        arn = _setting(environment, "SEALSTREAM_ROTATION_MACHINE")
        machine = StepFunctionsMachine(client("stepfunctions"), arn)
    return Ports(
        runs=run_store(environment),
        rotation=rotation,
        sweeper=sweeper,
        machine=machine,
        item_count=partial(_item_count, names["TABLE"]),
        log=f"log groups {rotation.log_group} and {sweeper.log_group}",
    )


def run_store(environment: Mapping[str, str] = os.environ) -> RunStore:
    """The runs table; raises SettingsError."""
    table = _setting(environment, "SEALSTREAM_RUNS")
    return DynamoRunStore(client("dynamodb"), table)


def is_local(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether AWS is the local one: its endpoint is on a loopback address."""
    return is_loopback(environment.get("AWS_ENDPOINT_URL", ""))


def _item_count(table: str) -> int | None:
    try:
        return client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"]
    except AWS_ERRORS:
        return None  # an estimate is no reason to stop


def _setting(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"environment variable {name} is missing or empty; after `make up`: . build/local.env")
    return value
