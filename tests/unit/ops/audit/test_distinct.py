"""Whether two events of one id tell the same, of events as their stages tell them."""

from __future__ import annotations

import io
import json

import pytest

from consumers.encryptor.report import report_quarantined
from ops.audit import telling
from ops.audit.reading import Trail
from shared.policy.load import parse_policy
from shared.runtime.audit_log import AuditLog
from tests.fakes.encryptor import encryptor_world
from tests.fakes.files import file_source, line_record, wrapped_payload
from tests.unit.ops.audit.trail import HOUR, START, MemoryObjects

POLICY = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
"""


@pytest.mark.parametrize("other", [{}, {"reason": "too_large"}], ids=["another record", "another reason"])
def test_a_line_that_was_rejected_twice_is_told_in_two_ways_only_where_more_than_its_record_is_another(other, capsys):
    """A file is read again where a call was killed: then each line comes in another record."""
    wrapped, out = wrapped_payload(file_source(3), "not_json", b"{"), io.StringIO()
    with encryptor_world(parse_policy(POLICY, "policy.toml")) as world:
        for sequence in (0, 9):
            result = world.process(line_record(wrapped, sequence=sequence))
            report_quarantined(result, AuditLog(out), at=START + sequence)
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first["event_id"] == second["event_id"]
    assert first["sequence_number"] != second["sequence_number"]

    objects = MemoryObjects()
    keys = objects.write(first, where="a"), objects.write(second | other, where="b")
    trail = Trail(objects)
    shown = list(trail.events(START, START + HOUR))

    assert [first, *([{**second, **other, "told_otherwise": keys[0]}] if other else [])] == shown
    assert [keys] * bool(other) == [*trail.conflicts]
    assert bool(other) == telling.ended(trail)
    assert f"told in two ways: {keys[0]} counts, {keys[1]} tells something else" in capsys.readouterr().err or not other
