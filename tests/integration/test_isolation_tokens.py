"""Tokens that nobody should believe, and names that are no tenant's, at the API of the deployed stacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ops.demo.tenant_client import TenantClient
from ops.local_aws import issuer, process
from ops.local_aws.process import Server
from tests.integration.support import Deployment, unique

ITEM: Final = {"name": "Ann", "note": "call back"}


@pytest.fixture(scope="module")
def server(deployment: Deployment) -> Server:
    running = process.running(deployment.folder)
    assert running
    return running


@pytest.fixture(scope="module")
def tenants(deployment: Deployment, server: Server) -> tuple[str, str]:
    """Two tenants with one item each, `standing`."""
    names = unique("one"), unique("two")
    for name in names:
        token = issuer.token(server, issuer.claims_of(server.endpoint, name))
        created = TenantClient(deployment["API_URL"], token).call("POST", f"/tenants/{name}/items/standing", ITEM)
        assert 201 == created.status
    return names


def encoded(part: bytes | Mapping[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Forger:
    """Makes tokens out of a good one of a tenant's, which is not the attacker's, and of what everybody may know."""

    def __init__(self, server: Server, victim: str, attacker: str) -> None:
        self._server = server
        self.claims = issuer.claims_of(server.endpoint, victim)
        self.header = json.loads(decoded(issuer.token(server, self.claims).split(".")[0]))
        self._own = issuer.token(server, issuer.claims_of(server.endpoint, attacker))
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def given(self, **claims: Any) -> str:
        """By the issuer itself, for other claims; those of None are left out."""
        whole = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return issuer.token(self._server, whole)

    def pasted(self) -> str:
        """The victim's claims into the attacker's own token."""
        header, _, signature = self._own.split(".")
        return f"{header}.{encoded(self.claims)}.{signature}"

    def signed(self, **header: Any) -> str:
        """With a key of the attacker's."""
        content = f"{encoded({**self.header, **header})}.{encoded(self.claims)}"
        return f"{content}.{encoded(self._key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def with_own_key_inside(self) -> str:
        numbers = self._key.public_key().public_numbers()
        modulus, exponent = (encoded(n.to_bytes(size, "big")) for n, size in ((numbers.n, 256), (numbers.e, 3)))
        return self.signed(jwk={"kty": "RSA", "n": modulus, "e": exponent, "alg": "RS256"})

    def by_nobody(self, alg: str) -> str:
        return f"{encoded({**self.header, 'alg': alg})}.{encoded(self.claims)}."

    def by_the_public_key(self, public: bytes) -> str:
        """HS256, whose secret is what everybody can read."""
        content = f"{encoded({**self.header, 'alg': 'HS256'})}.{encoded(self.claims)}"
        return f"{content}.{encoded(hmac.new(public, content.encode(), hashlib.sha256).digest())}"

    def public_key(self) -> bytes:
        """As PEM, from what the issuer publishes."""
        answer = TenantClient(self._server.endpoint, "").call("GET", f"{issuer.PATH}/jwks.json").json()
        modulus, exponent = (int.from_bytes(decoded(answer["keys"][0][name]), "big") for name in ("n", "e"))
        return (
            rsa.RSAPublicNumbers(exponent, modulus)
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )


FORGERIES: Final[Mapping[str, Callable[[Forger], str]]] = {
    "none": lambda _: "",
    "no token": lambda _: "acme",
    "claims under another's signature": Forger.pasted,
    "another key's signature": Forger.signed,
    "another key's, whose name is unknown": lambda forger: forger.signed(kid="mine"),
    "another key's, with that key": Forger.with_own_key_inside,
    "alg none": lambda forger: forger.by_nobody("none"),
    "alg nOnE": lambda forger: forger.by_nobody("nOnE"),
    "RS256 without a signature": lambda forger: forger.by_nobody("RS256"),
    "HS256 with the public key": lambda forger: forger.by_the_public_key(forger.public_key()),
    "expired": lambda forger: forger.given(exp=int(time.time()) - 5),
    "never expires": lambda forger: forger.given(exp=None),
    "not valid yet": lambda forger: forger.given(nbf=int(time.time()) + 600),
    "for another audience": lambda forger: forger.given(aud="another-api"),
    "for no audience": lambda forger: forger.given(aud=None),
    "of another issuer": lambda forger: forger.given(iss="https://issuer.example"),
}


