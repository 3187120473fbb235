"""The repaired KMS answers what real AWS answered, recording by recording.

Values that differ from run to run stand in the recordings as placeholders; `_masked` puts the same into our answers.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.evidence import evidence
from tests.local_aws.support import ACCOUNT, REGION, LocalAws, unique

_PLACEHOLDERS = {
    "CiphertextBlob": "ciphertext-blob",
    "Plaintext": "plaintext",
    "NextRotationDate": "datetime",
    "CreationDate": "datetime",
}


@pytest.fixture
def kms(local_aws: LocalAws) -> Any:
    return local_aws.client("kms")


def _recorded(test: str, group: str = "TestKMS") -> Any:
    content = evidence("aws_recorded_kms.json")[f"tests/aws/services/kms/test_kms.py::{group}::{test}"]
    return content["recorded-content"]


def _masked(answer: Any, names: dict[str, str]) -> Any:
    """The answer with each value that `names` lists, and each that a recording masks, replaced."""
    if isinstance(answer, dict):
        return {key: _PLACEHOLDERS.get(key) or _masked(value, names) for key, value in _trimmed(answer).items()}
    if isinstance(answer, list):
        return [_masked(value, names) for value in answer]
    for value, placeholder in names.items():
        answer = answer.replace(value, placeholder) if isinstance(answer, str) else answer
    return answer


def _trimmed(answer: dict[str, Any]) -> dict[str, Any]:
    if "HTTPStatusCode" in answer:
        return {"HTTPHeaders": {}, "HTTPStatusCode": answer["HTTPStatusCode"]}
    return answer


def _refusal(call: Callable[..., Any], names: dict[str, str] | None = None, **parameters: Any) -> Any:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response
    return _masked({"Error": {name: error["Error"][name] for name in ("Code", "Message")}}, names or {}) | {
        "HTTPStatusCode": error["ResponseMetadata"]["HTTPStatusCode"]
    }


def _recorded_refusal(recorded: Any) -> Any:
    return {"Error": recorded["Error"], "HTTPStatusCode": recorded["ResponseMetadata"]["HTTPStatusCode"]}


def _new_key(kms: Any, **parameters: Any) -> tuple[str, str]:
    metadata = kms.create_key(**parameters)["KeyMetadata"]
    return metadata["KeyId"], metadata["Arn"]


def _arn(resource: str, region: str = REGION) -> str:
    return f"arn:aws:kms:{region}:{ACCOUNT}:{resource}"


def test_a_ciphertext_opens_only_under_its_encryption_context_and_unchanged(kms):
    recorded = _recorded("test_encrypt_decrypt_encryption_context")
    _, arn = _new_key(kms)
    context = {"tenant_id": "acme"}
    sealed = kms.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext=context)
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
    names = {arn: "<key-id:1>", opened["KeyMaterialId"]: "<key-material-id:1>"}

    assert recorded["encrypt_response"] == _masked(sealed, names)
    assert recorded["decrypt_response_with_encryption_context"] == _masked(opened, names)
    assert opened["Plaintext"] == b"x"
    assert _recorded_refusal(recorded["decrypt_response_without_encryption_context"]) == _refusal(
        kms.decrypt, CiphertextBlob=sealed["CiphertextBlob"]
    )
    assert _recorded_refusal(recorded["decrypt_response_with_invalid_ciphertext"]) == _refusal(
        kms.decrypt, CiphertextBlob=sealed["CiphertextBlob"] + b"bad", EncryptionContext=context
    )


@pytest.mark.parametrize("operation", ["generate_data_key", "generate_data_key_without_plaintext"])
def test_a_data_key_opens_only_under_its_encryption_context(kms, operation):
    recorded = _recorded(f"test_{operation}", "TestKMSGenerateKeys")
    refused = _recorded(f"test_encryption_context_{operation}", "TestKMSGenerateKeys")
    key_id, arn = _new_key(kms)
    answer = getattr(kms, operation)(KeyId=key_id, KeySpec="AES_256", EncryptionContext={"a": "b"})
    masked = _masked(answer, {arn: f"arn:<partition>:kms:<region>:{'1' * 12}:key/<resource:1>"})

    assert masked.pop("KeyMaterialId")  # younger than the recording
    assert list(recorded.values()) == [masked]
    assert _recorded_refusal(refused["decrypt-without-encryption-context"]) == _refusal(
        kms.decrypt, CiphertextBlob=answer["CiphertextBlob"]
    )


def test_a_data_key_pair_s_private_key_opens_only_under_its_encryption_context(kms):
    recorded = _recorded("test_encryption_context_generate_data_key_pair", "TestKMSGenerateKeys")
    key_id, _ = _new_key(kms)
    pair = kms.generate_data_key_pair(KeyId=key_id, KeyPairSpec="ECC_NIST_P256", EncryptionContext={"a": "b"})
    blob = pair["PrivateKeyCiphertextBlob"]

    assert _recorded_refusal(recorded["decrypt-without-encryption-context"]) == _refusal(
        kms.decrypt, CiphertextBlob=blob
    )
    assert pair["PrivateKeyPlaintext"] == kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"]


def test_encrypt_takes_no_more_than_4096_bytes(kms):
    recorded = _recorded("test_plaintext_size_for_encrypt")["invalid-plaintext-size-encrypt"]
    key_id, _ = _new_key(kms)

    assert _recorded_refusal(recorded) == _refusal(kms.encrypt, KeyId=key_id, Plaintext=b"x" * 4097)
    assert kms.encrypt(KeyId=key_id, Plaintext=b"x" * 4096)


def test_a_key_serves_only_what_it_was_created_for(kms):
    recorded = _recorded("test_error_messaging_for_invalid_keys")
    _, symmetric = _new_key(kms)
    _, hmac = _new_key(kms, KeySpec="HMAC_224", KeyUsage="GENERATE_VERIFY_MAC")
    _, signing = _new_key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    names = {symmetric: "<key-arn>", hmac: "<key-arn>", signing: "<key-arn>"}
    signature = {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    blob = kms.encrypt(KeyId=symmetric, Plaintext=b"x")["CiphertextBlob"]

    assert {name: _recorded_refusal(refusal) for name, refusal in recorded.items()} == {
        "generate-mac-invalid-key-id": _refusal(
            kms.generate_mac, names, KeyId=symmetric, Message=b"m", MacAlgorithm="HMAC_SHA_224"
        ),
        "sign-invalid-key-id": _refusal(kms.sign, names, KeyId=hmac, **signature),
        "verify-invalid-key-id": _refusal(kms.verify, names, KeyId=symmetric, Signature=b"s", **signature),
        "encrypt-invalid-key-id": _refusal(kms.encrypt, names, KeyId=signing, Plaintext=b"x"),
        "decrypt-invalid-key-id": _refusal(kms.decrypt, names, KeyId=hmac, CiphertextBlob=blob),
    }


@pytest.mark.parametrize(
    ("spec", "algorithm"), [("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT"), ("RSA_2048", "RSAES_OAEP_SHA_256")]
)
def test_re_encrypt_moves_a_ciphertext_to_another_key(kms, spec, algorithm):
    recorded = _recorded(f"test_re_encrypt[{spec}-{algorithm}]")["test_re_encrypt"]
    _, source = _new_key(kms, KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT")
    _, destination = _new_key(kms, KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=source, Plaintext=b"x", EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    answer = kms.re_encrypt(
        SourceKeyId=source,
        DestinationKeyId=destination,
        CiphertextBlob=blob,
        SourceEncryptionAlgorithm=algorithm,
        DestinationEncryptionAlgorithm=algorithm,
    )
    masked = _masked(answer, {source: "<key-arn>", destination: "<key-id:1>"})
    for material in ("SourceKeyMaterialId", "DestinationKeyMaterialId"):  # younger than the recording
        masked.pop(material, None)

    assert recorded == masked
    opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"], KeyId=destination, EncryptionAlgorithm=algorithm)
    assert opened["Plaintext"] == b"x"


def test_re_encrypt_refuses_another_source_key(kms):
    recorded = _recorded("test_re_encrypt_incorrect_source_key")["incorrect-source-key"]
    (_, source), (_, other) = _new_key(kms), _new_key(kms)
    blob = kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]

    assert _recorded_refusal(recorded) == _refusal(
        kms.re_encrypt, SourceKeyId=other, DestinationKeyId=source, CiphertextBlob=blob
    )


def test_a_changed_ciphertext_of_earlier_material_does_not_open(kms):
    recorded = _recorded("test_key_rotations_encryption_decryption")["bad-ciphertext"]
    key_id, _ = _new_key(kms)
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key_id)

    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert _recorded_refusal(recorded) == _refusal(kms.decrypt, CiphertextBlob=blob[:-1] + b"?")


def test_rotation_on_demand_answers_the_key_s_arn_for_its_id(kms):
    recorded = _recorded("test_rotate_on_demand_returns_arn_for_key_id")["rotate-on-demand-aws-key"]
    key_id, arn = _new_key(kms)

    assert recorded == _masked(kms.rotate_key_on_demand(KeyId=key_id), {arn: "<key-id:1>"})


@pytest.mark.parametrize("automatic", ["disabled", "enabled"])
def test_rotation_on_demand_leaves_automatic_rotation_as_it_is(kms, automatic):
    recorded = _recorded(f"test_rotate_key_on_demand_with_symmetric_key_and_automatic_rotation_{automatic}")
    key_id, arn = _new_key(kms)
    if automatic == "enabled":
        kms.enable_key_rotation(KeyId=key_id)
    rotated = kms.rotate_key_on_demand(KeyId=key_id)

    assert recorded == {
        "rotate-on-demand-response": _masked(rotated, {arn: "<key-id:1>"}),
        "rotation-status-response-after-rotation": _masked(
            kms.get_key_rotation_status(KeyId=key_id), {arn: "<key-id:1>"}
        ),
    }


@pytest.mark.parametrize("days", [90, 180])
def test_the_rotation_status_says_period_and_next_date(kms, days):
    recorded = _recorded(f"test_key_enable_rotation_status[{days}]")["match_response"]
    key_id, arn = _new_key(kms)
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=days)

    assert recorded == _masked(kms.get_key_rotation_status(KeyId=key_id), {arn: "<key-id:1>"})


def test_rotation_on_demand_is_refused_to_a_disabled_key(kms):
    recorded = _recorded("test_rotate_key_on_demand_raises_error_given_key_is_disabled")["error-response"]
    key_id, arn = _new_key(kms)
    kms.disable_key(KeyId=key_id)

    assert _recorded_refusal(recorded) == _refusal(kms.rotate_key_on_demand, {arn: "<key-arn>"}, KeyId=key_id)


def test_rotation_on_demand_is_refused_to_a_key_that_does_not_exist(kms):
    recorded = _recorded("test_rotate_key_on_demand_raises_error_given_key_that_does_not_exist")["error-response"]
    unknown = str(uuid4())

    assert _recorded_refusal(recorded) == _refusal(
        kms.rotate_key_on_demand, {_arn(f"key/{unknown}"): "<key-arn>"}, KeyId=unknown
    )


def test_rotation_on_demand_is_refused_to_a_key_that_is_not_symmetric(kms):
    recorded = _recorded("test_rotate_key_on_demand_raises_error_given_non_symmetric_key")["error-response"]
    key_id, _ = _new_key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")

    assert _recorded_refusal(recorded) == _refusal(kms.rotate_key_on_demand, KeyId=key_id)


@pytest.mark.parametrize("spec", ["SYMMETRIC_DEFAULT", "RSA_4096"])
def test_rotation_on_demand_is_refused_to_a_key_that_waits_for_its_material(kms, spec):
    recorded = _recorded(f"test_rotate_key_on_demand_on_external_key_with_no_key_material[{spec}]")
    key_id, _ = _new_key(kms, KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT", Origin="EXTERNAL")
    names = {key_id: "<key-id:1>", "arn:aws:": "arn:<partition>:", REGION: "<region>", ACCOUNT: "1" * 12}

    assert _recorded_refusal(recorded[f"rotate-key-on-demand-error-response-{spec}"]) == _refusal(
        kms.rotate_key_on_demand, names, KeyId=key_id
    )


def test_rotation_on_demand_is_refused_to_imported_material_that_has_no_successor(kms):
    recorded = _recorded("test_rotate_key_on_demand_raises_for_no_pending_key_material")
    key_id, arn = _new_key(kms, Origin="EXTERNAL")
    _import_material(kms, key_id)

    assert _recorded_refusal(recorded["rotate-key-on-demand-invalid-state-error"]) == _refusal(
        kms.rotate_key_on_demand, {arn: "<key-arn>"}, KeyId=key_id
    )


def _import_material(kms: Any, key_id: str) -> None:
    parameters = kms.get_parameters_for_import(
        KeyId=key_id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    wrapping_key = serialization.load_der_public_key(parameters["PublicKey"])
    assert isinstance(wrapping_key, rsa.RSAPublicKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    kms.import_key_material(
        KeyId=key_id,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=wrapping_key.encrypt(secrets.token_bytes(32), oaep),
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )


def test_rotation_on_demand_has_a_limit(kms):
    recorded = _recorded("test_key_rotations_limits")["error-response"]
    key_id, arn = _new_key(kms)
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key_id)

    assert _recorded_refusal(recorded) == _refusal(kms.rotate_key_on_demand, {arn: "<key-arn>"}, KeyId=key_id)


def test_rotation_changes_the_current_key_material_id_and_nothing_else(kms):
    recorded = _recorded("test_key_rotation_updates_current_key_material_id_for_aws_symmetric_keys")
    key_id, _ = _new_key(kms, Description="test-key")
    names = {key_id: "<key-id:1>", "arn:aws:": "arn:<partition>:", REGION: "<region>", ACCOUNT: "1" * 12}
    before = kms.describe_key(KeyId=key_id)
    kms.rotate_key_on_demand(KeyId=key_id)
    after = kms.describe_key(KeyId=key_id)
    names[before["KeyMetadata"]["CurrentKeyMaterialId"]] = "<current-key-material-id:1>"
    names[after["KeyMetadata"]["CurrentKeyMaterialId"]] = "<current-key-material-id:2>"

    assert recorded == {
        "describe-key-before-rotation": _masked(before, names),
        "describe-key-after-rotation": _masked(after, names),
    }


@pytest.mark.parametrize("operation", ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"])
def test_a_dry_run_only_says_that_it_would_have_succeeded(kms, operation):
    recorded = _recorded(f"test_{operation}_dry_run", "TestKMSGenerateKeys")["dryrun_exception"]
    key_id, _ = _new_key(kms)

    assert _recorded_refusal(recorded) == _refusal(
        getattr(kms, operation), KeyId=key_id, KeyPairSpec="ECC_NIST_P256", DryRun=True
    )


def test_an_unknown_key_is_named_by_its_arn(kms):
    recorded = _recorded("test_get_key_does_not_exist")
    unknown, multi_region = str(uuid4()), f"mrk-{uuid4().hex}"
    names = {_arn(f"key/{unknown}"): "<key-arn>", _arn(f"key/{multi_region}"): "<mrk-key-arn>"}

    assert {name: _recorded_refusal(refusal) for name, refusal in recorded.items()} == {
        "describe-nonexistent-key-with-id": _refusal(kms.describe_key, names, KeyId=unknown),
        "describe-nonexistent-with-arn": _refusal(kms.describe_key, names, KeyId=_arn(f"key/{unknown}")),
        "describe-key-with-valid-id-mrk": _refusal(kms.describe_key, names, KeyId=multi_region),
    }


def test_what_is_no_key_id_is_said_to_be_none(kms):
    recorded = _recorded("test_get_key_invalid_uuid")

    assert [_recorded_refusal(refusal) for refusal in recorded.values()] == [
        _refusal(kms.describe_key, KeyId=reference)
        for reference in ("fake-key-id", "134f2428cec14b25a1ae9048164dba47", "mrk-fake-key-id")
    ]


def test_a_key_of_another_region_is_refused(kms):
    recorded = _recorded("test_get_key_in_different_region")["describe-key-diff-region-with-arn"]
    elsewhere = _arn(f"key/{uuid4()}", region="eu-west-1")

    assert _recorded_refusal(recorded) == _refusal(
        kms.describe_key, {"eu-west-1": "<secondary-region>"}, KeyId=elsewhere
    )


def test_an_alias_arn_stands_for_its_key(kms):
    recorded = _recorded("test_describe_with_alias_arn")["describe-key"]
    key_id, _ = _new_key(kms, Description="test - description")
    alias = f"alias/{unique('test')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    described = kms.describe_key(KeyId=_arn(alias))
    names = {key_id: "<key-id:1>", "arn:aws:": "arn:<partition>:", REGION: "<region>", ACCOUNT: "1" * 12}
    names[described["KeyMetadata"]["CurrentKeyMaterialId"]] = "<current-key-material-id:1>"

    assert recorded == _masked(described, names)
