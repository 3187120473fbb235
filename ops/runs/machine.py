"""The state machine that drives runs on AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol

from shared.aws.errors import AWS_ERRORS, store_error
from shared.printable import printable

_ENDED_BADLY: Final = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


class Machine(Protocol):
    """What drives a run when this process does not; both raise StoreUnavailable where it does not answer."""

    def start(self, run_id: str) -> str:
        """Have it drive a run that was begun; gives the name of this execution."""

    def failure(self, execution: str) -> str:
        """Why the execution ended before its run did, in a word; "" where it did not."""


@dataclass(frozen=True, slots=True)
class StepFunctionsMachine:
    """A Step Functions state machine behind the port `Machine`; `client` is a Step Functions client."""

    client: Any
    arn: str

    def start(self, run_id: str) -> str:
        """Start an execution; its ARN."""
        try:
            answer = self.client.start_execution(stateMachineArn=self.arn, input=json.dumps({"run_id": run_id}))
        except AWS_ERRORS as error:
            raise store_error(error, "starting the state machine") from None
        return str(answer["executionArn"])

    def failure(self, execution: str) -> str:
        """The execution's error, or its status, where it ended badly; its cause could quote anything."""
        try:
            answer = self.client.describe_execution(executionArn=execution)
        except AWS_ERRORS as error:
            raise store_error(error, "looking at the state machine") from None
        return printable(str(answer.get("error", answer["status"]))) if answer["status"] in _ENDED_BADLY else ""
