"""The adapter of KMS for rotation: what it sends, and that it opens nothing."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from shared.aws.clients import config
from shared.aws.kms_wrapping import KmsWrappingService
from shared.errors import DoesNotOpen, KeyDenied, KeyServiceUnavailable
from shared.keys.rotation.ports import WrappedKey

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1"
FORMER = "arn:aws:kms:eu-central-1:111122223333:key/0"
CONTEXT = {"tenant_id": "tenant-1"}


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.client("kms", region_name="eu-central-1", config=config("kms"))
    with Stubber(client) as stubber:
        yield KmsWrappingService(client, ARN), stubber


def test_rewrapping_names_both_kms_keys_and_sends_the_same_context_twice(stubbed):
    service, stubber = stubbed
    stubber.add_response(
        "re_encrypt",
        {"CiphertextBlob": b"new", "SourceKeyId": FORMER, "KeyId": ARN, "DestinationKeyMaterialId": "b" * 64},
        {
            "CiphertextBlob": b"old",
            "SourceKeyId": FORMER,
            "SourceEncryptionContext": CONTEXT,
            "DestinationKeyId": ARN,
            "DestinationEncryptionContext": CONTEXT,
        },
    )
    assert WrappedKey(b"new", ARN, "b" * 64) == service.rewrap(b"old", FORMER, CONTEXT)


def test_a_new_key_is_asked_for_without_its_clear_form(stubbed):
    service, stubber = stubbed
    stubber.add_response(
        "generate_data_key_without_plaintext",
        {"CiphertextBlob": b"new", "KeyId": ARN, "KeyMaterialId": "b" * 64},
        {"KeyId": ARN, "KeySpec": "AES_256", "EncryptionContext": CONTEXT},
    )
    assert WrappedKey(b"new", ARN, "b" * 64) == service.generate_wrapped(CONTEXT)


def test_the_current_key_material_is_what_describe_key_tells(stubbed):
    service, stubber = stubbed
    metadata = {"KeyId": "1", "CurrentKeyMaterialId": "b" * 64}
    stubber.add_response("describe_key", {"KeyMetadata": metadata}, {"KeyId": ARN})
    stubber.add_response("describe_key", {"KeyMetadata": {"KeyId": "1"}}, {"KeyId": ARN})
    assert ["b" * 64, ""] == [service.current_material_id(ARN) for _ in range(2)]


def test_a_kms_that_tells_no_key_material_is_taken_as_it_is(stubbed):
    service, stubber = stubbed
    stubber.add_response("re_encrypt", {"CiphertextBlob": b"new", "SourceKeyId": ARN, "KeyId": ARN})
    stubber.add_response("generate_data_key_without_plaintext", {"CiphertextBlob": b"new", "KeyId": ARN})
    assert service.rewrap(b"old", ARN, CONTEXT).key_material_id == ""
    assert service.generate_wrapped(CONTEXT).key_material_id == ""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", KeyDenied),
        ("InvalidCiphertextException", DoesNotOpen),
        ("IncorrectKeyException", DoesNotOpen),
        ("DisabledException", KeyServiceUnavailable),
        ("KMSInvalidStateException", KeyServiceUnavailable),
        ("ThrottlingException", KeyServiceUnavailable),
    ],
)
def test_refusals_are_translated_and_say_only_operation_code_and_request(stubbed, code, expected):
    service, stubber = stubbed
    for method, operation, call in (
        ("re_encrypt", "ReEncrypt", lambda: service.rewrap(b"old", ARN, CONTEXT)),
        (
            "generate_data_key_without_plaintext",
            "GenerateDataKeyWithoutPlaintext",
            lambda: service.generate_wrapped(CONTEXT),
        ),
        ("describe_key", "DescribeKey", lambda: service.current_material_id(ARN)),
    ):
        stubber.add_client_error(method, code, "CANARY in the message", response_meta={"RequestId": "request-1"})
        with pytest.raises(expected) as caught:
            call()
        assert f"KMS {operation}: {code} (request request-1)" == str(caught.value)
        assert caught.value.__suppress_context__
