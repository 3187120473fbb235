"""The synthesis itself: needs no AWS, breaks no rule unexplained, differs for the local AWS in a few points only."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.infra.synthesis import REGION, STACKS

MAY_DIFFER_LOCALLY = [
    r"Resources\.\w+\.(DeletionPolicy|UpdateReplacePolicy)",
    r"Resources\.\w+Table\w+\.Properties\.DeletionProtectionEnabled",
    r"Resources\.\w+Mapping\w+\.Properties\.MaximumBatchingWindowInSeconds",
    r"Resources\.Findings\w+\.Properties\.VisibilityTimeout",
    r"Resources\.\w+Function\w+\.Properties\.Code\.S3Key",
    r"Resources\.\w+Function\w+\.Properties\.Environment\.Variables\.SEALSTREAM_KEY_AGE_SECONDS",
    r"Resources\.\w+Function\w+\.Properties\.Environment\.Variables\.SEALSTREAM_LOG_EVERY_EVENT",
    r"Resources\.\w+(Daily|KmsRotation|Look)\w+\.Properties\.State",
    r"Resources\.Audit\w+\.Properties\.ObjectLockConfiguration\.Rule\.DefaultRetention\.Days",
    r"Resources\.ServingHttpToken\w+\.Properties\.JwtConfiguration\.Issuer",
]
"""What dies with the stacks, how long a batch is gathered, a finding hidden and a data key used, for which platform an
asset is, that nothing begins a rotation by itself, how long the audit trail is locked,
that every event is in the log, and who issues tokens."""


def test_synthesis_succeeds_without_credentials_and_asks_nothing_of_aws(cloud):
    assert cloud.status == 0, cloud.output
    manifest = json.loads((cloud.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest.get("missing", []) == [], "a lookup would be answered by AWS"


def test_no_rule_of_cdk_nag_is_broken_unexplained(cloud, local):
    for synthesis in (cloud, local):
        report = json.loads((synthesis.folder / "validation-report.json").read_text(encoding="utf-8"))
        assert report["pluginReports"] == [], synthesis.output


def test_a_broken_rule_of_cdk_nag_fails_the_synthesis(other_and_unacceptable):
    assert other_and_unacceptable.status == 1
    assert "AwsSolutions-SQS3" in other_and_unacceptable.output


def test_cfn_lint_finds_nothing(cloud):
    done = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            *("--ignore-checks", "W3005"),  # the CDK writes a DependsOn beside each reference to a role
            *("--regions", REGION, "--"),
            *(cloud.folder / f"{stack}.template.json" for stack in STACKS),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_local_synthesis_differs_in_the_allowed_points_only(cloud, local):
    different = [
        f"{stack}: {path}"
        for stack in STACKS
        for path in _differences(cloud.template(stack), local.template(stack))
        if not any(re.fullmatch(allowed, path) for allowed in MAY_DIFFER_LOCALLY)
    ]

    assert different == []


def test_every_allowed_difference_exists(cloud, local):
    paths = [path for stack in STACKS for path in _differences(cloud.template(stack), local.template(stack))]

    assert [
        allowed for allowed in MAY_DIFFER_LOCALLY if any(re.fullmatch(allowed, path) for path in paths)
    ] == MAY_DIFFER_LOCALLY


def test_nothing_stays_behind_on_the_local_aws(local):
    assert {"Delete"} == {r.deletion_policy for r in local.resources() if r.deletion_policy}


def _differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif one != other:
        yield path
