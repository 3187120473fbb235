"""The environment is read once; what is missing is named."""

from __future__ import annotations

import pytest

from shared.errors import SettingsError
from shared.keys.age import MAX_AGE_SECONDS
from shared.runtime.settings import (
    POLICY_FILE,
    AttributeKeys,
    AuditorSettings,
    EncryptorSettings,
    EnsureKeysSettings,
    ReauditorSettings,
    RedriverSettings,
    ReencryptorSettings,
    ReopenerSettings,
    RotationSettings,
    SweeperSettings,
    TrailSettings,
)

ENCRYPTOR = {
    "SEALSTREAM_TABLE": "items",
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_ATTRIBUTE_KEY": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
    "SEALSTREAM_QUARANTINE_BUCKET": "quarantine-objects",
    "SEALSTREAM_QUARANTINE_TABLE": "quarantine-index",
}

REDRIVER = ENCRYPTOR | {"SEALSTREAM_STREAM_ARN": "arn:aws:kinesis:eu-west-1:111122223333:stream/records"}
AUDITOR = {
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_FINDINGS_QUEUE": "https://sqs.eu-west-1.amazonaws.com/1/findings",
}
REAUDITOR = AUDITOR | {
    "SEALSTREAM_TABLE_STREAM": "arn:aws:dynamodb:eu-west-1:111122223333:table/items/stream/2026-01-01T00:00:00.000",
}
REENCRYPTOR = {
    "SEALSTREAM_TABLE": "items",
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_ATTRIBUTE_KEY": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
    "SEALSTREAM_REOPENER": "reopener",
}
SWEEPER = REENCRYPTOR | {"SEALSTREAM_RUNS": "runs", "SEALSTREAM_QUARANTINE_BUCKET": "quarantine-objects"}
ROTATION = {
    "SEALSTREAM_TABLE": "items",
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_ATTRIBUTE_KEY": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
    "SEALSTREAM_RUNS": "runs",
    "SEALSTREAM_QUARANTINE_TABLE": "quarantine-index",
}
REOPENER = {"SEALSTREAM_KEY_STORE": "keys"}
TRAIL = {"SEALSTREAM_AUDIT_BUCKET": "trail", "SEALSTREAM_STAGE": "encryptor"}
ENSURE_KEYS = {
    "SEALSTREAM_KEY_STORE": "keys",
    "SEALSTREAM_ATTRIBUTE_KEY": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
}
EVERY_SETTING = [
    (settings, environ, name)
    for settings, environ in (
        (EncryptorSettings, ENCRYPTOR),
        (RedriverSettings, REDRIVER),
        (AuditorSettings, AUDITOR),
        (ReauditorSettings, REAUDITOR),
        (ReencryptorSettings, REENCRYPTOR),
        (ReopenerSettings, REOPENER),
        (EnsureKeysSettings, ENSURE_KEYS),
        (RotationSettings, ROTATION),
        (SweeperSettings, SWEEPER),
        (TrailSettings, TRAIL),
    )
    for name in environ
]


def test_the_encryptor_takes_its_names_from_the_environment():
    expected = EncryptorSettings(
        table="items",
        key_store="keys",
        attribute_keys=AttributeKeys("arn:aws:kms:eu-west-1:111122223333:key/1234abcd"),
        quarantine_bucket="quarantine-objects",
        quarantine_table="quarantine-index",
    )
    assert expected == EncryptorSettings.from_environment(ENCRYPTOR | {"UNRELATED": "x"})


def test_the_redriver_takes_the_encryptors_names_and_the_stream_from_the_environment():
    expected = RedriverSettings(EncryptorSettings.from_environment(ENCRYPTOR), REDRIVER["SEALSTREAM_STREAM_ARN"])
    assert expected == RedriverSettings.from_environment(REDRIVER)


def test_the_auditor_takes_its_names_from_the_environment():
    expected = AuditorSettings(
        key_store="keys",
        findings_queue=AUDITOR["SEALSTREAM_FINDINGS_QUEUE"],
    )
    assert expected == AuditorSettings.from_environment(AUDITOR)
    again = ReauditorSettings(expected, REAUDITOR["SEALSTREAM_TABLE_STREAM"])
    assert again == ReauditorSettings.from_environment(REAUDITOR)


