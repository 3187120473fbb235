from __future__ import annotations

from tests.local_aws.support import LocalAws


def test_a_started_local_aws_answers(local_aws: LocalAws) -> None:
    assert "000000000000" == local_aws.client("sts").get_caller_identity()["Account"]
