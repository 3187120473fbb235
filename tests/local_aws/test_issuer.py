"""The issuer of tokens that belongs to a local AWS: found by discovery, believed by an HTTP API's authorizer."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ops.local_aws import issuer, process
from ops.local_aws.__main__ import main
from ops.local_aws.process import LocalAwsError, Server
from tests.local_aws.support import REGION, LocalAws, make_function, unique

ECHO = "def handler(event, context):\n    return event['requestContext']['authorizer']['jwt']\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a local AWS that is started anew by one of these tests."""
    folder = tmp_path_factory.mktemp("issuer")
    process.start(folder, keep_state=True)
    try:
        yield folder
    finally:
        process.stop(folder)


@pytest.fixture
def server(folder: Path) -> Server:
    running = process.running(folder)
    assert running is not None
    return running


def get(url: str, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return asked("GET", url, headers=headers)


def asked(method: str, url: str, **options: Any) -> tuple[int, Any]:
    """Status and JSON of an answer of the loopback interface."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    try:
        connection.request(method, where.path, **options)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(token: str, server: Server) -> Any:
    """The claims, if the key that discovery leads to verifies the signature."""
    _, discovery = get(f"{issuer.issuer_of(server.endpoint)}/.well-known/openid-configuration")
    assert issuer.issuer_of(server.endpoint) == discovery["issuer"]
    _, keys = get(discovery["jwks_uri"])
    header, claims, signature = token.split(".")
    named = json.loads(decoded(header))
    [key] = [key for key in keys["keys"] if key["kid"] == named["kid"]]
    assert ("RS256", "RSA", "RS256") == (named["alg"], key["kty"], key["alg"])
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(decoded(key[name]), "big") for name in ("e", "n")))
    numbers.public_key().verify(decoded(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.loads(decoded(claims))


def an_api(aws: LocalAws, server: Server) -> str:
    """The URL of an HTTP API that believes the issuer, and answers with what it believes."""
    api, function = aws.client("apigatewayv2"), make_function(aws, ECHO)
    api_id = api.create_api(Name=unique("api"), ProtocolType="HTTP")["ApiId"]
    authorizer = api.create_authorizer(
        ApiId=api_id,
        AuthorizerType="JWT",
        Name="token",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer.issuer_of(server.endpoint), "Audience": [issuer.AUDIENCE]},
    )["AuthorizerId"]
    arn = f"arn:aws:lambda:{REGION}:000000000000:function:{function}"
    integration = api.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    api.create_route(
        ApiId=api_id,
        RouteKey="GET /who",
        AuthorizationType="JWT",
        AuthorizerId=authorizer,
        AuthorizationScopes=["items.read"],
        Target=f"integrations/{integration}",
    )
    api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    aws.client("lambda").add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:000000000000:{api_id}/*/*/*",
    )
    return f"{server.endpoint}/_aws/execute-api/{api_id}/who"


def test_an_authorizer_believes_its_tokens_and_no_others_and_a_restart_changes_nothing(
    folder: Path, server: Server
) -> None:
    aws = LocalAws(server.endpoint)
    url = an_api(aws, server)
    aws.close()
    usual = issuer.claims_of(server.endpoint, "acme")
    token = issuer.token(server, usual)

    status, seen = get(url, token)
    assert (200, "acme") == (status, seen["claims"]["tenant_id"])
    assert sorted(issuer.SCOPES) == sorted(seen["scopes"] or seen["claims"]["scope"].split())
    assert 401 == get(url)[0]
    header, _, signature = token.split(".")
    another = base64.urlsafe_b64encode(json.dumps(usual | {"tenant_id": "globex"}).encode()).rstrip(b"=").decode()
    assert 401 == get(url, f"{header}.{another}.{signature}")[0], "claims that were not signed"
    assert 401 == get(url, issuer.token(server, usual | {"aud": "another"}))[0]
    assert 401 == get(url, issuer.token(server, issuer.claims_of(server.endpoint, "acme", expires_seconds=-5)))[0]
    assert 403 == get(url, issuer.token(server, usual | {"scope": "items.write"}))[0]

    process.restart(folder)

    assert usual == verified(token, server), "the same key, under the same address"
    assert (200, "acme") == (get(url, token)[0], get(url, token)[1]["claims"]["tenant_id"])


def test_a_token_says_what_it_was_asked_to_say_and_is_signed(server: Server) -> None:
    claims = {"iss": "https://another.example", "anything": [1, None]}

    token = issuer.token(server, claims)

    assert claims == verified(token, server)
    with pytest.raises(InvalidSignature):
        verified(token[:-8] + "AAAAAAAA", server)


def test_the_command_prints_a_token_and_nothing_else(folder: Path, server: Server) -> None:
    options = ["--folder", str(folder), "--tenant", "acme", "--scope", "items.read", "--expires", "60"]

    done = CliRunner().invoke(main, ["token", *options], catch_exceptions=False)

    claims = verified(done.output.strip(), server)
    assert ("acme", "items.read", issuer.AUDIENCE) == (claims["tenant_id"], claims["scope"], claims["aud"])
    assert 50 < claims["exp"] - claims["iat"] <= 62


def test_where_no_local_aws_runs_the_command_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["token", "--folder", str(tmp_path), "--tenant", "acme"])

    assert isinstance(done.exception, LocalAwsError)
    assert "is not running" in str(done.exception)


def test_a_server_that_does_not_answer_gives_no_token() -> None:
    with pytest.raises(LocalAwsError, match="gives no token: ConnectionRefusedError"):
        issuer.token(Server(pid=1, port=1, started_at=""), {})


def test_what_is_no_json_is_refused(server: Server) -> None:
    assert 400 == asked("POST", f"{server.endpoint}{issuer.TOKEN_PATH}", body=b"{")[0]