def test_the_reencryptor_takes_its_names_from_the_environment():
    expected = ReencryptorSettings(
        table="items",
        key_store="keys",
        attribute_keys=AttributeKeys("arn:aws:kms:eu-west-1:111122223333:key/1234abcd"),
        reopener="reopener",
    )
    assert expected == ReencryptorSettings.from_environment(REENCRYPTOR)


def test_the_reopener_takes_its_name_from_the_environment():
    assert ReopenerSettings("keys") == ReopenerSettings.from_environment(REOPENER)


def test_ensure_keys_takes_its_names_from_the_environment():
    expected = EnsureKeysSettings(
        key_store="keys",
        attribute_keys=AttributeKeys("arn:aws:kms:eu-west-1:111122223333:key/1234abcd"),
    )
    assert expected == EnsureKeysSettings.from_environment(ENSURE_KEYS)


def test_rotation_takes_its_names_from_the_environment():
    expected = RotationSettings(
        table="items",
        key_store="keys",
        attribute_keys=AttributeKeys("arn:aws:kms:eu-west-1:111122223333:key/1234abcd"),
        runs="runs",
        quarantine_table="quarantine-index",
    )
    assert expected == RotationSettings.from_environment(ROTATION)


def test_the_sweeper_takes_its_names_from_the_environment():
    expected = SweeperSettings(
        table="items",
        key_store="keys",
        attribute_keys=AttributeKeys("arn:aws:kms:eu-west-1:111122223333:key/1234abcd"),
        runs="runs",
        quarantine_bucket="quarantine-objects",
        reopener="reopener",
    )
    assert expected == SweeperSettings.from_environment(SWEEPER)


@pytest.mark.parametrize(("settings", "environ", "name"), EVERY_SETTING)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_or_empty_variable_is_named(settings, environ, name, value):
    changed = {key: found for key, found in environ.items() if key != name}
    if value is not None:
        changed[name] = value
    with pytest.raises(SettingsError, match=name):
        settings.from_environment(changed)


@pytest.mark.parametrize("value", ["alias/attribute", "1234abcd", "arn:aws:kms:eu-west-1:111122223333:alias/attribute"])
def test_the_attribute_key_must_be_the_arn_of_a_key(value):
    with pytest.raises(SettingsError, match="SEALSTREAM_ATTRIBUTE_KEY") as caught:
        EncryptorSettings.from_environment(ENCRYPTOR | {"SEALSTREAM_ATTRIBUTE_KEY": value})
    assert value not in str(caught.value)


def test_former_attribute_keys_are_trusted_beside_the_present_one():
    former = ("arn:aws:kms:eu-west-1:111122223333:key/first", "arn:aws:kms:eu-west-1:111122223333:key/second")
    environ = ENCRYPTOR | {"SEALSTREAM_FORMER_ATTRIBUTE_KEYS": ", ".join(former) + ","}
    keys = AttributeKeys.from_environment(environ)
    assert frozenset(former) == keys.former
    assert keys.former | {keys.present} == keys.trusted
    with pytest.raises(SettingsError, match="SEALSTREAM_FORMER_ATTRIBUTE_KEYS"):
        AttributeKeys.from_environment(environ | {"SEALSTREAM_FORMER_ATTRIBUTE_KEYS": "alias/attribute"})


def test_a_data_key_may_be_used_for_less_time_than_the_barrier_counts_on_but_never_for_more():
    assert AttributeKeys.from_environment(ENCRYPTOR).max_age_seconds == MAX_AGE_SECONDS
    short = AttributeKeys.from_environment(ENCRYPTOR | {"SEALSTREAM_KEY_AGE_SECONDS": "10"})
    assert short.max_age_seconds == 10.0
    for wrong in ("301", "0", "-1", "1.5", "ten", "\u0663"):
        with pytest.raises(SettingsError, match="SEALSTREAM_KEY_AGE_SECONDS"):
            AttributeKeys.from_environment(ENCRYPTOR | {"SEALSTREAM_KEY_AGE_SECONDS": wrong})


def test_the_policy_lies_at_the_root():
    assert POLICY_FILE.is_file()


@pytest.mark.parametrize(("said", "logs"), [("", False), ("false", False), ("true", True), ("yes", False)])
def test_verified_writes_are_in_the_log_only_where_that_is_said(said, logs):
    named = {"SEALSTREAM_LOG_EVERY_EVENT": said} if said else {}

    assert TrailSettings("trail", "encryptor", logs) == TrailSettings.from_environment(TRAIL | named)
