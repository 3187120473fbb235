"""Event source mappings answer with AWS's fields and defaults, and refuse what AWS refuses.

Those of streams are held against recordings of real AWS. Delivery itself is in ops/local_aws/event_source_mappings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from ops.local_aws.event_source_mappings import queues
from ops.local_aws.event_source_mappings.sources import source_of

_Response: TypeAlias = tuple[int, dict[str, str], bytes]

#: What AWS answers for settings that nobody made.
_DEFAULTS: Final[Mapping[str, Any]] = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_BATCH_SIZE: Final = 100
#: Settings that MiniStack forgets. Tumbling windows are remembered but have no effect.
_FORGOTTEN: Final = ("StartingPositionTimestamp", "TumblingWindowInSeconds")


def apply() -> None:
    """Replace MiniStack's functions; once, before the first request."""
    _answer_with_defaults()
    _create_as_lambda_does()
    _update_says_updating()
    _create_from_cloudformation()


def _answer_with_defaults() -> None:
    stock = lambda_svc._esm_response

    def esm_response(mapping: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = stock(mapping)
        if source_of(mapping.get("EventSourceArn", "")) is None:
            return answer
        answer.pop("Qualifier", None)  # the function's ARN carries it
        return {**_DEFAULTS, **answer, "StateTransitionReason": "User action"}

    lambda_svc._esm_response = esm_response


def _create_as_lambda_does() -> None:
    stock = lambda_svc._create_esm

    def create(request: dict[str, Any]) -> _Response:
        stream_arn = request.get("EventSourceArn", "")
        source = source_of(stream_arn)
        problem = (
            _queue_problem(stream_arn, request.get("FunctionName", ""))
            if source is None
            else ""
            if source.exists()
            else f"Stream not found: {stream_arn}"
        )
        if problem:
            return _response(error_response_json("InvalidParameterValueException", problem, 400))
        existing = _existing_mapping(stream_arn, request.get("FunctionName", ""))
        if existing:
            message = (
                f'The event source arn (" {stream_arn} ") and function (" {existing["FunctionName"]} ") provided '
                f"mapping already exists. Please update or delete the existing mapping with UUID {existing['UUID']}"
            )
            return _response(error_response_json("ResourceConflictException", message, 409))
        if source is None:
            return _response(stock(request))
        response = _response(stock({"BatchSize": _BATCH_SIZE, **request}))
        if response[0] >= 300:
            return response
        mapping = lambda_svc._esms[json.loads(response[2])["UUID"]]
        _remember(mapping, request)
        return _with(response, lambda_svc._esm_response(mapping) | {"State": "Creating"})

    lambda_svc._create_esm = create


def _queue_problem(queue_arn: str, function: str) -> str:
    """What Lambda says against this function reading this queue; empty where nothing is, or it is no queue."""
    found, configuration = lambda_svc._get_func_record_for_ref(function)[:2]
    if not (found and queues.is_queue(queue_arn)):
        return ""
    if not queues.exists(queue_arn):
        return "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
    refused = queues.refused_right(queue_arn, configuration)
    if refused:
        right = refused.removeprefix("sqs:")
        return f"The function execution role does not have permissions to call {right} on SQS"
    visible_after, longest = queues.visibility_timeout_seconds(queue_arn), int(configuration["Timeout"])
    if visible_after < longest:
        return f"Queue visibility timeout: {visible_after} seconds is less than Function timeout: {longest} seconds"
    return ""


def _existing_mapping(stream_arn: str, function: str) -> Mapping[str, Any] | None:
    name, qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(function)
    for mapping in list(lambda_svc._esms.values()):
        found: Mapping[str, Any] = mapping
        if (found["EventSourceArn"], found["FunctionName"], found.get("Qualifier")) == (stream_arn, name, qualifier):
            return found
    return None


def _update_says_updating() -> None:
    stock = lambda_svc._update_esm

    def update(mapping_id: str, request: dict[str, Any]) -> _Response:
        response = _response(stock(mapping_id, request))
        body = json.loads(response[2])
        if response[0] >= 300 or source_of(body.get("EventSourceArn", "")) is None:
            return response
        _remember(lambda_svc._esms[mapping_id], request)
        return _with(response, body | {"State": "Updating"})

    lambda_svc._update_esm = update


def _create_from_cloudformation() -> None:
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    stock = handlers["create"]

    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        source_arn = str(properties.get("EventSourceArn", ""))
        is_stream = source_of(source_arn) is not None
        problem = _queue_problem(source_arn, properties.get("FunctionName", ""))
        if problem:
            raise ValueError(problem)
        created = stock(logical_id, {"BatchSize": _BATCH_SIZE, **properties} if is_stream else properties, stack_name)
        if is_stream:
            _remember(lambda_svc._esms[created[0]], properties)
        return created

    handlers["create"] = create


def _remember(mapping: dict[str, Any], request: Mapping[str, Any]) -> None:
    mapping.update({name: request[name] for name in _FORGOTTEN if request.get(name) is not None})


def _with(response: _Response, body: Mapping[str, Any]) -> _Response:
    return response[0], response[1], json.dumps(body).encode()


def _response(response: Any) -> _Response:
    status, headers, body = response
    return status, headers, body
