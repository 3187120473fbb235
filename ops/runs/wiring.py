"""The ports of a deployment, by the names in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from consumers.rotation.options import is_loopback
from ops.environment import function, setting
from ops.runs.driver import Ports
from ops.runs.machine import StepFunctionsMachine
from shared.aws.clients import client
from shared.aws.errors import AWS_ERRORS
from shared.aws.runs import DynamoRunStore
from shared.runs.model import Worker
from shared.runs.ports import RunStore


def ports_from_environment(environment: Mapping[str, str] = os.environ) -> Ports:
    """Lambda, Step Functions and DynamoDB; raises SettingsError where a name is missing."""
    rotation = function("ROTATION", "rotation function", environment)
    workers = {worker: function(worker.upper(), worker, environment) for worker in Worker}
    machine = None
    if not is_local(environment):
        arn = setting("ROTATION_MACHINE", environment)
        machine = StepFunctionsMachine(client("stepfunctions"), arn)
    return Ports(
        runs=run_store(environment),
        rotation=rotation,
        workers=workers,
        machine=machine,
        item_count=partial(_item_count, setting("TABLE", environment)),
        log="log groups " + ", ".join(one.log_group for one in (rotation, *workers.values())),
    )


def run_store(environment: Mapping[str, str] = os.environ) -> RunStore:
    """The runs table; raises SettingsError."""
    table = setting("RUNS", environment)
    return DynamoRunStore(client("dynamodb"), table)


def is_local(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether AWS is the local one: its endpoint is on a loopback address."""
    return is_loopback(environment.get("AWS_ENDPOINT_URL", ""))


def _item_count(table: str) -> int | None:
    try:
        return client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"]
    except AWS_ERRORS:
        return None  # an estimate is no reason to stop
