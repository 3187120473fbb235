from __future__ import annotations

import json
from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.errors import TrailUnreadable
from shared.trail.canonical import canonical_json
from shared.trail.manifest import (
    Attested,
    Link,
    Manifest,
    UnknownVersion,
    link_to,
    manifest_key,
    manifest_number,
    split,
)
from shared.trail.public_key import PublicKey
from tests.fakes.trail import START, key

SEGMENTS = tuple(
    Attested(
        f"segments/2026/01/01/00/auditor/shard-{n}-0123456789abcdef0123456789abcdef.ndjson.gz",
        f"v{n}",
        str(n) * 64,
        300,
        2,
    )
    for n in (1, 2)
)
SECOND = Manifest(
    number=2,
    created_at=int(START * 1_000) + 7,
    previous=Link(1, "ab" * 32),
    segments=SEGMENTS,
    signing_key=key(1).name,
    more=True,
    next_key=key(2).as_next,
)
FIRST = Manifest(1, int(START * 1_000), None, (), key(1).name)
STATEMENT = split(SECOND.to_bytes(key(1).sign))[0]


def stated(**changes) -> bytes:
    """The second manifest's statement with other fields; `...` takes one away."""
    document = json.loads(STATEMENT) | changes
    return canonical_json({name: value for name, value in document.items() if value is not ...})


def test_the_statement_has_the_fields_of_the_page_in_one_spelling():
    assert (
        b'{"created_at":"2026-01-01T00:00:00.000Z","more":false,"number":1,"previous":null,"segments":[],'
        b'"signing_key":{"arn":"arn:aws:kms:eu-central-1:000000000000:key/1","sha256":"'
        + key(1).public.sha256.encode()
        + b'"},"version":1}'
    ) == split(FIRST.to_bytes(key(1).sign))[0]


@pytest.mark.parametrize("manifest", [FIRST, SECOND])
def test_a_manifest_comes_back(manifest):
    assert manifest == Manifest.from_statement(split(manifest.to_bytes(key(1).sign))[0])


def test_the_signature_is_over_the_first_line_and_of_the_signing_key():
    statement, signature = split(SECOND.to_bytes(key(1).sign))

    assert key(1).public.has_signed(sha256(statement).digest(), signature)
    assert not key(1).public.has_signed(sha256(statement + b"\n").digest(), signature)
    assert not key(2).public.has_signed(sha256(statement).digest(), signature)
    assert not key(1).public.has_signed(sha256(statement).digest(), b"no DER")


def test_a_link_is_the_digest_of_both_lines():
    content = SECOND.to_bytes(key(1).sign)

    assert Link(2, sha256(content).hexdigest()) == link_to(SECOND, content)


def test_keys_are_numbered_from_one_on():
    assert "manifests/000000000007.json" == manifest_key(7) == Manifest(7, 0, None, (), key(1).name).key
    assert 7 == manifest_number("manifests/000000000007.json")
    for other in ("manifests/000000000000.json", "manifests/7.json", "manifests/000000000007.json\n", "segments/"):
        assert manifest_number(other) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        STATEMENT,
        STATEMENT + b"\n",
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":"AAAA"}',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":"AAAA"}\n\n',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":"AAAA"}\nx',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256", "signature":"AAAA"}\n',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_384","signature":"AAAA"}\n',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":"AAAA","signature":"AAAA"}\n',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":"A"}\n',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":"AB=="}\n',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":"\\u00e4"}\n',
        STATEMENT + b'\n{"algorithm":"ECDSA_SHA_256","signature":7}\n',
        STATEMENT + b'\n{"signature":"AAAA"}\n',
        STATEMENT + b"\n[]\n",
    ],
)
def test_what_is_not_two_lines_with_a_signature_is_unreadable(content):
    with pytest.raises(TrailUnreadable):
        split(content)


@pytest.mark.parametrize(
    "statement",
    [
        b"",
        b"{}",
        STATEMENT.replace(b",", b", ", 1),
        STATEMENT.replace(b'"more":true', b'"more":NaN'),
        stated(more=...),
        stated(more=1),
        stated(number=True),
        stated(number=3),
        stated(number=2.0),
        stated(version="1"),
        stated(version=...),
        stated(other=1),
        stated(previous=...),
        stated(previous=None),
        stated(previous={"number": 1}),
        stated(previous=[]),
        stated(next_key=None),
        stated(next_key={"arn": "x"}),
        stated(signing_key={}),
        stated(segments={}),
        stated(segments=[{}]),
        stated(created_at=7),
        stated(created_at="2026-01-01T00:00:00.007000Z"),
        stated(created_at="2026-01-01T00:00:00Z"),
        stated(created_at="2026-13-01T00:00:00.007Z"),
        stated(segments=json.loads(STATEMENT)["segments"][::-1]),
        stated(segments=json.loads(STATEMENT)["segments"][:1] * 2),
        stated(segments=[json.loads(STATEMENT)["segments"][0] | {"key": "segments/other"}]),
        stated(segments=[json.loads(STATEMENT)["segments"][0] | {"sha256": "AB" * 32}]),
    ],
)
def test_what_no_notary_states_is_unreadable(statement):
    with pytest.raises(TrailUnreadable) as refused:
        Manifest.from_statement(statement)
    assert not isinstance(refused.value, UnknownVersion)


def test_another_version_is_not_read_as_this_one():
    with pytest.raises(UnknownVersion, match="version 2"):
        Manifest.from_statement(stated(version=2, later="field"))


def test_the_key_is_named_by_the_digest_of_its_der_bytes():
    body = "".join(key(1).pem.splitlines()[1:-1])

    assert sha256(b64decode(body)).hexdigest() == key(1).public.sha256
    assert b64encode(key(1).public.der).decode() == body


P384 = (
    ec.derive_private_key(7, ec.SECP384R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
ED25519 = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


@pytest.mark.parametrize("pem", ["", "\ud800", key(1).pem[:-40], ED25519, P384])
def test_only_a_p256_key_is_taken(pem):
    with pytest.raises(TrailUnreadable, match="public key"):
        PublicKey.from_pem(pem)
