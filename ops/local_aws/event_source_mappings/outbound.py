"""Invokes functions and writes to on-failure destinations over the public API of the local AWS, as its root user.

Over the public API, so that throttling, time-outs, logs and metrics are those of any other call.
"""

from __future__ import annotations

import json
import logging
import os
from functools import cache
from threading import Event, Lock
from typing import Any, Final
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ops.local_aws.event_source_mappings.delivery import Discard, Invocation, NotReached, Raised, Returned
from ops.local_aws.event_source_mappings.failure_record import failure_record, object_key, with_payload

_LONGEST_FUNCTION_SECONDS: Final = 900
_log = logging.getLogger(__name__)
_making_clients = Lock()
_ending = Event()


def end() -> None:
    """The server ends, and takes the functions along: what they answer from now on is not their failure."""
    _ending.set()


def invoke(function_arn: str, event: str) -> Invocation:
    """Run the function with this event; never raises."""
    invocation = NotReached() if _ending.is_set() else _invoke(function_arn, event)
    return NotReached() if _ending.is_set() else invocation


def _invoke(function_arn: str, event: str) -> Invocation:
    try:
        response = _client("lambda", _region_of(function_arn)).invoke(
            FunctionName=function_arn, InvocationType="RequestResponse", Payload=event
        )
        body = response["Payload"].read()
    except (ClientError, BotoCoreError):
        return NotReached()
    if "FunctionError" in response:
        return Raised()
    try:
        return Returned(json.loads(body) if body else None)
    except ValueError:
        return Raised()


def send_discard(
    discard: Discard,
    destination_arn: str,
    *,
    mapping_id: str,
    function_arn: str,
    stream_arn: str,
    shard_id: str,
    now: float,
) -> None:
    """Tell an SQS queue, an SNS topic or an S3 bucket about discarded records; failures are logged."""
    qualifier = function_arn.split(":")[7:]
    record = failure_record(
        discard,
        request_id=str(uuid4()),
        function_arn=function_arn,
        stream_arn=stream_arn,
        shard_id=shard_id,
        executed_version=qualifier[0] if qualifier else "$LATEST",
        now=now,
    )
    try:
        match destination_arn.split(":", 5):
            case [_, _, "sqs", region, account, queue]:
                sqs = _client("sqs", region)
                url = sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
                sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))
            case [_, _, "sns", region, _, _]:
                _client("sns", region).publish(TopicArn=destination_arn, Message=json.dumps(record))
            case [_, _, "s3", _, _, bucket]:
                key = object_key(mapping_id=mapping_id, shard_id=shard_id, name=str(uuid4()), now=now)
                _client("s3", _region_of(function_arn)).put_object(
                    Bucket=bucket, Key=key, Body=with_payload(record, discard).encode()
                )
            case _:
                _log.error("mapping %s: no destination of this kind: %s", mapping_id, destination_arn)
    except (ClientError, BotoCoreError) as error:
        _log.error("mapping %s: destination %s refused: %s", mapping_id, destination_arn, type(error).__name__)


def _region_of(arn: str) -> str:
    return arn.split(":")[3]


def local_url(*path: str) -> str:
    """The local AWS's own address, or something on it."""
    return "/".join([f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}", *path])


def client(service: str, region: str, access_key_id: str, secret: str, token: str | None) -> Any:
    """A client of this principal, the same one for the same key."""
    with _making_clients:  # building clients is not thread-safe, and one of each is enough
        return _make_client(service, region, access_key_id, secret, token)


def _client(service: str, region: str) -> Any:
    return client(service, region, "test", "test", None)  # the local AWS's well-known root


@cache
def _make_client(service: str, region: str, access_key_id: str, secret: str, token: str | None) -> Any:
    return _session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=local_url(),
        region_name=region,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(
            retries={"max_attempts": 0},
            read_timeout=_LONGEST_FUNCTION_SECONDS + 60,
            max_pool_connections=100,
            s3={"addressing_style": "path"},
        ),
    )


@cache
def _session() -> boto3.session.Session:
    """One for all clients: each reads some megabytes of AWS's endpoints and services."""
    return boto3.session.Session()
