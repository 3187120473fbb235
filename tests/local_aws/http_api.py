"""An issuer of tokens and an HTTP API in front of a function that answers with its event, for the contract tests."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, make_function, make_role, unique, wait_until

#: Answers with its event; `{"answer": …}` as the body makes it answer that instead, or raise.
ECHO = """
import json

def handler(event, context):
    try:
        wanted = json.loads(event.get("body") or "null")
    except ValueError:
        wanted = None
    if isinstance(wanted, dict) and "answer" in wanted:
        if wanted["answer"] == "raise":
            raise ValueError("what nobody may see")
        return wanted["answer"]
    return {"statusCode": 200, "body": json.dumps(event)}
"""
ROUTES = (
    "GET /tenants/{tenant_id}/items",
    "GET /tenants/{tenant_id}/items/{item_id}",
    "POST /tenants/{tenant_id}/items/{item_id}",
    "DELETE /tenants/{tenant_id}/items/{item_id}",
)
AUDIENCE = "https://api.example"


def encoded(data: bytes | Mapping[str, Any]) -> str:
    """Base64url without padding, of JSON where it is not bytes."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Issuer:
    """A server of one public key, and the private key that signs."""

    url: str
    key: rsa.RSAPrivateKey = field(repr=False)

    def token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A signed token; claims of None are left out, `header` adds to its header."""
        now = int(time.time())
        whole = {"iss": self.url, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 60, "sub": "me", **claims}
        whole = {name: value for name, value in whole.items() if value is not None}
        signed = f"{encoded({'alg': 'RS256', 'typ': 'JWT', 'kid': 'one', **(header or {})})}.{encoded(whole)}"
        return f"{signed}.{encoded(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": "one",
        "n": encoded(numbers.n.to_bytes(256, "big")),
        "e": encoded(numbers.e.to_bytes(3, "big")),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            documents = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
                "/keys": {"keys": [jwk]},
            }
            found = documents.get(self.path)
            body = json.dumps(found).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Issuer(url, key)
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Answer:
    """One answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpApi:
    """A deployed API."""

    endpoint: str
    api_id: str
    function: str
    issuer: Issuer

    def send(
        self, method: str, path: str, body: bytes | None = None, *, token: str | None = "", **headers: str
    ) -> Answer:
        """What the API answers to a path that is sent as it stands; `token` "" is a good one, None is none."""
        where = urlsplit(self.endpoint)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            names["authorization"] = f"Bearer {token or self.issuer.token()}"
        names["host"] = where.netloc  # MiniStack by itself has a name for each API, which nobody resolves
        connection = http.client.HTTPConnection("127.0.0.1", where.port, timeout=30)
        try:
            connection.request(method, where.path + path, body, names)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): it for name, it in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def event(self, method: str, path: str, body: bytes | None = None, **options: Any) -> dict[str, Any]:
        """The event that the function gets."""
        answer = self.send(method, path, body, **options)
        assert answer.status == 200, answer.body
        event: dict[str, Any] = answer.json()
        return event


def template(function: str, issuer: Issuer, scopes: Mapping[str, Sequence[str]], lets_in: str) -> dict[str, Any]:
    """What the CDK makes of an HTTP API with a JWT authorizer, throttling and an access log."""
    function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    api = {"Ref": "Api"}
    log = {"requestId": "$context.requestId", "routeKey": "$context.routeKey", "status": "$context.status"}
    resources: dict[str, Any] = {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": unique("api"), "ProtocolType": "HTTP"}},
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 1}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                "ApiId": api,
                "StageName": "$default",
                "AutoDeploy": True,
                "DefaultRouteSettings": {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200},
                "AccessLogSettings": {"DestinationArn": {"Fn::GetAtt": ["Log", "Arn"]}, "Format": json.dumps(log)},
            },
        },
        "Authorizer": {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                "ApiId": api,
                "AuthorizerType": "JWT",
                "IdentitySource": ["$request.header.Authorization"],
                "JwtConfiguration": {"Audience": [AUDIENCE], "Issuer": issuer.url},
                "Name": "tokens",
            },
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": api,
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": function_arn,
                "PayloadFormatVersion": "2.0",
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": function_arn,
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{lets_in}/*/*"},
            },
        },
    }
    target = {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]}
    for number, key in enumerate([*ROUTES, "GET /open"]):
        guarded = {
            "AuthorizationType": "JWT",
            "AuthorizerId": {"Ref": "Authorizer"},
            "AuthorizationScopes": list(scopes.get(key, ())),
        }
        resources[f"Route{number}"] = {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": api,
                "RouteKey": key,
                "Target": target,
                **(guarded if key in ROUTES else {"AuthorizationType": "NONE"}),
            },
        }
    outputs = {
        "Endpoint": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}},
        "Api": {"Value": {"Ref": "Api"}},
        "Log": {"Value": {"Ref": "Log"}},
    }
    return {"Resources": resources, "Outputs": outputs}


def deploy_api(
    aws: LocalAws, issuer: Issuer, scopes: Mapping[str, Sequence[str]], *, lets_in: str = "${Api}"
) -> HttpApi:
    """A new API in front of a new function, by a template; `lets_in` is the API that the function's policy names."""
    nothing = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    role = make_role(aws, {"Version": "2012-10-17", "Statement": [nothing]})
    function = make_function(aws, ECHO, role=role)
    client, stack = aws.client("cloudformation"), unique("stack")
    client.create_stack(StackName=stack, TemplateBody=json.dumps(template(function, issuer, scopes, lets_in)))

    def settled() -> Any:
        (described,) = client.describe_stacks(StackName=stack)["Stacks"]
        return None if described["StackStatus"].endswith("_IN_PROGRESS") else described

    described = wait_until(settled)
    assert described["StackStatus"] == "CREATE_COMPLETE", described.get("StackStatusReason")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    return HttpApi(outputs["Endpoint"], outputs["Api"], function, issuer)
