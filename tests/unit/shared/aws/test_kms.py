"""The adapter of KMS: what it sends, and what becomes of KMS's refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError, ParamValidationError
from botocore.stub import Stubber

from shared.aws.clients import config
from shared.aws.errors import key_service_error
from shared.aws.kms import KmsKeyOpener, KmsKeyService
from shared.errors import DoesNotOpen, KeyDenied, KeyServiceUnavailable, SettingsError
from tests.evidence import evidence

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1"
CONTEXT = {"tenant_id": "tenant-1"}


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.client("kms", region_name="eu-central-1", config=config("kms"))
    with Stubber(client) as stubber:
        yield KmsKeyService(client, ARN), stubber


class BrokenClient:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def call(**_: object) -> None:
            raise self.error

        return call


def test_a_key_is_generated_under_the_attribute_key_with_the_whole_context(stubbed):
    service, stubber = stubbed
    answer = {"Plaintext": b"p" * 32, "CiphertextBlob": b"wrapped", "KeyId": ARN, "KeyMaterialId": "a" * 64}
    stubber.add_response(
        "generate_data_key", answer, {"KeyId": ARN, "KeySpec": "AES_256", "EncryptionContext": CONTEXT}
    )
    made = service.generate(CONTEXT)
    assert (
        made.plaintext,
        made.encrypted,
        made.kms_key_arn,
        made.key_material_id,
    ) == (b"p" * 32, b"wrapped", ARN, "a" * 64)


def test_a_kms_that_tells_no_key_material_is_taken_as_it_is(stubbed):
    service, stubber = stubbed
    stubber.add_response("generate_data_key", {"Plaintext": b"p" * 32, "CiphertextBlob": b"wrapped", "KeyId": ARN})
    assert service.generate(CONTEXT).key_material_id == ""


def test_opening_names_the_kms_key_to_kms(stubbed):
    service, stubber = stubbed
    stubber.add_response(
        "decrypt",
        {"Plaintext": b"p" * 32, "KeyId": ARN},
        {"KeyId": ARN, "CiphertextBlob": b"wrapped", "EncryptionContext": CONTEXT},
    )
    assert service.decrypt(b"wrapped", ARN, CONTEXT) == b"p" * 32


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", KeyDenied),
        ("InvalidCiphertextException", DoesNotOpen),
        ("IncorrectKeyException", DoesNotOpen),
        ("DisabledException", KeyServiceUnavailable),
        ("KMSInvalidStateException", KeyServiceUnavailable),
        ("KeyUnavailableException", KeyServiceUnavailable),
        ("NotFoundException", KeyServiceUnavailable),
        ("ThrottlingException", KeyServiceUnavailable),
        ("KMSInternalException", KeyServiceUnavailable),
        ("DependencyTimeoutException", KeyServiceUnavailable),
        ("ExpiredTokenException", KeyServiceUnavailable),
    ],
)
def test_refusals_are_translated_and_say_only_operation_code_and_request(stubbed, code, expected):
    service, stubber = stubbed
    for method, call in (
        ("generate_data_key", lambda: service.generate(CONTEXT)),
        ("decrypt", lambda: service.decrypt(b"wrapped", ARN, CONTEXT)),
    ):
        stubber.add_client_error(method, code, "CANARY in the message", response_meta={"RequestId": "request-1"})
        with pytest.raises(expected) as caught:
            call()
        operation = {"generate_data_key": "GenerateDataKey", "decrypt": "Decrypt"}[method]
        assert f"KMS {operation}: {code} (request request-1)" == str(caught.value)
        assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectTimeoutError(endpoint_url="https://kms"), KeyServiceUnavailable),
        (ParamValidationError(report="CANARY"), KeyServiceUnavailable),
        (NoCredentialsError(), SettingsError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_what_botocore_itself_raises_is_translated_without_its_text(error, expected):
    service = KmsKeyService(BrokenClient(error), ARN)  # type: ignore[arg-type]
    with pytest.raises(expected) as caught:
        service.decrypt(b"wrapped", ARN, CONTEXT)
    assert f"KMS Decrypt: {type(error).__name__}" == str(caught.value)


def test_refusals_recorded_on_aws_are_taken_for_what_they_are():
    recorded = list(_recorded_errors(evidence("aws_recorded_kms.json")))
    expected = {
        "InvalidCiphertextException": DoesNotOpen,
        "IncorrectKeyException": DoesNotOpen,
        "DisabledException": KeyServiceUnavailable,
    }
    assert expected == {
        code: type(key_service_error(ClientError(response, "Decrypt"), "KMS Decrypt"))
        for code, response in recorded
        if code in expected
    }


def _recorded_errors(recording: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(recording, dict):
        if "Code" in recording.get("Error", ()):
            yield recording["Error"]["Code"], recording
        for part in recording.values():
            yield from _recorded_errors(part)


def test_who_may_make_no_keys_does_not_ask_kms_for_one():
    client: Any = BrokenClient(AssertionError("KMS was asked"))

    with pytest.raises(KeyDenied, match="class pii"):
        KmsKeyOpener(client, ARN).generate({"data_class": "pii"})
