"""Keys that sign manifests, on moto."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.signing_keys import KmsSigningKeys
from shared.errors import KeyServiceUnavailable, TrailUnreadable
from shared.trail.public_key import PublicKey

STATEMENT = b'{"number":1}'


@pytest.fixture
def kms() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("kms", region_name="us-east-1", config=config("kms"))


def _key(kms: Any, spec: str) -> str:
    return kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]


def test_what_a_key_signs_its_public_half_proves(kms):
    keys, arn = KmsSigningKeys(kms), _key(kms, "ECC_NIST_P256")
    digest = sha256(STATEMENT).digest()
    sent: list[Any] = []
    kms.meta.events.register("provide-client-params.kms.Sign", lambda params, **_: sent.append(params))

    signature = keys.sign(arn, digest)

    # moto takes a digest for a message, and signs the digest of it
    assert keys.public_key(arn).has_signed(sha256(digest).digest(), signature)
    assert not keys.public_key(arn).has_signed(digest, signature)
    assert ["DIGEST"] == [params["MessageType"] for params in sent]


def test_a_public_key_is_the_same_as_its_text(kms):
    key = KmsSigningKeys(kms).public_key(_key(kms, "ECC_NIST_P256"))

    assert PublicKey.from_pem(key.pem) == key
    assert PublicKey.from_der(key.der) == key


def test_a_key_of_another_curve_is_refused(kms):
    with pytest.raises(TrailUnreadable, match="P-256"):
        KmsSigningKeys(kms).public_key(_key(kms, "ECC_NIST_P384"))


@pytest.mark.parametrize("der", [b"", b"no key"])
def test_bytes_that_are_no_key_are_refused(der):
    with pytest.raises(TrailUnreadable, match="SubjectPublicKeyInfo"):
        PublicKey.from_der(der)


def test_without_the_key_nothing_is_answered(kms):
    keys = KmsSigningKeys(kms)
    arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"

    with pytest.raises(KeyServiceUnavailable):
        keys.public_key(arn)
    with pytest.raises(KeyServiceUnavailable):
        keys.sign(arn, bytes(32))
