"""What the repaired KMS does beyond what is recorded, as AWS documents it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import ACCOUNT, REGION, LocalAws, unique

_CONTEXT = {"tenant_id": "acme", "data_class": "pii"}


@pytest.fixture
def kms(local_aws: LocalAws) -> Any:
    return local_aws.client("kms")


@pytest.fixture
def key(kms) -> str:
    key_id: str = kms.create_key()["KeyMetadata"]["KeyId"]
    return key_id


def _code(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    code: str = caught.value.response["Error"]["Code"]
    return code


def _cryptographic_calls(kms: Any, key: str, blob: bytes) -> Mapping[str, Callable[..., Any]]:
    """Every operation that uses a symmetric key's material, ready to be called."""
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    return {
        "Encrypt": lambda **more: kms.encrypt(KeyId=key, Plaintext=b"x", **more),
        "Decrypt": lambda **more: kms.decrypt(CiphertextBlob=blob, **more),
        "GenerateDataKey": lambda **more: kms.generate_data_key(KeyId=key, KeySpec="AES_256", **more),
        "GenerateDataKeyWithoutPlaintext": lambda **more: kms.generate_data_key_without_plaintext(
            KeyId=key, KeySpec="AES_256", **more
        ),
        "GenerateDataKeyPair": lambda **more: kms.generate_data_key_pair(
            KeyId=key, KeyPairSpec="ECC_NIST_P256", **more
        ),
        "ReEncrypt from": lambda **more: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other, **more),
        "ReEncrypt to": lambda **more: kms.re_encrypt(
            CiphertextBlob=kms.encrypt(KeyId=other, Plaintext=b"x")["CiphertextBlob"], DestinationKeyId=key, **more
        ),
    }


def test_no_changed_byte_of_a_ciphertext_goes_unseen(kms, key):
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=_CONTEXT)["CiphertextBlob"]
    codes = {
        _code(
            kms.decrypt,
            CiphertextBlob=blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :],
            EncryptionContext=_CONTEXT,
        )
        for place in range(len(blob))
    }

    assert codes == {"InvalidCiphertextException"}


@pytest.mark.parametrize("blob", [b"abc", b"x" * 200])
def test_what_is_no_ciphertext_does_not_open(kms, key, blob):
    assert _code(kms.decrypt, CiphertextBlob=blob) == "InvalidCiphertextException"
    assert _code(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=key) == "InvalidCiphertextException"


def test_a_ciphertext_names_its_key_but_another_one_in_the_request_is_refused(kms, key):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]

    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert kms.decrypt(CiphertextBlob=blob, KeyId=key)["Plaintext"] == b"x"
    assert _code(kms.decrypt, CiphertextBlob=blob, KeyId=other) == "IncorrectKeyException"


def test_re_encrypt_takes_a_context_for_each_side(kms, key):
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=_CONTEXT)["CiphertextBlob"]
    other_context = {"tenant_id": "globex"}
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        DestinationKeyId=key,
        SourceEncryptionContext=dict(reversed(_CONTEXT.items())),  # order is of no matter
        DestinationEncryptionContext=other_context,
    )["CiphertextBlob"]

    assert kms.decrypt(CiphertextBlob=moved, EncryptionContext=other_context)["Plaintext"] == b"x"
    assert _code(kms.decrypt, CiphertextBlob=moved, EncryptionContext=_CONTEXT) == "InvalidCiphertextException"
    assert (
        _code(kms.re_encrypt, CiphertextBlob=blob, DestinationKeyId=key, SourceEncryptionContext=other_context)
        == "InvalidCiphertextException"
    )


def test_after_rotation_old_ciphertexts_open_and_new_ones_use_the_new_material(kms, key):
    before = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    kms.rotate_key_on_demand(KeyId=key)
    between = kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256")
    kms.rotate_key_on_demand(KeyId=key)
    after = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    opened = [kms.decrypt(CiphertextBlob=made["CiphertextBlob"]) for made in (before, between, after)]

    assert [made["KeyMaterialId"] for made in (before, between, after)] == [it["KeyMaterialId"] for it in opened]
    assert len({it["KeyMaterialId"] for it in opened}) == 3
    assert before["Plaintext"] == opened[0]["Plaintext"]
    assert after["KeyMaterialId"] == kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]


def test_re_encrypt_to_the_same_key_moves_to_the_current_material(kms, key):
    old = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=_CONTEXT)
    kms.rotate_key_on_demand(KeyId=key)
    current = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    moved = kms.re_encrypt(
        CiphertextBlob=old["CiphertextBlob"],
        SourceKeyId=key,
        SourceEncryptionContext=_CONTEXT,
        DestinationKeyId=key,
        DestinationEncryptionContext=_CONTEXT,
    )
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext=_CONTEXT)

    assert (old["KeyMaterialId"], current) == (moved["SourceKeyMaterialId"], moved["DestinationKeyMaterialId"])
    assert (old["Plaintext"], current) == (opened["Plaintext"], opened["KeyMaterialId"])


