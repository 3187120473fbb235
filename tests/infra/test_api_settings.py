"""Whom the tenant API is told to believe; what is not exactly that ends the synthesis."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from infra.api_settings import ApiSettings
from infra.settings import Settings

ISSUER = "https://issuer.example/realms/customers"


def api(**context: object) -> ApiSettings | None:
    scope = SimpleNamespace(node=SimpleNamespace(try_get_context=context.get))
    return Settings.from_context(scope).api


def deployed(**context: object) -> ApiSettings:
    chosen = api(**({"jwt_issuer": ISSUER, "jwt_audience": "sealstream"} | context))
    assert chosen is not None
    return chosen


def test_without_an_issuer_there_is_no_api_on_aws_nor_locally():
    assert (None, None) == (api(), api(local=True))


def test_with_an_issuer_and_an_audience_there_is_one():
    expected = ApiSettings(
        issuer=ISSUER,
        audience=("sealstream",),
        tenant_claim="tenant_id",
        limited_classes=("pii",),
        rate=100,
        burst=200,
        concurrency=100,
    )
    assert expected == deployed()


def test_each_choice_is_taken():
    chosen = deployed(
        jwt_audience="web, batch",
        tenant_claim="https://claims.example/tenant",
        limited_classes="pii,phi",
        api_rate=5_000,
        api_burst="5000",
        api_concurrency="7",
    )

    assert 7 == chosen.concurrency
    assert deployed(api_concurrency=0).concurrency is None
    assert (("web", "batch"), "https://claims.example/tenant") == (chosen.audience, chosen.tenant_claim)
    assert (("pii", "phi"), 5_000, 5_000) == (chosen.limited_classes, chosen.rate, chosen.burst)


@pytest.mark.parametrize(
    "issuer",
    [
        "issuer.example",
        "http://issuer.example",
        "https://",
        "https://issuer.example?x=1",
        "https://issuer.example/#x",
        "https://a@issuer.example",
        "https://issuer.example/ x",
        "http://127.0.0.1:4566/_issuer",
    ],
)
def test_an_issuer_that_anybody_on_the_way_could_play_is_an_error(issuer):
    with pytest.raises(ValueError, match="context jwt_issuer"):
        deployed(jwt_issuer=issuer)


def test_an_issuer_of_this_machine_will_do_on_the_local_aws_alone():
    assert deployed(jwt_issuer="http://127.0.0.1:4566/_issuer", local=True).issuer.startswith("http://127.0.0.1")
    for other in ("http://127.0.0.1.issuer.example:80/x", "http://issuer.example:80", "http://127.0.0.1"):
        with pytest.raises(ValueError, match="context jwt_issuer"):
            deployed(jwt_issuer=other, local=True)


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"jwt_audience": ""}, "context jwt_audience"),
        ({"jwt_audience": "web,,batch"}, "context jwt_audience"),
        ({"jwt_audience": "*"}, "context jwt_audience"),
        ({"tenant_claim": ""}, "context tenant_claim"),
        ({"tenant_claim": "tenant id"}, "context tenant_claim"),
        ({"limited_classes": ""}, "context limited_classes"),
        ({"limited_classes": "pii,secret"}, "'secret' is none of the policy's classes"),
        ({"limited_classes": "quarantine"}, "'quarantine' is none of the policy's classes"),
        ({"api_rate": "0"}, "context api_rate"),
        ({"api_rate": 10_001}, "whole number of 1 to 10000"),
        ({"api_rate": "1e3"}, "context api_rate"),
        ({"api_burst": 5_001}, "whole number of 1 to 5000"),
        ({"api_burst": True}, "context api_burst"),
    ],
    ids=str,
)
def test_any_other_value_is_an_error(context, says):
    with pytest.raises(ValueError, match=says):
        deployed(**context)


def test_an_audience_without_an_issuer_is_an_error():
    with pytest.raises(ValueError, match="without jwt_issuer"):
        api(jwt_audience="sealstream")
