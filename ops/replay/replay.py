"""`sealstream replay`: workers here invoke the redriver, which reads and writes; positions and counts come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ops.clock import Clock, iso
from ops.environment import function
from ops.errors import FunctionRefused, NoProgress
from ops.functions import Invoke
from ops.json_lines import JsonLines
from ops.patience import Patience
from ops.replay.report import Watch, counts_of, lines
from ops.replay.shards import Shard, Turns, chosen, shards_since
from ops.stretch import Stretch
from ops.telling import Teller, for_programs, teller_for
from ops.threads import together

QUARANTINED: Final = "quarantined"
LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What is replayed.

    Attributes:
        since: seconds since the epoch; records that arrived then or later.
        until: they arrived before.
        shard_ids: of these shards alone; none means all.
        records_per_second: user records, of all workers together at most.
        workers: shards read side by side at most.
        dry_run: nothing is written.
    """

    since: float
    until: float
    shard_ids: tuple[str, ...] = ()
    records_per_second: float = 500.0
    workers: int = 4
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """What replays."""

    redriver: Invoke
    clock: Clock = field(default_factory=Clock)


def replay(options: Options, *, as_json: bool = False, ports: Ports | None = None) -> int:
    """Read the shards again, and print what came of it, also where it is interrupted.

    Returns:
        0 where all was there to the end and was read and nothing went to quarantine, else 1.

    Raises:
        FunctionRefused: the redriver will not say which shards there are.
        NoProgress: it does not answer at all.
        SystemExit: there is no such shard.
        KeyboardInterrupt: nothing more is begun; what was begun ends by itself.
    """
    ports = ports or Ports(function("REDRIVER", "redriver"))
    as_json = for_programs(as_json=as_json)
    with teller_for("replay", as_json=as_json) as teller:
        patience = Patience(ports.clock, teller.trouble)
        listed, forgotten_before = patience.insist(partial(shards_since, ports.redriver, options.since))
        stretches = _stretches(options, ports, listed)
        if options.shard_ids:
            forgotten_before = None  # of others, maybe: each stretch tells what its own shard has forgotten
        watch = Watch(options.since, options.until, list(stretches.values()), ports.clock, forgotten_before)
        teller.happened(
            "begun",
            **{"from": iso(options.since), "to": iso(options.until)},
            shards=[shard.shard_id for shard in stretches],
            dry_run=options.dry_run,
        )
        why, interrupted = "", False
        try:
            _read_all(stretches, options.workers, patience, teller, partial(_show, watch, teller))
        except (FunctionRefused, NoProgress) as error:
            why = str(error)
        except KeyboardInterrupt:
            interrupted = True
        _show(watch, teller)
    counts = counts_of(stretches.values())
    is_done = all(stretch.reading.done for stretch in stretches.values())
    if as_json:
        JsonLines().write("finished", done=is_done, dry_run=options.dry_run, why=why, **watch.document())
    else:
        print("\n".join(lines(watch, why, dry_run=options.dry_run)))
    if interrupted:
        raise KeyboardInterrupt
    is_whole = watch.gone_before is None and not watch.overtaken
    return 0 if is_done and is_whole and not counts.get(QUARANTINED) else 1


def _stretches(options: Options, ports: Ports, listed: Sequence[Shard]) -> dict[Shard, Stretch]:
    """Each shard's, in their order."""
    try:
        shards = chosen(listed, options.shard_ids)
    except ValueError as error:
        known = ", ".join(shard.shard_id for shard in listed) or "none"
        raise SystemExit(
            f"sealstream: no shard with records of that time is named {error}; there are: {known}"
        ) from None
    at_once = max(1, min(options.workers, len(shards)))
    common: dict[str, Any] = {"operation": "replay", "from": options.since, "to": options.until}
    common["records_per_second"] = options.records_per_second / at_once
    if options.dry_run:
        common["dry_run"] = True
    return {shard: Stretch(ports.redriver, "redriver", {**common, "shard_id": shard.shard_id}) for shard in shards}


def _read_all(
    stretches: dict[Shard, Stretch],
    workers: int,
    patience: Patience,
    teller: Teller,
    look: Callable[[], None],
) -> None:
    turns = Turns(list(stretches))
    work = partial(_work, turns, stretches, patience, teller)
    try:
        together([work] * min(workers, len(stretches)), meanwhile=look, every_seconds=LOOK_SECONDS)
    finally:
        patience.stopped.set()  # so that threads left behind begin nothing more
        turns.end()


def _work(turns: Turns, stretches: dict[Shard, Stretch], patience: Patience, teller: Teller) -> None:
    """One worker: a shard after the other, at its share of the rate."""
    owed_seconds = 0.0
    while (shard := turns.take()) is not None:
        stretch = stretches[shard]
        patience.rest(owed_seconds)
        while not stretch.reading.done:
            if patience.stopped.is_set():
                return
            reading = stretch.step(patience)
            teller.happened("progress", shard_id=shard.shard_id, **reading.document())
        owed_seconds = stretch.reading.owed_seconds
        turns.read(shard)


def _show(watch: Watch, teller: Teller) -> None:
    teller.progress(watch.completed, watch.total, watch.told())
