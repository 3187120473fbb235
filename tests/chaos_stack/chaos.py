"""A campaign from nothing but its seed."""

from __future__ import annotations

from random import Random

from tests.chaos_stack.campaign import Campaign, Result
from tests.chaos_stack.faults import weather
from tests.chaos_stack.records import Generator
from tests.integration.support import Deployment

SECONDS = 4.0


def campaign(deployment: Deployment, seed: int) -> Campaign:
    """What a seed stands for."""
    per_second = Random(f"rate {seed}").choice((15, 30, 60))
    return Campaign(deployment, Generator(seed), weather(seed, SECONDS), per_second, SECONDS)


def told(result: Result) -> str:
    """One line, and what is wrong under it."""
    line = (
        f"seed {result.seed}: {result.records} records, {result.items} items, {sum(result.faults.values())} faults, "
        f"{sum(result.quarantined.values())} in quarantine, {result.dead_letters} dead letters, lost {result.lost}, "
        f"doubled {result.doubled}, plaintext hits {result.plaintext_hits}, {sum(result.seconds.values()):.1f} s"
    )
    return "\n  ".join([line, *result.complaints])


def again(seed: int) -> str:
    """How to run a campaign by itself."""
    return f"make chaos SEED={seed} runs just this"
