"""Event source mappings of streams and queues, delivering as AWS Lambda does.

MiniStack's own poller marks a poison batch as done and loses it, and stores most settings without effect.

    ports.py           what a consumer reads from and acts on
    delivery.py        PURE: which records make a batch, what a function's answer means, what happens next
    failure_record.py  PURE: what an on-failure destination is told
    shard_consumer.py  a thread that delivers one shard to one mapping
    sources.py         reads records out of MiniStack's streams
    outbound.py        invokes functions and writes to destinations, over the public API
    supervisor.py      a consumer for each shard of each mapping, children after parents
    poller.py          takes over from MiniStack
"""


# Imported only in the functions: MiniStack reads its environment on import, and most of the package needs none of it.


def start() -> None:
    """Take over from MiniStack's poller; call it once, in the server process."""
    from ops.local_aws.event_source_mappings.poller import start as start_poller  # noqa: PLC0415

    start_poller()


def positions() -> dict[str, dict[str, int]]:
    """Where each mapping of a stream has come to, by mapping and shard: everything up to there is done."""
    from ops.local_aws.event_source_mappings.poller import SUPERVISOR  # noqa: PLC0415

    return SUPERVISOR.positions()


def begin_at(positions: dict[str, dict[str, int]]) -> None:
    """Go on from there; call it before `start`."""
    from ops.local_aws.event_source_mappings.poller import SUPERVISOR  # noqa: PLC0415

    SUPERVISOR.begin_at(positions)


def end() -> None:
    """What functions answer from now on does not count any more, and is delivered again after a restart."""
    from ops.local_aws.event_source_mappings import outbound  # noqa: PLC0415

    outbound.end()
