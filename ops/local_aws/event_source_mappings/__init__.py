"""Event source mappings of Kinesis and DynamoDB streams, delivering as AWS Lambda does.

MiniStack's own poller marks a poison batch as done and loses it, and stores most settings without effect.

    sources.py         reads records out of the streams
    delivery.py        PURE: which records make a batch, what a function's answer means, what happens next
    failure_record.py  PURE: what an on-failure destination is told
    outbound.py        invokes functions and writes to destinations, over the public API
    poller.py          threads: one consumer for each shard of each mapping
"""

from ops.local_aws.event_source_mappings.poller import start

__all__ = ["start"]
