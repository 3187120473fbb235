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


def start() -> None:
    """Take over from MiniStack's poller; call it once, in the server process."""
    # Imported only now: MiniStack reads its environment on import, and the rest of the package does not need it.
    from ops.local_aws.event_source_mappings.poller import start as start_poller  # noqa: PLC0415

    start_poller()
