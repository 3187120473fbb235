"""What is asked for here is what the rotation function takes."""

from __future__ import annotations

import pytest

from consumers.rotation import options as rotation
from ops.runs import commands
from ops.runs.options import Options, begin_payload
from shared.aws.clients import INVOCATIONS_AT_ONCE
from shared.policy.load import load_policy
from shared.runs.model import RunKind, Scope
from shared.runtime.settings import POLICY_FILE


@pytest.fixture(scope="module")
def policy():
    return load_policy(POLICY_FILE)


def test_the_limits_are_those_of_the_rotation_function():
    assert (rotation.MAX_WORKERS, rotation.MAX_SEGMENTS) == (commands.MOST_WORKERS, commands.MOST_SEGMENTS)
    assert commands.MOST_WORKERS <= INVOCATIONS_AT_ONCE


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        *((kind, Options()) for kind in RunKind),
        *((kind, Options(workers=40, segments=1_000, items_per_second=2.5)) for kind in RunKind),
        (RunKind.ROTATION, Options(scope=Scope(due=False), retire=False, barrier_seconds=20.0)),
        (RunKind.ROTATION, Options(scope=Scope(due=False, tenant_id="acme", key_id=0xBEEF))),
        (RunKind.ROTATION, Options(scope=Scope(due=False, tenant_id="acme", data_class="pii"))),
        (RunKind.RETIREMENT, Options(barrier_seconds=20.0)),
        (RunKind.DESTRUCTION, Options(abandon_backups=True, barrier_seconds=20.0)),
    ],
)
def test_every_run_that_a_command_begins_is_understood(policy, kind, asked):
    read = rotation.read_options(begin_payload(kind, asked), policy, is_local=True)

    assert asked.scope == read.scope
    assert (asked.retire, asked.abandon_backups) == (read.retire, read.abandon_backups)
    assert asked.workers in {None, read.workers}
    assert asked.barrier_seconds in {None, read.barrier_seconds}
    assert (asked.segments, asked.items_per_second) == (read.segments, read.items_per_second)


def test_the_scope_of_a_destruction_is_understood(policy):
    asked = Options(scope=Scope(tenant_id="acme", key_id=0xBEEF))
    read = rotation.read_options(begin_payload(RunKind.DESTRUCTION, asked), policy, is_local=False)
    assert ("acme", 0xBEEF) == (read.scope.tenant_id, read.scope.key_id)