def test_the_rotations_are_listed_oldest_first_and_with_the_first_material_on_request(kms, key):
    def material() -> str:
        current: str = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
        return current

    materials = [material()]
    for _ in range(2):
        kms.rotate_key_on_demand(KeyId=key)
        materials.append(material())
    rotations = kms.list_key_rotations(KeyId=key)["Rotations"]
    everything = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]

    assert materials[1:] == [entry["KeyMaterialId"] for entry in rotations]
    assert [(key, "ON_DEMAND")] * 2 == [(entry["KeyId"], entry["RotationType"]) for entry in rotations]
    assert all(one["RotationDate"] <= next_one["RotationDate"] for one, next_one in pairwise(rotations))
    assert [*zip(materials, ["NON_CURRENT", "NON_CURRENT", "CURRENT"], strict=True)] == [
        (entry["KeyMaterialId"], entry["KeyMaterialState"]) for entry in everything
    ]
    assert "RotationDate" not in everything[0]


def test_the_rotations_are_listed_in_pages(kms, key):
    for _ in range(3):
        kms.rotate_key_on_demand(KeyId=key)
    pages = list(kms.get_paginator("list_key_rotations").paginate(KeyId=key, PaginationConfig={"PageSize": 2}))

    assert [len(page["Rotations"]) for page in pages] == [2, 1]
    assert [page["Truncated"] for page in pages] == [True, False]


def test_a_disabled_key_refuses_all_cryptographic_use_until_it_is_enabled(kms, key):
    calls = _cryptographic_calls(kms, key, kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    kms.disable_key(KeyId=key)

    assert dict.fromkeys(calls, "DisabledException") == {name: _code(call) for name, call in calls.items()}
    assert _code(kms.enable_key_rotation, KeyId=key) == "DisabledException"
    kms.enable_key(KeyId=key)
    assert all(call() for call in calls.values())


def test_a_key_pending_deletion_refuses_all_cryptographic_use_and_to_be_enabled(kms, key):
    calls = _cryptographic_calls(kms, key, kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)

    assert dict.fromkeys(calls, "KMSInvalidStateException") == {name: _code(call) for name, call in calls.items()}
    assert _code(kms.enable_key, KeyId=key) == "KMSInvalidStateException"
    assert _code(kms.rotate_key_on_demand, KeyId=key) == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert all(call() for call in calls.values())


def test_a_dry_run_of_any_operation_gives_no_result(kms, key):
    calls = _cryptographic_calls(kms, key, kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])

    assert dict.fromkeys(calls, "DryRunOperationException") == {
        name: _code(call, DryRun=True) for name, call in calls.items()
    }
    assert _code(kms.decrypt, CiphertextBlob=b"abc", DryRun=True) == "InvalidCiphertextException"


def test_an_alias_stands_for_its_key_in_every_operation(kms, key):
    alias = f"alias/{unique('test')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    made = kms.generate_data_key(KeyId=alias, KeySpec="AES_256")
    moved = kms.re_encrypt(CiphertextBlob=made["CiphertextBlob"], SourceKeyId=alias, DestinationKeyId=alias)
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"

    assert [arn] * 3 == [made["KeyId"], moved["SourceKeyId"], moved["KeyId"]]
    assert made["Plaintext"] == kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], KeyId=alias)["Plaintext"]


def test_an_alias_can_be_moved_to_another_key_and_data_keys_after_it(kms, key):
    alias, other = f"alias/{unique('test')}", kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    old = kms.generate_data_key(KeyId=alias, KeySpec="AES_256", EncryptionContext=_CONTEXT)
    kms.update_alias(AliasName=alias, TargetKeyId=other["KeyId"])
    moved = kms.re_encrypt(
        CiphertextBlob=old["CiphertextBlob"],
        SourceKeyId=old["KeyId"],
        SourceEncryptionContext=_CONTEXT,
        DestinationKeyId=alias,
        DestinationEncryptionContext=_CONTEXT,
    )
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], KeyId=alias, EncryptionContext=_CONTEXT)

    assert (old["KeyId"], other["Arn"]) == (moved["SourceKeyId"], moved["KeyId"])
    assert (old["KeyMaterialId"], opened["KeyMaterialId"]) == (
        moved["SourceKeyMaterialId"],
        moved["DestinationKeyMaterialId"],
    )
    assert opened["KeyMaterialId"] == kms.describe_key(KeyId=alias)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert (old["Plaintext"], other["Arn"]) == (opened["Plaintext"], opened["KeyId"])


def test_an_unknown_alias_is_said_to_be_not_found(kms):
    with pytest.raises(kms.exceptions.NotFoundException) as caught:
        kms.encrypt(KeyId="alias/nobody", Plaintext=b"x")

    expected = f"Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/nobody is not found."
    assert expected == caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("size", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_a_data_key_s_size_is_said_exactly_once(kms, key, size):
    assert _code(kms.generate_data_key, KeyId=key, **size) == "ValidationException"


def test_a_key_that_cloudformation_made_tells_its_rotation_schedule(local_aws, kms):
    template = {
        "Resources": {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {
                    "EnableKeyRotation": True,
                    "KeyPolicy": {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
                    },
                },
            }
        }
    }
    formation, stack = local_aws.client("cloudformation"), unique("stack")
    formation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    formation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    key_id = formation.describe_stack_resource(StackName=stack, LogicalResourceId="Key")["StackResourceDetail"][
        "PhysicalResourceId"
    ]
    created = kms.describe_key(KeyId=key_id)["KeyMetadata"]["CreationDate"]

    assert kms.get_key_rotation_status(KeyId=key_id)["NextRotationDate"] == created + timedelta(days=365)
