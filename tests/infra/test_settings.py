"""What the CDK context may say, and that anything else ends the synthesis instead of meaning something else."""

from __future__ import annotations

from types import SimpleNamespace

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from infra.settings import REDRIVE_HOURS, TOMBSTONE_HOURS, Settings
from shared.model import REDRIVE_SECONDS, TOMBSTONE_SECONDS


def settings(**context: object) -> Settings:
    scope = SimpleNamespace(node=SimpleNamespace(try_get_context=context.get))
    return Settings.from_context(scope)


def test_without_a_context_it_is_a_deployment_to_aws_that_keeps_a_week():
    default = settings()

    assert ("sealstream", False, 168) == (default.prefix, default.local, default.retention_hours)
    assert default.protected


@pytest.mark.parametrize(
    ("given", "local"),
    [(True, True), ("true", True), ("True", True), ("TRUE", True), (False, False), ("false", False), ("False", False)],
)
def test_local_is_a_truth_value_however_it_is_written(given, local):
    assert local is settings(local=given).local


@pytest.mark.parametrize("given", ["", "1", "yes", "on", " true", "tru", 0, 1])
def test_anything_else_for_local_is_an_error(given):
    with pytest.raises(ValueError, match="context local"):
        settings(local=given)


@pytest.mark.parametrize(("given", "hours"), [("24", 24), (24, 24), ("168", 168), (8760, 8760), ("8760", 8760)])
def test_the_source_stream_keeps_records_as_long_as_kinesis_can(given, hours):
    assert hours == settings(retention_hours=given).retention_hours


@pytest.mark.parametrize(
    "given", [0, "0", "", "23", 23, 8761, "8761", "-24", "24.5", 24.5, True, "7d", "1_000", "99999"]
)
def test_any_other_retention_is_an_error(given):
    with pytest.raises(ValueError, match="context retention_hours"):
        settings(retention_hours=given)


def test_a_deletion_is_remembered_for_longer_than_any_deleted_record_can_come_back(monkeypatch):
    comes_back = 2 * 7 + 365 + 14
    monkeypatch.setattr("infra.settings.TOMBSTONE_HOURS", comes_back * 24)
    with pytest.raises(ValueError, match="9432 h after it arrived"):
        settings()
    monkeypatch.setattr("infra.settings.TOMBSTONE_HOURS", comes_back * 24 + 1)
    assert 8_760 == settings(retention_hours=8_760).retention_hours
    monkeypatch.setattr("infra.settings.REDRIVE_HOURS", 366 * 24)
    with pytest.raises(ValueError, match="would rise again"):
        settings()


def test_an_object_that_comes_back_too_late_ends_the_synthesis():
    assert (10, 20) == (settings(landing_days="10").landing_days, settings(landing_days=10).landing_max_age_days)
    with pytest.raises(ValueError, match=r"of these 528 h in the landing bucket: landing_days"):
        settings(landing_days="11")


@pytest.mark.parametrize("given", [0, "0", "", "-1", "1.5", "7d", "1000", True])
def test_any_other_stay_in_the_landing_bucket_is_an_error(given):
    with pytest.raises(ValueError, match="context landing_days"):
        settings(landing_days=given)


def test_what_the_synthesis_counts_on_is_what_the_functions_do():
    assert (TOMBSTONE_SECONDS, REDRIVE_SECONDS) == (TOMBSTONE_HOURS * 3_600, REDRIVE_HOURS * 3_600)


@pytest.mark.parametrize(("given", "keys"), [("1", 1), (1, 1), ("2", 2), (9, 9)])
def test_the_newest_attribute_key_is_the_present_one(given, keys):
    chosen = settings(attribute_keys=given)

    assert (keys, keys) == (chosen.attribute_keys, chosen.present_attribute_key)


@pytest.mark.parametrize("given", [0, "0", "", "10", 10, -1, "1.0", 1.5, True, "two"])
def test_any_other_number_of_attribute_keys_is_an_error(given):
    with pytest.raises(ValueError, match="context attribute_keys"):
        settings(attribute_keys=given)


def test_a_new_attribute_key_can_be_made_known_before_it_is_the_present_one():
    chosen = settings(attribute_keys="2", present_attribute_key="1")

    assert (2, 1) == (chosen.attribute_keys, chosen.present_attribute_key)


@pytest.mark.parametrize("given", [0, "0", "3", 3, "10", "-1", True])
def test_a_present_attribute_key_that_does_not_exist_is_an_error(given):
    with pytest.raises(ValueError, match="context present_attribute_key"):
        settings(attribute_keys="2", present_attribute_key=given)


@pytest.mark.parametrize("given", ["", "a", "Acme", "9to5", "acme-", "a" * 28])
def test_a_prefix_that_cannot_begin_every_name_is_an_error(given):
    with pytest.raises(ValueError, match="context prefix"):
        settings(prefix=given)


def test_only_the_local_aws_gives_up_what_it_holds_with_its_stacks():
    assert settings(local="true").removal_policy is cdk.RemovalPolicy.DESTROY
    assert settings(local="false").removal_policy is cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def test_the_trail_is_locked_for_more_than_a_year_and_verified_writes_are_not_in_the_log():
    trail = settings().audit

    assert (s3.ObjectLockMode.GOVERNANCE, 400, False) == (trail.lock, trail.retention_days, trail.log_every_event)


def test_on_the_local_aws_the_lock_is_short_and_every_event_is_in_the_log():
    trail = settings(local=True).audit

    assert (s3.ObjectLockMode.GOVERNANCE, 1, True) == (trail.lock, trail.retention_days, trail.log_every_event)


def test_one_key_signs_a_manifest_every_five_minutes_where_nothing_else_is_said():
    assert (1, 5) == (settings().audit.keys, settings().audit.notary_minutes)

    chosen = settings(audit_keys="3", notary_minutes=1).audit
    assert (3, 1) == (chosen.keys, chosen.notary_minutes)


def test_what_is_said_about_the_trail_counts_everywhere():
    for local in (False, True):
        chosen = settings(local=local, audit_lock="compliance", audit_retention_days=2_557, log_every_event=not local)
        trail = chosen.audit
        assert (s3.ObjectLockMode.COMPLIANCE, 2_557, not local) == (
            trail.lock,
            trail.retention_days,
            trail.log_every_event,
        )


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *(("audit_lock", given) for given in ("", "none", "Governance", True)),
        *(("audit_retention_days", given) for given in (0, "0", -1, "1.5", "1y", "10000", True)),
        *(("log_every_event", given) for given in ("yes", 0, 1, " true")),
        *(("audit_keys", given) for given in (0, 10, "-1", "two", "")),
        *(("notary_minutes", given) for given in (0, 6, 60, "1.5", "")),
    ],
)
def test_anything_else_about_the_trail_is_an_error(name, given):
    with pytest.raises(ValueError, match=f"context {name}"):
        settings(**{name: given})
