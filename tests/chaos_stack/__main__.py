"""`python -m tests.chaos_stack chaos|soak`: on a local AWS of its own, with the real deployment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from ops.local_aws.process import BUILD, LocalAwsError
from ops.local_aws.up import down, up
from shared.aws.clients import forget
from shared.aws.errors import AWS_ERRORS
from shared.errors import SealstreamError
from tests.chaos_stack.chaos import again, campaign, told
from tests.chaos_stack.figures import as_table, figures, store
from tests.chaos_stack.soak import soak as soaked
from tests.integration.support import FAULTS_FILE, Deployment

console = Console()


@click.group()
def main() -> None:
    """Whole-stack chaos and soak."""


@main.command()
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True)
@click.option("--seed", "seed", type=int, help="this one alone")
def chaos(*, seeds: int, seed: int | None) -> None:
    """Campaigns, one a seed."""
    results, broken = [], []
    with deployed(BUILD / "chaos") as deployment:
        for number in [seed] if seed is not None else range(1, seeds + 1):
            try:
                result = campaign(deployment, number).run()
            except (AssertionError, LocalAwsError, SealstreamError, *AWS_ERRORS) as error:
                broken.append(number)
                console.print(f"seed {number}: {error}", again(number), sep="\n", markup=False)
                continue
            results.append(result)
            console.print(told(result), markup=False, soft_wrap=True)
            if result.complaints:
                console.print(again(number), markup=False)
    found = figures(results) | {"seeds_that_did_not_settle": broken}
    store(found, BUILD / "chaos.json")
    console.print(as_table(found))
    sys.exit(1 if broken or found["failed_seeds"] else 0)


@main.command()
@click.option("--seconds", type=click.FloatRange(10), default=600.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--rate", type=click.FloatRange(1), help="user records a second; by default what a burst shows")
def soak(*, seconds: float, seed: int, rate: float | None) -> None:
    """One long campaign; memory and age are watched."""
    with deployed(BUILD / "soak") as deployment:
        result, watched = soaked(deployment, seed=seed, seconds=seconds, per_second=rate)
    found = figures([result]) | watched
    store(found, BUILD / "soak.json")
    console.print(as_table(found), told(result), sep="\n", markup=False)
    sys.exit(1 if result.complaints else 0)


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """A local AWS that can be started anew, and whose functions obey a file of faults."""
    folder.mkdir(parents=True, exist_ok=True)
    down(folder)  # what an earlier run left, if it was killed
    try:
        running = up(folder, keep_state=True, faults=folder / FAULTS_FILE, say=console.print)
        os.environ.update(running.environment)
        forget()
        yield Deployment(running.environment, folder)
    finally:
        down(folder)


if __name__ == "__main__":
    main()
