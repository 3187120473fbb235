"""What a redriver is made of, built once per process."""

from __future__ import annotations

from functools import cache

from consumers.encryptor.again.entries import Entries
from consumers.encryptor.again.operations import Redriver
from consumers.encryptor.again.stretches import Stretches
from consumers.encryptor.again.telling import Telling
from consumers.encryptor.wiring import build
from shared.aws.audited import audit_log
from shared.aws.clients import client
from shared.aws.held_entries import HeldEntries
from shared.aws.kinesis_records import KinesisRecords
from shared.aws.sealing_keys import SealingKeys
from shared.aws.shards import KinesisShards
from shared.runtime.log import quiet_libraries
from shared.runtime.settings import RedriverSettings


def wire(settings: RedriverSettings) -> Redriver:
    """Build the redriver; it publishes the policy before the first record may be sealed, and for a plan does not.

    Raises:
        PolicyError: nothing was built.
    """
    quiet_libraries()
    names = settings.encryptor
    keys = SealingKeys.of(names, audit_log())
    wired = build(names, keys)
    telling = Telling(wired.keyring, keys.audit_log)
    held = HeldEntries(client("s3"), client("dynamodb"), bucket=names.quarantine_bucket, table=names.quarantine_table)
    kinesis = client("kinesis")
    return Redriver(
        stretches=Stretches(wired.encryptor, KinesisRecords(kinesis, settings.stream), telling, settings.stream),
        entries=Entries(wired.encryptor, held, wired.keyring, keys.policy.dataset, telling),
        shards=lambda since: KinesisShards(kinesis).shards(settings.stream, since=since),
        forgotten_before=lambda now: KinesisShards(kinesis).forgotten_before(settings.stream, now=now),
        prepare=cache(keys.publish_policy),
        telling=telling,
    )
