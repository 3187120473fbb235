"""What the runbook deletes when a deployment is taken down, against what a deployment leaves."""

from __future__ import annotations

import re
from pathlib import Path

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


def test_every_log_group_that_stays_is_deleted_by_name_or_the_next_deployment_fails(cloud):
    left = {str(group.properties["LogGroupName"]) for group in cloud.resources("AWS::Logs::LogGroup")}

    page = RUNBOOK.read_text("utf-8")
    (names,) = re.findall(r"^for name in (.*); do\n  aws logs delete-log-group", page, re.MULTILINE)
    others = re.findall(r"^aws logs delete-log-group --log-group-name (\S+)$", page, re.MULTILINE)
    assert len(left) > 3
    assert left == {*others, *(f"/aws/lambda/sealstream-{name}" for name in names.split())}
