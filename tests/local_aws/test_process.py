from __future__ import annotations

import urllib.request

from tests.local_aws.support import LocalAws


def test_a_started_local_aws_answers(local_aws: LocalAws) -> None:
    with urllib.request.urlopen(f"{local_aws.endpoint}/_ministack/health") as response:
        assert 200 == response.status
