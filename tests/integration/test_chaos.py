"""Two campaigns of `make chaos` and a short `make soak`, on the deployment that all integration tests share."""

from __future__ import annotations

import pytest

from tests.chaos_stack.chaos import again, campaign, told
from tests.chaos_stack.soak import soak
from tests.integration.support import Deployment

RESHARDED_AND_GIVEN_UP, RESTARTED = 20, 26
SOAK_SECONDS = 24
PER_SECOND = 40


@pytest.mark.parametrize("seed", [RESHARDED_AND_GIVEN_UP, RESTARTED])
def test_a_campaign_loses_nothing_doubles_nothing_and_shows_nothing(deployment: Deployment, seed: int):
    result = campaign(deployment, seed).run()

    assert [] == result.complaints, f"{told(result)}\n{again(seed)}"
    assert result.faults
    assert result.quarantined


def test_a_soak_ends_with_everything_in_its_place_and_no_more_memory_than_before(deployment: Deployment):
    result, watched = soak(deployment, seed=0, seconds=SOAK_SECONDS, per_second=PER_SECOND)

    assert [] == result.complaints, told(result)
    assert {"sealstream-encryptor", "sealstream-auditor"} <= watched["memory_bytes"].keys()
