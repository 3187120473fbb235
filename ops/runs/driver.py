"""Begins or joins a run and takes it to its end, one way or the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from ops.clock import Clock
from ops.errors import FunctionRefused
from ops.functions import Invoke
from ops.patience import Patience
from ops.runs import answers
from ops.runs.answers import Begun
from ops.runs.display import Display, Silent
from ops.runs.errors import AnotherRun
from ops.runs.follow import Follower
from ops.runs.local import LocalDriver
from ops.runs.machine import Machine
from ops.runs.options import Options, begin_payload, contradictions, scope_text
from ops.runs.view import RunView
from ops.runs.watch import Watcher
from shared.errors import RetryLater
from shared.runs.model import Phase, Run, RunKind, Worker
from shared.runs.ports import RunStore

LOOK_SECONDS: Final = 1.0
FOLLOW_SECONDS: Final = 5.0
"""A run that AWS drives is looked at less often: each look reads every segment."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What drives a run.

    Attributes:
        workers: the functions that work on segments; a run's kind says which.
        machine: drives runs on AWS; None: they are driven from here, with the workers, as against the local AWS.
        item_count: about how many items the table holds.
        log: where the functions tell more, for messages.
    """

    runs: RunStore
    rotation: Invoke
    workers: Mapping[Worker, Invoke]
    machine: Machine | None = None
    item_count: Callable[[], int | None] = lambda: None
    clock: Clock = field(default_factory=Clock)
    log: str = "the functions' log groups"


def drive(
    kind: RunKind,
    options: Options | None = None,
    *,
    ports: Ports | None = None,
    display: Display | None = None,
    wait: bool = True,
) -> RunView:
    """Begin a run, or join the unfinished one of its kind, and stay with it until it is done.

    Where the unfinished run was begun with options that contradict these, such as one that a schedule began, it is
    seen through first; but a destruction that was not asked for never is. Whoever is killed here, anywhere, calls again
    with the same options and goes on from there.

    Args:
        kind: what for.
        options: with what.
        ports: by default those that the environment names.
        display: what is told meanwhile, by default nothing.
        wait: False returns as soon as the state machine is started, for a run that was joined, too.

    Raises:
        AnotherRun: the unfinished run of this kind is another than was asked for, and nobody waits for it, or it would
            destroy data keys.
        FunctionRefused: the rotation function or a worker will not do it.
        NoProgress: nothing succeeded for `PATIENCE_SECONDS`.
        LeftToAws: interrupted; AWS goes on.
    """
    if ports is None:
        from ops.runs.wiring import ports_from_environment  # noqa: PLC0415 - which imports Ports

        ports = ports_from_environment()
    options, display = options or Options(), display or Silent()
    patience = Patience(ports.clock, display.trouble)
    payload = begin_payload(kind, options)
    while True:
        begun = patience.insist(partial(answers.begin, ports.rotation, payload))
        run = patience.insist(partial(_loaded, ports.runs, begun.run_id))
        contradicting = contradictions(options, run) if begun.joined else []
        if contradicting and (not wait or kind is RunKind.DESTRUCTION):
            raise AnotherRun(
                _another(run, contradicting)
                + ": finish it first, by the command that began it, or call it off (`sealstream rotation cancel`)"
            )
        display.begun(run, joined=begun.joined)
        if contradicting:
            display.told(_another(run, contradicting) + ": it is seen through first, then yours begins")
        _see_through(run, begun, ports, patience, display, wait=wait)
        if not contradicting:
            return patience.insist(partial(gathered, ports.runs, run.run_id))


def _see_through(
    run: Run,
    begun: Begun,
    ports: Ports,
    patience: Patience,
    display: Display,
    *,
    wait: bool,
) -> None:
    watcher = Watcher(ports.runs, run.run_id, item_count=ports.item_count, clock=ports.clock)
    if ports.machine is None:
        _drive_here(run, ports, patience, watcher, display)
        return
    follower = Follower(
        machine=ports.machine,
        run_id=run.run_id,
        watcher=watcher,
        patience=patience,
        show=display.progress,
        say=display.trouble,
        clock=ports.clock,
        every_seconds=FOLLOW_SECONDS,
        log=ports.log,
    )
    # who looks on sees whether somebody drives a run that was joined
    execution = "" if begun.joined and wait else follower.start()
    if wait:
        follower.follow(execution)


def _drive_here(run: Run, ports: Ports, patience: Patience, watcher: Watcher, display: Display) -> None:
    def look() -> Phase | None:
        try:
            figures = watcher.look()
        except RetryLater as error:  # it is only looked at
            display.trouble(str(error))
            return None
        if figures is None:
            return None
        display.progress(figures)
        return figures.phase

    worker = ports.workers[Worker.of(run.kind)]
    LocalDriver(ports.rotation, worker, patience, look, ports.clock, LOOK_SECONDS).drive(run)


def gathered(runs: RunStore, run_id: str) -> RunView:
    """A run with all that is stored of it; raises FunctionRefused where it is not there."""
    return RunView.gather(runs, _loaded(runs, run_id))


def _loaded(runs: RunStore, run_id: str) -> Run:
    run = runs.load(run_id)
    if run is None:
        raise FunctionRefused(f"run {run_id} is not in the runs table: is the table of the same deployment?")
    return run


def _another(run: Run, contradicting: Sequence[str]) -> str:
    what = f"{run.kind} {run.run_id} ({scope_text(run)})"
    return f"{what} is not done, and was begun with another {', '.join(contradicting)}"
