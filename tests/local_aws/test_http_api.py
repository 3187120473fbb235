"""What the tenant API asks of API Gateway's HTTP APIs: routes, the event of payload format 2.0, tokens, refusals."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.local_aws.http_api import AUDIENCE, HttpApi, Issuer, deploy_api, encoded, running_issuer
from tests.local_aws.support import LocalAws

ONE = "/tenants/acme/items/42"
READ, WRITE = "GET /tenants/{tenant_id}/items/{item_id}", "POST /tenants/{tenant_id}/items/{item_id}"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def api(local_aws: LocalAws, issuer: Issuer) -> HttpApi:
    return deploy_api(local_aws, issuer, {WRITE: ["items.write", "items.all"]})


def test_the_endpoint_of_an_api_is_reached_without_a_name_server(api: HttpApi) -> None:
    assert api.endpoint.startswith("http://127.0.0.1:")
    assert 200 == api.send("GET", "/open", token=None).status


def test_an_event_has_the_shape_of_payload_format_2(api: HttpApi) -> None:
    event = api.event("GET", f"{ONE}?a=1&b=x%20y&a=2", accept="text/plain", X_Own="Value")
    assert {
        "version": "2.0",
        "routeKey": READ,
        "rawPath": ONE,
        "rawQueryString": "a=1&b=x%20y&a=2",
        "queryStringParameters": {"a": "1,2", "b": "x y"},
        "pathParameters": {"tenant_id": "acme", "item_id": "42"},
        "isBase64Encoded": False,
    } == {name: value for name, value in event.items() if name not in ("headers", "requestContext")}
    assert ("text/plain", "Value") == (event["headers"]["accept"], event["headers"]["x-own"])
    context = event["requestContext"]
    assert {
        "accountId", "apiId", "authorizer", "domainName", "domainPrefix", "http", "requestId", "routeKey", "stage",
        "time", "timeEpoch",
    } == set(context)  # fmt: skip
    assert (api.api_id, "$default", READ) == (context["apiId"], context["stage"], context["routeKey"])
    assert {"method", "path", "protocol", "sourceIp", "userAgent"} == set(context["http"])
    assert ("GET", ONE) == (context["http"]["method"], context["http"]["path"])
    assert abs(time.time() * 1000 - context["timeEpoch"]) < 60_000


def test_cookies_are_told_apart_from_headers(api: HttpApi) -> None:
    event = api.event("GET", ONE, cookie="a=1; b=2")
    assert ["a=1", "b=2"] == event["cookies"]
    assert "cookie" not in event["headers"]


@pytest.mark.also_on_stock
def test_claims_are_told_as_strings_and_scopes_as_a_list(api: HttpApi) -> None:
    token = api.issuer.token(
        tenant_id="acme", scope="items.write items.read", level=7, admin=True, groups=["a", "b"], exp=2_000_000_000
    )
    (jwt,) = api.event("GET", ONE, token=token)["requestContext"]["authorizer"].values()
    assert {"claims", "scopes"} == set(jwt)
    assert all(isinstance(value, str) for value in jwt["claims"].values())
    claims = jwt["claims"]
    assert ("acme", "7", "true", "[a b]", "2000000000") == (
        claims["tenant_id"],
        claims["level"],
        claims["admin"],
        claims["groups"],
        claims["exp"],
    )


@pytest.mark.also_on_stock
@pytest.mark.parametrize(
    ("sent", "got"), [("a%20b", "a b"), ("a+b", "a+b"), ("%C3%A9", "é"), ("%3A%40", ":@"), ("a%23b", "a#b")]
)
def test_a_path_parameter_is_decoded(api: HttpApi, sent: str, got: str) -> None:
    event = api.event("GET", f"/tenants/acme/items/{sent}")
    assert (f"/tenants/acme/items/{got}", got) == (event["rawPath"], event["pathParameters"]["item_id"])


@pytest.mark.parametrize(("sent", "got"), [("a%253Fb", "a?b"), ("a%2525b", "a%b"), ("a%2520b", "a b"), ("a%3Fb", "a")])
def test_a_path_is_decoded_twice_and_ends_at_a_question_mark_in_between(api: HttpApi, sent: str, got: str) -> None:
    event = api.event("GET", f"/tenants/acme/items/{sent}?limit=1")
    assert (f"/tenants/acme/items/{got}", got) == (event["rawPath"], event["pathParameters"]["item_id"])
    assert "limit=1" == event["rawQueryString"]


def test_a_percent_sign_that_begins_no_escape_in_the_end_is_a_bad_request(api: HttpApi) -> None:
    assert 400 == api.send("GET", "/tenants/acme/items/percent%25done").status


@pytest.mark.also_on_stock
def test_an_encoded_slash_parts_segments_and_no_route_has_as_many(api: HttpApi) -> None:
    answer = api.send("GET", "/tenants/acme/items/a%2Fb")
    assert (404, {"message": "Not Found"}) == (answer.status, answer.json())


@pytest.mark.also_on_stock
@pytest.mark.parametrize("what", ["GET /", "GET /nowhere", f"PUT {ONE}", f"PATCH {ONE}", "POST /open", f"GET {ONE}/x"])
def test_what_no_route_has_is_not_found_whatever_the_method(api: HttpApi, what: str) -> None:
    method, path = what.split(" ")
    answer = api.send(method, path)
    assert (404, {"message": "Not Found"}) == (answer.status, answer.json())


def test_without_cors_a_preflight_is_a_request_like_any_other(api: HttpApi) -> None:
    answer = api.send("OPTIONS", ONE, origin="https://a.example", access_control_request_method="GET")
    assert (404, {"message": "Not Found"}) == (answer.status, answer.json())


REFUSED = {
    "none": None,
    "no token": "nonsense",
    "two parts": "e30.e30",
    "not JSON": "bm90.bm90.bm90",
    "not an object": f"{encoded(b'[1]')}.{encoded(b'[1]')}.e30",
}


def refused_tokens(issuer: Issuer) -> dict[str, str | None]:
    now = int(time.time())
    good = issuer.token()
    header, claims, signature = good.split(".")
    none = encoded({"alg": "none", "typ": "JWT", "kid": "one"})
    symmetric = encoded({"alg": "HS256", "typ": "JWT", "kid": "one"})
    mac = hmac.new(issuer.public_pem(), f"{symmetric}.{claims}".encode(), hashlib.sha256).digest()
    stranger = Issuer(issuer.url, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return {
        **REFUSED,
        "expired": issuer.token(exp=now - 10),
        "without an end": issuer.token(exp=None),
        "an end that is no number": issuer.token(exp="tomorrow"),
        "not yet": issuer.token(nbf=now + 100),
        "issued later": issuer.token(iat=now + 100),
        "another issuer": issuer.token(iss="https://another.example"),
        "no issuer": issuer.token(iss=None),
        "another audience": issuer.token(aud="https://another.example"),
        "another of several": issuer.token(aud=["a", "b"]),
        "no audience": issuer.token(aud=None),
        "another client": issuer.token(aud=None, client_id="other"),
        "audience wins": issuer.token(aud="https://another.example", client_id=AUDIENCE),
        "unknown key": issuer.token({"kid": "two"}),
        "no key id": issuer.token({"kid": None}),
        "another's signature": stranger.token(),
        "altered": f"{header}.{encoded({'iss': issuer.url, 'aud': AUDIENCE, 'exp': now + 60})}.{signature}",
        "alg none": f"{none}.{claims}.",
        "alg none, signed": f"{none}.{claims}.{signature}",
        "HS256 with the public key": f"{symmetric}.{claims}.{encoded(mac)}",
        "RSA called something else": issuer.token({"alg": "HS256"}),
        "RSA called none": issuer.token({"alg": "none"}),
    }


#: What MiniStack by itself lets pass, or breaks down on.
REPAIRED = {
    "not an object",
    "without an end",
    "an end that is no number",
    "RSA called something else",
    "RSA called none",
}
WHYS = list(refused_tokens(Issuer("", rsa.generate_private_key(public_exponent=65537, key_size=2048))))


@pytest.mark.parametrize(
    "why", [why if why in REPAIRED else pytest.param(why, marks=pytest.mark.also_on_stock) for why in WHYS]
)
def test_a_bad_token_is_unauthorized_and_nothing_is_said_to_the_function(api: HttpApi, why: str) -> None:
    answer = api.send("GET", ONE, token=refused_tokens(api.issuer)[why])
    assert (401, {"message": "Unauthorized"}) == (answer.status, answer.json())
    assert "application/json" == answer.headers["content-type"]


@pytest.mark.also_on_stock
@pytest.mark.parametrize(
    "claims", [{"aud": ["x", AUDIENCE]}, {"aud": None, "client_id": AUDIENCE}, {"nbf": None, "iat": None}]
)
def test_a_good_token_passes(api: HttpApi, claims: dict[str, Any]) -> None:
    assert 200 == api.send("GET", ONE, token=api.issuer.token(**claims)).status


@pytest.mark.also_on_stock
def test_a_token_counts_with_and_without_the_word_bearer(api: HttpApi) -> None:
    assert 200 == api.send("GET", ONE, token=None, authorization=api.issuer.token()).status
    assert 200 == api.send("GET", ONE, token=None, authorization=f"bearer {api.issuer.token()}").status


def test_a_refusal_says_why_in_its_header(api: HttpApi) -> None:
    assert "Bearer" == api.send("GET", ONE, token=None).headers["www-authenticate"]
    refused = api.send("GET", ONE, token=api.issuer.token(exp=1)).headers["www-authenticate"]
    assert refused.startswith('Bearer scope="" error="invalid_token" error_description="')


@pytest.mark.also_on_stock
@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        ({}, 403),
        ({"scope": "items.read"}, 403),
        ({"scope": "items.writer"}, 403),
        ({"scope": "items.read items.write"}, 200),
        ({"scope": "items.all"}, 200),
        ({"scp": ["items.write"]}, 200),
    ],
)
def test_a_route_asks_for_one_of_its_scopes(api: HttpApi, scopes: dict[str, Any], status: int) -> None:
    answer = api.send("POST", ONE, b"{}", token=api.issuer.token(**scopes), content_type="application/json")
    assert status == answer.status
    if status == 403:
        assert {"message": "Forbidden"} == answer.json()


def write(api: HttpApi) -> str:
    return api.issuer.token(scope="items.write")


@pytest.mark.also_on_stock
@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain"])
def test_a_text_comes_as_it_is(api: HttpApi, kind: str) -> None:
    event = api.event("POST", ONE, '{"é": 1.10}'.encode(), token=write(api), content_type=kind)
    assert ('{"é": 1.10}', False) == (event["body"], event["isBase64Encoded"])


@pytest.mark.also_on_stock
def test_anything_else_comes_in_base64(api: HttpApi) -> None:
    event = api.event("POST", ONE, b"\xff\x00", token=write(api), content_type="application/octet-stream")
    assert (b"\xff\x00", True) == (base64.b64decode(event["body"]), event["isBase64Encoded"])


@pytest.mark.also_on_stock
def test_a_request_without_a_body_has_none(api: HttpApi) -> None:
    assert "body" not in api.event("POST", ONE, token=write(api))


def test_more_than_ten_megabytes_are_too_much(api: HttpApi) -> None:
    answer = api.send("POST", ONE, b" " * (10 * 2**20 + 1), token=write(api), content_type="application/json")
    assert (413, {"message": "Request Entity Too Large"}) == (answer.status, answer.json())


def answered(api: HttpApi, answer: Any) -> Any:
    body = json.dumps({"answer": answer}).encode()
    return api.send("POST", ONE, body, token=write(api), content_type="application/json")


@pytest.mark.also_on_stock
def test_status_headers_and_body_are_the_function_s(api: HttpApi) -> None:
    headers = {"content-type": "application/problem+json", "etag": '"7"', "retry-after": "1"}
    answer = answered(api, {"statusCode": 409, "headers": headers, "body": '{"é": 1}'})
    assert 409 == answer.status
    assert headers == {name: answer.headers[name] for name in headers}
    assert '{"é": 1}'.encode() == answer.body
    assert "apigw-requestid" in answer.headers


@pytest.mark.also_on_stock
def test_a_body_in_base64_is_sent_as_bytes(api: HttpApi) -> None:
    answer = answered(api, {"statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(b"\xff\x00").decode()})
    assert b"\xff\x00" == answer.body


@pytest.mark.also_on_stock
def test_an_answer_without_content_has_no_body(api: HttpApi) -> None:
    answer = answered(api, {"statusCode": 204})
    assert (204, b"") == (answer.status, answer.body)


@pytest.mark.also_on_stock
@pytest.mark.parametrize(("answer", "body"), [({"some": "document"}, b'{"some": "document"}'), ("text", b"text")])
def test_an_answer_without_a_status_is_the_body_itself(api: HttpApi, answer: Any, body: bytes) -> None:
    got = answered(api, answer)
    assert (200, "application/json", body) == (got.status, got.headers["content-type"], got.body)


@pytest.mark.parametrize("answer", [{"statusCode": "many"}, "raise"])
def test_a_function_that_fails_is_an_internal_error(api: HttpApi, answer: Any) -> None:
    got = answered(api, answer)
    assert (500, {"message": "Internal Server Error"}) == (got.status, got.json())


def test_an_api_that_its_function_does_not_let_in_is_an_internal_error(local_aws: LocalAws, issuer: Issuer) -> None:
    api = deploy_api(local_aws, issuer, {}, lets_in="another")
    answer = api.send("GET", "/open", token=None)
    assert (500, {"message": "Internal Server Error"}) == (answer.status, answer.json())


def test_a_stage_has_its_throttling_and_access_log(api: HttpApi, local_aws: LocalAws) -> None:
    stage = local_aws.client("apigatewayv2").get_stage(ApiId=api.api_id, StageName="$default")
    assert stage["AutoDeploy"]
    assert {"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 200} == stage["DefaultRouteSettings"]
    assert {"DestinationArn", "Format"} == set(stage["AccessLogSettings"])
