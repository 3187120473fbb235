"""One client per service, built when it is first asked for, and set up so that it cannot do harm."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from moto import mock_aws

from shared.aws import clients


@pytest.fixture(autouse=True)
def _own_clients(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    clients.forget()
    yield
    clients.forget()


def test_all_threads_get_the_same_client():
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: clients.client("kms"), range(8)))
    assert {id(found[0])} == {id(client) for client in found}


def test_importing_reads_and_builds_nothing():
    code = "import shared.aws.clients as c, boto3; assert not c._clients; assert boto3.DEFAULT_SESSION is None"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_endpoint_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert clients.client("dynamodb").meta.endpoint_url == "http://127.0.0.1:4566"


def test_an_s3_call_without_a_key_never_leaves_the_process():
    with mock_aws(), pytest.raises(ParamValidationError):  # unchecked, it would delete the bucket
        clients.client("s3").delete_object(Bucket="bucket", Key="")


def test_a_wrong_request_to_dynamodb_is_refused_by_dynamodb():
    with mock_aws(), pytest.raises(ClientError):
        clients.client("dynamodb").get_item(TableName="none", Key={})


def test_the_user_agent_is_fixed():
    agents = []
    client = clients.client("dynamodb")
    client.meta.events.register("before-send", lambda request, **_: agents.append(request.headers["User-Agent"]))
    with mock_aws():
        client.list_tables()
    assert agents[0].startswith(b"sealstream")


def test_an_invocation_is_waited_for_and_never_repeated_by_itself():
    settings: Any = clients.invoking_client().meta.config
    usual: Any = clients.client("lambda").meta.config
    assert settings.read_timeout > clients.LONGEST_INVOCATION_SECONDS
    assert 1 == settings.retries["total_max_attempts"]
    assert clients.READ_TIMEOUT_SECONDS == usual.read_timeout
    assert clients.invoking_client() is clients.invoking_client()
