"""Who may use a KMS key on the repaired local AWS: identity policies, key policies and grants together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.support import ACCOUNT, LocalAws, make_role, unique

_ROOT = f"arn:aws:iam::{ACCOUNT}:root"
_EVERYTHING = [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]
#: A role's policy needs a statement; everyone may ask who they are.
_NOTHING = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
_ROOT_DELEGATES = {"Effect": "Allow", "Principal": {"AWS": _ROOT}, "Action": "kms:*", "Resource": "*"}


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _session(aws: LocalAws, statements: Sequence[Mapping[str, Any]], **tags: str) -> Any:
    """A KMS client with a session of a new role that has just these permissions."""
    return _session_of(aws, make_role(aws, _policy(*statements)), **tags)


def _session_of(aws: LocalAws, role: str, **tags: str) -> Any:
    session_tags = [{"Key": name, "Value": value} for name, value in tags.items()]
    answer = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test", Tags=session_tags)
    return aws.client("kms", answer["Credentials"])


def _new_key(aws: LocalAws, *statements: Mapping[str, Any]) -> str:
    """The ARN of a new key; its policy delegates to identity policies unless statements are given."""
    arn: str = aws.client("kms").create_key(
        Policy=json.dumps(_policy(*(statements or [_ROOT_DELEGATES]))), BypassPolicyLockoutSafetyCheck=True
    )["KeyMetadata"]["Arn"]
    return arn


def _outcome(kms: Any, key: str, context: Mapping[str, str] | None = None) -> str:
    """What becomes of a request for a data key: "" or the error code."""
    return _refusal(kms.generate_data_key, KeyId=key, KeySpec="AES_256", EncryptionContext=dict(context or {}))[0]


def _refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    """Code and message of the refusal, or twice nothing."""
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "", ""


def test_a_tenant_session_opens_only_data_keys_of_its_own_tenant(local_aws):
    key = _new_key(local_aws)
    own_only = {"StringEquals": {"kms:EncryptionContext:tenant_id": "${aws:PrincipalTag/TenantID}"}}
    statements = [{"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": key, "Condition": own_only}]
    root, acme, nobody = (
        local_aws.client("kms"),
        _session(local_aws, statements, TenantID="acme"),
        _session(local_aws, statements),
    )

    def outcome(kms: Any, **context: str) -> str:
        made = root.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
        return _refusal(kms.decrypt, CiphertextBlob=made["CiphertextBlob"], KeyId=key, EncryptionContext=context)[0]

    assert {
        "own": outcome(acme, tenant_id="acme", data_class="pii"),
        "another tenant's": outcome(acme, tenant_id="globex", data_class="pii"),
        "no tenant's": outcome(acme, data_class="pii"),
        "without a tag": outcome(nobody, tenant_id="acme", data_class="pii"),
    } == {
        "own": "",
        "another tenant's": "AccessDeniedException",
        "no tenant's": "AccessDeniedException",
        "without a tag": "AccessDeniedException",
    }


def test_a_variable_s_default_stands_in_for_a_missing_tag(local_aws):
    key = _new_key(local_aws)
    condition = {"StringEquals": {"kms:EncryptionContext:tenant_id": "${aws:PrincipalTag/TenantID, 'none'}"}}
    kms = _session(local_aws, [_EVERYTHING[0] | {"Condition": condition}])

    assert [_outcome(kms, key, {"tenant_id": "none"}), _outcome(kms, key, {"tenant_id": "acme"})] == [
        "",
        "AccessDeniedException",
    ]


def test_the_encryption_context_s_keys_can_be_prescribed(local_aws):
    key = _new_key(local_aws)
    condition = {
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["tenant_id", "data_class"]},
        "Null": {"kms:EncryptionContextKeys": "false"},
    }
    kms = _session(local_aws, [_EVERYTHING[0] | {"Condition": condition}])

    assert [
        _outcome(kms, key, {"tenant_id": "acme"}),
        _outcome(kms, key, {"tenant_id": "acme", "other": "x"}),
        _outcome(kms, key),
    ] == ["", "AccessDeniedException", "AccessDeniedException"]


@pytest.mark.parametrize("operator", ["ArnNotEquals", "ArnNotLike", "StringNotEquals", "StringNotLike"])
def test_a_key_policy_denies_all_roles_but_the_named_ones(local_aws, operator):
    everything = _policy(*_EVERYTHING)
    named = [make_role(local_aws, everything), make_role(local_aws, everything)]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*"}
    key = _new_key(local_aws, _ROOT_DELEGATES, deny | {"Condition": {operator: {"aws:PrincipalArn": named}}})
    other = _session(local_aws, _EVERYTHING)

    assert [_outcome(_session_of(local_aws, role), key) for role in named] == ["", ""]
    code, message = _refusal(other.generate_data_key, KeyId=key, KeySpec="AES_256")
    assert code == "AccessDeniedException"
    assert message.endswith("with an explicit deny in a resource-based policy")


@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike", "StringEquals", "StringLike"])
def test_a_key_policy_allows_the_roles_that_a_condition_names(local_aws, operator):
    role = make_role(local_aws, _policy(_NOTHING))
    condition = {operator: {"aws:PrincipalArn": role}}
    allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:GenerateDataKey", "Resource": "*"}
    key = _new_key(local_aws, allow | {"Condition": condition})

    assert _outcome(_session_of(local_aws, role), key) == ""
    assert _outcome(_session(local_aws, _EVERYTHING), key) == "AccessDeniedException"


def test_a_role_with_a_path_is_known_by_its_whole_arn(local_aws):
    iam, name = local_aws.client("iam"), unique("role")
    trust = _policy({"Effect": "Allow", "Principal": {"AWS": _ROOT}, "Action": ["sts:AssumeRole", "sts:TagSession"]})
    role = iam.create_role(RoleName=name, Path="/sealstream/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(_policy(*_EVERYTHING)))
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*"}
    condition = {"ArnNotEquals": {"aws:PrincipalArn": role["Arn"]}}
    key = _new_key(local_aws, _ROOT_DELEGATES, deny | {"Condition": condition})

    assert role["Arn"].endswith(f":role/sealstream/{name}")
    assert _outcome(_session_of(local_aws, role["Arn"]), key) == ""


def test_a_key_policy_that_names_neither_the_caller_nor_the_account_denies(local_aws):
    key = _new_key(local_aws, _ROOT_DELEGATES | {"Principal": {"AWS": make_role(local_aws)}})
    kms = _session(local_aws, _EVERYTHING)
    code, message = _refusal(kms.generate_data_key, KeyId=key, KeySpec="AES_256")

    assert code == "AccessDeniedException"
    assert message.endswith(
        f"is not authorized to perform: kms:GenerateDataKey on resource: {key} "
        "because no resource-based policy allows the kms:GenerateDataKey action"
    )


def test_a_key_policy_that_names_the_account_leaves_it_to_identity_policies(local_aws):
    key = _new_key(local_aws)
    kms = _session(local_aws, [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}])
    code, message = _refusal(kms.generate_data_key, KeyId=key, KeySpec="AES_256")

    assert code == "AccessDeniedException"
    assert message.startswith(f"User: arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert message.endswith(
        f"is not authorized to perform: kms:GenerateDataKey on resource: {key} "
        "because no identity-based policy allows the kms:GenerateDataKey action"
    )


def test_a_key_policy_holds_a_session_to_its_tag_and_its_classes(local_aws):
    role = make_role(local_aws, _policy({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}))
    own = {
        "StringEquals": {
            "kms:EncryptionContext:tenant_id": "${aws:PrincipalTag/TenantID}",
            "kms:EncryptionContext:data_class": ["pii"],
        }
    }
    opens = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "kms:Decrypt", "Resource": "*"}
    makes = {"Effect": "Allow", "Principal": {"AWS": _ROOT}, "Action": "kms:GenerateDataKey", "Resource": "*"}
    key = _new_key(local_aws, makes, opens | {"Condition": own})
    root, acme = local_aws.client("kms"), _session_of(local_aws, role, TenantID="acme")
    untagged = _session_of(local_aws, role)

    def outcome(kms: Any, **context: str) -> str:
        made = root.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
        return _refusal(kms.decrypt, CiphertextBlob=made["CiphertextBlob"], KeyId=key, EncryptionContext=context)[0]

    assert {
        "own": "",
        "another tenant's": "AccessDeniedException",
        "another class": "AccessDeniedException",
        "no class": "AccessDeniedException",
        "without a tag": "AccessDeniedException",
    } == {
        "own": outcome(acme, tenant_id="acme", data_class="pii"),
        "another tenant's": outcome(acme, tenant_id="globex", data_class="pii"),
        "another class": outcome(acme, tenant_id="acme", data_class="financial"),
        "no class": outcome(acme, tenant_id="acme"),
        "without a tag": outcome(untagged, tenant_id="acme", data_class="pii"),
    }


def test_a_key_policy_denies_one_tenant_s_context_and_no_other(local_aws):
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKeyWithoutPlaintext"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:tenant_id": "denied"}},
    }
    key = _new_key(local_aws, _ROOT_DELEGATES)
    contexts = [{"tenant_id": tenant, "data_class": "pii"} for tenant in ("denied", "acme")]
    root, kms = local_aws.client("kms"), _session(local_aws, _EVERYTHING)
    blobs = [root.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=one)["CiphertextBlob"] for one in contexts]
    root.put_key_policy(
        KeyId=key,
        PolicyName="default",
        Policy=json.dumps(_policy(_ROOT_DELEGATES, deny)),
        BypassPolicyLockoutSafetyCheck=True,
    )

    def refused(context: dict[str, str], blob: bytes) -> set[str]:
        both = {"SourceEncryptionContext": context, "DestinationEncryptionContext": context}
        calls: dict[str, tuple[Any, dict[str, Any]]] = {
            "Decrypt": (kms.decrypt, {"CiphertextBlob": blob, "EncryptionContext": context}),
            "ReEncrypt": (kms.re_encrypt, {"CiphertextBlob": blob, "DestinationKeyId": key, **both}),
            "GenerateDataKeyWithoutPlaintext": (
                kms.generate_data_key_without_plaintext,
                {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context},
            ),
            "GenerateDataKey": (
                kms.generate_data_key,
                {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context},
            ),
        }
        outcomes = {name: _refusal(call, **parameters)[0] for name, (call, parameters) in calls.items()}
        assert set(outcomes.values()) <= {"", "AccessDeniedException"}
        return {name for name, code in outcomes.items() if code}

    assert refused(contexts[0], blobs[0]) == {"Decrypt", "ReEncrypt", "GenerateDataKeyWithoutPlaintext"}
    assert refused(contexts[1], blobs[1]) == set()


def test_re_encrypt_needs_a_permission_on_each_key_under_its_own_context(local_aws):
    source, destination = _new_key(local_aws), _new_key(local_aws)

    def permission(action: str, key: str, tenant: str) -> dict[str, Any]:
        condition = {"StringEquals": {"kms:EncryptionContext:tenant_id": tenant}}
        return {"Effect": "Allow", "Action": action, "Resource": key, "Condition": condition}

    may_read = permission("kms:ReEncryptFrom", source, "acme")
    may_write = permission("kms:ReEncryptTo", destination, "globex")
    blob = local_aws.client("kms").encrypt(KeyId=source, Plaintext=b"x", EncryptionContext={"tenant_id": "acme"})

    def refused(*statements: Mapping[str, Any]) -> str:
        _, message = _refusal(
            _session(local_aws, statements).re_encrypt,
            CiphertextBlob=blob["CiphertextBlob"],
            SourceEncryptionContext={"tenant_id": "acme"},
            DestinationKeyId=destination,
            DestinationEncryptionContext={"tenant_id": "globex"},
        )
        return message.partition("perform: ")[2].partition(" because")[0]

    assert refused(may_read, may_write) == ""
    assert refused(may_write) == f"kms:ReEncryptFrom on resource: {source}"
    assert refused(may_read) == f"kms:ReEncryptTo on resource: {destination}"
    assert refused(may_read, permission("kms:ReEncryptTo", destination, "acme")).startswith("kms:ReEncryptTo")


def test_a_permission_on_a_key_holds_for_its_alias_too(local_aws):
    key, alias = _new_key(local_aws), f"alias/{unique('test')}"
    local_aws.client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    by_key = _session(local_aws, [{"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key}])
    condition = {"StringEquals": {"kms:RequestAlias": alias}}
    by_alias = _session(local_aws, [_EVERYTHING[0] | {"Condition": condition}])

    assert [_outcome(by_key, alias), _outcome(by_alias, alias), _outcome(by_alias, key)] == [
        "",
        "",
        "AccessDeniedException",
    ]


def test_a_grant_permits_its_operations_under_its_encryption_context(local_aws):
    key = _new_key(local_aws)
    role = make_role(local_aws, _policy(_NOTHING))
    local_aws.client("kms").create_grant(
        KeyId=key,
        GranteePrincipal=role,
        Operations=["GenerateDataKey"],
        Constraints={"EncryptionContextSubset": {"tenant_id": "acme"}},
    )
    kms = _session_of(local_aws, role)

    assert [
        _outcome(kms, key, {"tenant_id": "acme", "data_class": "pii"}),
        _outcome(kms, key, {"tenant_id": "globex"}),
        _refusal(kms.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext={"tenant_id": "acme"})[0],
    ] == ["", "AccessDeniedException", "AccessDeniedException"]


def test_a_grant_permits_nothing_that_the_key_policy_denies(local_aws):
    role = make_role(local_aws, _policy(_NOTHING))
    condition = {"ArnEquals": {"aws:PrincipalArn": role}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*"}
    key = _new_key(local_aws, _ROOT_DELEGATES, deny | {"Condition": condition})
    local_aws.client("kms").create_grant(KeyId=key, GranteePrincipal=role, Operations=["GenerateDataKey", "Decrypt"])
    kms = _session_of(local_aws, role)
    blob = local_aws.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]

    assert _outcome(kms, key) == "AccessDeniedException"
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