@pytest.fixture(scope="module")
def forger(server: Server, tenants: tuple[str, str]) -> Forger:
    return Forger(server, *tenants)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_that_the_issuer_did_not_give_for_this_api_writes_nothing(
    deployment: Deployment, forger: Forger, tenants: tuple[str, str], forgery: str
):
    victim = tenants[0]
    client = TenantClient(deployment["API_URL"], FORGERIES[forgery](forger))

    answers = [
        client.call("GET", f"/tenants/{victim}/items/standing"),
        client.call("POST", f"/tenants/{victim}/items/forged", ITEM),
        client.call("DELETE", f"/tenants/{victim}/items/standing"),
    ]

    assert [(401, {"message": "Unauthorized"})] * 3 == [(answer.status, answer.json()) for answer in answers]
    assert deployment.stored(victim, "forged") is None
    assert "_deleted" not in deployment.stored(victim, "standing")


def test_the_same_token_by_the_issuer_for_this_api_is_good(
    deployment: Deployment, forger: Forger, tenants: tuple[str, str]
):
    good = TenantClient(deployment["API_URL"], forger.given())

    assert 200 == good.call("GET", f"/tenants/{tenants[0]}/items/standing").status


def test_the_claim_alone_says_whose_items_are_asked_for(
    deployment: Deployment, server: Server, tenants: tuple[str, str]
):
    own, other = tenants
    client = TenantClient(
        deployment["API_URL"], issuer.token(server, issuer.claims_of(server.endpoint, own) | {"tenant": other})
    )

    def told(path: str, body: dict[str, Any], **headers: str) -> tuple[int, str]:
        answer = client.call("POST", path, body, **headers)
        return answer.status, answer.json().get("type", "").removeprefix("/problems/")

    mine, theirs = (f"/tenants/{name}/items/new" for name in tenants)
    assert {
        "path": (403, "tenant-mismatch"),
        "path, and a body that is its": (403, "tenant-mismatch"),
        "path, and a body that is the claim's": (403, "tenant-mismatch"),
        "short path": (403, "tenant-mismatch"),
        "body": (422, "invalid-item"),
        "query": (400, "invalid-request"),
        "headers": (201, ""),
    } == {
        "path": told(theirs, ITEM),
        "path, and a body that is its": told(theirs, {**ITEM, "tenant_id": other}),
        "path, and a body that is the claim's": told(theirs, {**ITEM, "tenant_id": own}),
        "short path": told(f"/tenant/{other}", ITEM),
        "body": told(mine, {**ITEM, "tenant_id": other}),
        "query": told(f"{mine}?tenant_id={other}", ITEM),
        "headers": told(mine, ITEM, X_Tenant_Id=other, X_Amzn_Oidc_Data=other),
    }
    assert deployment.stored(own, "new") is not None
    assert deployment.stored(other, "new") is None


NO_TENANTS: Final[Mapping[str, Callable[[str], Any]]] = {
    "a separator after it": lambda name: f"{name}/",
    "a path to it": lambda name: f"x/../{name}",
    "a row's separator": lambda name: f"{name}#key",
    "two of them": lambda name: f"{name} {name}",
    "a list": lambda name: [name],
    "a list of two": lambda name: [name, "other"],
    "an object": lambda name: {"S": name},
    "a line's end": lambda name: f"{name}\n",
    "a null byte": lambda name: f"{name}\0",
    "a look-alike of another script": lambda name: name.replace("o", "\N{CYRILLIC SMALL LETTER O}", 1),
    "a full-width letter": lambda name: name.replace("o", "\N{FULLWIDTH LATIN SMALL LETTER O}", 1),
    "nothing to be seen in it": lambda name: f"{name}\N{ZERO WIDTH SPACE}",
    "a wildcard": lambda _: "*",
    "a wildcard for its end": lambda name: f"{name[:-1]}?",
    "a policy's variable": lambda _: "${aws:PrincipalTag/TenantID}",
    "our own": lambda _: "_system",
    "nobody": lambda _: "",
    "2,048 bytes": lambda name: name.ljust(2_048, "x"),
}


@pytest.mark.parametrize("what", NO_TENANTS)
def test_a_name_that_is_no_tenants_opens_nothing(
    deployment: Deployment, server: Server, tenants: tuple[str, str], what: str
):
    victim, name = tenants[0], NO_TENANTS[what](tenants[0])
    claims = issuer.claims_of(server.endpoint, "nobody") | {"tenant_id": name}
    client = TenantClient(deployment["API_URL"], issuer.token(server, claims))

    refused = client.call("POST", f"/tenants/{victim}/items/forged", ITEM)
    own = client.call("GET", f"/tenants/{quote(str(name), safe='') or '%20'}/items")

    assert (403, "/problems/tenant-missing") == (refused.status, refused.json()["type"])
    assert own.status in {400, 403, 404}, "nor is there a tenant of that name"
    assert deployment.stored(victim, "forged") is None
