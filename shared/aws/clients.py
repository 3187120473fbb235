"""One cached boto3 client per service and process, all with the same settings.

Nothing is read or built at import. Region, credentials and `AWS_ENDPOINT_URL` are boto3's own business.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, overload

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError

from shared.errors import SettingsError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

CONNECT_TIMEOUT_SECONDS: Final = 2
READ_TIMEOUT_SECONDS: Final = 5
TOTAL_ATTEMPTS: Final = 3
LONGEST_INVOCATION_SECONDS: Final = 900
INVOCATIONS_AT_ONCE: Final = 40
POOL_CONNECTIONS: Final = 32

_HURRIED_CONNECT_SECONDS: Final = 1
_MARGIN_SECONDS: Final = 1
"""To begin a call, and to make something of its answer."""

_VALIDATED_BY_THE_SERVICE: Final = frozenset({"dynamodb", "kms", "kinesis", "sqs"})
"""Services whose requests are one JSON body: nothing in it can turn one call into another, and the service checks it.

Their local validation costs a tenth of a request and puts values into its errors. S3 keeps it: with an empty key,
an unchecked DeleteObject is a DeleteBucket.
"""

_clients: dict[str, Any] = {}
_building = Lock()


def config(service: str) -> Config:
    """The settings of a client: retries what AWS says is worth it, and gives up after some 27 s at the latest.

    That is 3 attempts of at most 7 s and the pauses between them; a Lambda begins no call with less time left.

    A fixed user agent spares botocore from rebuilding that string for every request.
    """
    return Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TOTAL_ATTEMPTS},
        max_pool_connections=POOL_CONNECTIONS,
        tcp_keepalive=True,
        user_agent="sealstream",
        parameter_validation=service not in _VALIDATED_BY_THE_SERVICE,
    )


def invoking_config() -> Config:
    """The settings of a client that waits for whole Lambda invocations; it never repeats one by itself."""
    return config("lambda").merge(
        Config(
            read_timeout=LONGEST_INVOCATION_SECONDS + READ_TIMEOUT_SECONDS,
            max_pool_connections=INVOCATIONS_AT_ONCE,
            retries={"mode": "standard", "total_max_attempts": 1},
        )
    )


def hurried_client(
    service: str,
    demand: Callable[[float], None],
    *,
    session: boto3.Session | None = None,
    attempts: int = 2,
    read_timeout_seconds: int = 2,
) -> Any:
    """A new client for those whom somebody waits for: what is slow is given up soon.

    Args:
        service: AWS's name of it.
        demand: called before each attempt with the seconds that it can take; what it raises ends the call.
        session: whose credentials; without one the process's own.
        attempts: 1 for what must not be repeated behind its caller's back.
        read_timeout_seconds: how long an answer may take.
    """
    settings = Config(
        connect_timeout=_HURRIED_CONNECT_SECONDS,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    make: Any = boto3.client if session is None else session.client
    built = _with_region(lambda: make(service, config=config(service).merge(settings)))
    seconds = _HURRIED_CONNECT_SECONDS + read_timeout_seconds + _MARGIN_SECONDS
    built.meta.events.register_first("before-send", lambda **_: demand(seconds))
    return built


@overload
def client(service: Literal["backup"]) -> Any: ...
@overload
def client(service: Literal["cloudformation"]) -> CloudFormationClient: ...
@overload
def client(service: Literal["cloudwatch"]) -> CloudWatchClient: ...
@overload
def client(service: Literal["dynamodb"]) -> DynamoDBClient: ...
@overload
def client(service: Literal["dynamodbstreams"]) -> DynamoDBStreamsClient: ...
@overload
def client(service: Literal["kinesis"]) -> KinesisClient: ...
@overload
def client(service: Literal["kms"]) -> KMSClient: ...
@overload
def client(service: Literal["lambda"]) -> LambdaClient: ...
@overload
def client(service: Literal["logs"]) -> CloudWatchLogsClient: ...
@overload
def client(service: Literal["s3"]) -> S3Client: ...
@overload
def client(service: Literal["sqs"]) -> SQSClient: ...
@overload
def client(service: Literal["stepfunctions"]) -> Any: ...
@overload
def client(service: Literal["sts"]) -> STSClient: ...


def client(service: str) -> Any:
    """The process's client for a service; built on the first call, safe to share between threads."""
    return _cached(service, service, config)


def invoking_client() -> LambdaClient:
    """The process's client for invocations that may take as long as Lambda lets them."""
    invoking: LambdaClient = _cached("lambda, invoking", "lambda", lambda _: invoking_config())
    return invoking


def _cached(name: str, service: str, settings: Callable[[str], Config]) -> Any:
    built = _clients.get(name)
    if built is None:
        with _building:  # building a client from one session is not thread-safe, using it is
            built = _clients.get(name)
            if built is None:
                make: Any = boto3.client
                built = _clients[name] = _with_region(lambda: make(service, config=settings(service)))
    return built


def _with_region(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except NoRegionError:
        raise SettingsError("no AWS region: set AWS_DEFAULT_REGION") from None


def forget() -> None:
    """Drop every client, for a process whose endpoint or credentials changed (tests, the command line)."""
    with _building:
        _clients.clear()
