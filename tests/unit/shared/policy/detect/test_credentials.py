"""Keys and tokens are recognised by their issuers' marks. None here was ever valid."""

from __future__ import annotations

from zlib import crc32

import pytest

from shared.policy.detect.credentials import find_credentials
from shared.policy.detect.names import Detector

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base_62(number, width=6):
    return "".join(ALPHABET[number // 62**place % 62] for place in reversed(range(width)))


BODY = "x9" * 15
GITHUBS = f"ghp_{BODY}{base_62(crc32(BODY.encode()))}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AKIAIOSFODNN7EXAMPLE", Detector.AWS_KEY),
        ("key=ASIAIOSFODNN7EXAMPLE;", Detector.AWS_KEY),
        (f"aws_secret_access_key = {SECRET}", Detector.AWS_KEY),
        (f'"SecretAccessKey": "{SECRET}"', Detector.AWS_KEY),
        ("-----BEGIN PRIVATE KEY-----\nMII", Detector.PRIVATE_KEY),
        ("-----BEGIN EC PRIVATE KEY-----", Detector.PRIVATE_KEY),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", Detector.PRIVATE_KEY),
        ("PuTTY-User-Key-File-3: ssh-ed25519", Detector.PRIVATE_KEY),
        ("AGE-SECRET-KEY-1" + "Q" * 58, Detector.PRIVATE_KEY),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_X", Detector.TOKEN),
        (GITHUBS, Detector.TOKEN),
        ("glpat-" + "a1" * 10, Detector.TOKEN),
        ("xoxb-123456789012-" + "a1" * 10, Detector.TOKEN),
        ("sk_live_" + "a1" * 12, Detector.TOKEN),
        (f"github_pat_{'a1' * 11}_{'B2c' * 19}d4", Detector.TOKEN),
    ],
)
def test_a_credential_is_recognised(text, expected):
    assert [expected] == list(find_credentials(text))


@pytest.mark.parametrize("where", ["aws_secret_access_key", "aws.secretAccessKey", "keys[].secret-access-key"])
def test_the_name_of_its_place_says_what_a_bare_secret_is(where):
    assert [Detector.AWS_KEY] == list(find_credentials(SECRET, where))
    assert [] == list(find_credentials(SECRET, f"{where}_hash"))


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPL",
        "XAKIAIOSFODNN7EXAMPLE",
        "AKIA0OSFODNN7EXAMPLE",  # no digit 0 in base 32
        SECRET,  # forty characters of base 64 are anybody's
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0",
        GITHUBS[:-1] + ("a" if GITHUBS[-1] != "a" else "b"),
        "sk_test_" + "a1" * 12,
    ],
)
def test_what_only_looks_similar_is_left_alone(text):
    assert [] == list(find_credentials(text))
