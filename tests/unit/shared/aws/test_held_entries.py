"""Decisions about entries, on moto; what another process does meanwhile is done between two calls of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from shared.aws.clients import config
from shared.aws.held_entries import ATTEMPTS, HeldEntries
from shared.aws.quarantine import S3Quarantine, object_key
from shared.errors import QuarantineCorrupt, Reason, StoreUnavailable
from shared.model import EntryState, HeldEntry, QuarantineEntry

ID = "0123456789abcdef0123456789abcdef"
KEPT = QuarantineEntry(
    quarantine_id=ID,
    reason=Reason.NOT_JSON,
    detail="the payload is not one JSON value",
    tenant_id="",
    stream_arn="arn:aws:kinesis:eu-central-1:111122223333:stream/records",
    shard_id="shardId-000000000000",
    sequence_number="49590338271490256608559692538361571095921575989136588898",
    arrived_at=1_700_000_000.25,
    record_count=3,
    sealed_content=b"\x01sealed",
)


class Watched:
    """A client that lets others act before a call, and knows S3's conditional deletion, which moto does not."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.before: dict[str, Callable[[], None]] = {}

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            if (act := self.before.pop(name, None)) is not None:
                act()
            if name == "delete_object":
                self._check_tag(arguments)
            return getattr(self._client, name)(**arguments)

        return call

    def _check_tag(self, arguments: Any) -> None:
        found = self._client.head_object(Bucket=arguments["Bucket"], Key=arguments["Key"])
        if found["ETag"] != arguments.pop("IfMatch"):
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "DeleteObject")


@dataclass
class World:
    s3: Watched
    dynamodb: Watched
    held: HeldEntries
    quarantine: S3Quarantine

    @property
    def entry(self) -> HeldEntry:
        found = self.held.find(ID)
        assert found is not None
        return found

    def content(self) -> bytes | None:
        return self.held.content(replace(self.entry, object_key=object_key(KEPT)))

    def decide(self, state: EntryState = EntryState.REDRIVEN) -> HeldEntry:
        assert self.held.decide(self.entry, state, 1_700_000_100.5)
        return self.entry

    def keep_again(self) -> None:
        self.quarantine.keep(replace(KEPT, sealed_content=b"\x01sealed anew"))


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        s3 = Watched(boto3.client("s3", region_name="us-east-1", config=config("s3")))
        dynamodb = Watched(boto3.client("dynamodb", region_name="us-east-1", config=config("dynamodb")))
        s3.create_bucket(Bucket="held")
        s3.put_bucket_versioning(Bucket="held", VersioningConfiguration={"Status": "Enabled"})
        dynamodb.create_table(
            TableName="index",
            KeySchema=[{"AttributeName": "quarantine_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "quarantine_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        clients: Any = (s3, dynamodb)
        quarantine = S3Quarantine(*clients, bucket="held", table="index")
        quarantine.keep(KEPT)
        yield World(s3, dynamodb, HeldEntries(*clients, bucket="held", table="index"), quarantine)


def test_an_entry_is_found_as_it_was_kept(world):
    expected = HeldEntry(
        quarantine_id=ID,
        state=EntryState.HELD,
        reason=Reason.NOT_JSON,
        kept_reason=Reason.NOT_JSON,
        detail=KEPT.detail,
        tenant_id="",
        stream_arn=KEPT.stream_arn,
        shard_id=KEPT.shard_id,
        sequence_number=KEPT.sequence_number,
        arrived_at=KEPT.arrived_at,
        record_count=3,
        object_key=object_key(KEPT),
    )
    assert expected == world.entry
    assert b"\x01sealed" == world.content()
    assert world.held.find("f" * 32) is None


@pytest.mark.parametrize("spoiled", [{"state": {"S": "lost"}}, {"reason": {"S": "x"}}, {"arrived_at": {"S": "x"}}])
def test_a_row_of_another_form_is_said_and_not_quoted(world, spoiled):
    (row,) = world.dynamodb.scan(TableName="index")["Items"]
    world.dynamodb.put_item(TableName="index", Item=row | {"detail": {"S": "canary"}} | spoiled)

    with pytest.raises(QuarantineCorrupt, match=ID) as raised:
        world.held.find(ID)

    assert "canary" not in str(raised.value)


def test_why_it_is_held_now_is_said_and_why_it_was_kept_stays_known(world):
    assert world.held.hold(world.entry, Reason.ORDER_UNKNOWN, "another")
    world.held.hold(world.entry, Reason.MISPLACED, "a third")

    found = world.entry
    assert (Reason.MISPLACED, "a third", Reason.NOT_JSON) == (found.reason, found.detail, found.kept_reason)


def test_a_decision_is_carried_out_and_leaves_its_row(world):
    world.held.carry_out(world.decide())

    assert world.content() is None
    assert (EntryState.REDRIVEN, 1_700_000_100.5, "") == (
        world.entry.state,
        world.entry.decided_at,
        world.entry.object_key,
    )


def test_only_what_is_held_can_be_decided_about(world):
    entry = world.entry
    world.decide(EntryState.DISCARDED)

    assert not world.held.decide(entry, EntryState.REDRIVEN, 5.0)
    assert not world.held.hold(entry, Reason.MISPLACED, "too late")
    assert (EntryState.DISCARDED, Reason.NOT_JSON) == (world.entry.state, world.entry.reason)


def test_what_is_held_is_never_deleted(world):
    world.held.carry_out(world.entry)

    assert b"\x01sealed" == world.content()


@pytest.mark.parametrize("killed_in", ["head_object", "delete_object", "update_item"])
def test_a_decision_that_was_cut_off_is_carried_out_by_who_asks_again(world, killed_in):
    entry = world.decide()

    def killed() -> None:
        raise KeyboardInterrupt

    for client in (world.s3, world.dynamodb):
        client.before[killed_in] = killed
    with pytest.raises(KeyboardInterrupt):
        world.held.carry_out(entry)
    world.s3.before.clear()
    world.dynamodb.before.clear()

    world.held.carry_out(world.entry)

    assert world.content() is None
    assert "" == world.entry.object_key


@pytest.mark.parametrize("before", ["head_object", "delete_object"])
@pytest.mark.parametrize("client", ["s3"])
def test_what_comes_again_while_a_decision_is_carried_out_is_held_with_its_content(world, before, client):
    entry = world.decide()
    getattr(world, client).before[before] = world.keep_again

    world.held.carry_out(entry)

    assert (EntryState.HELD, object_key(KEPT)) == (world.entry.state, world.entry.object_key)
    assert b"\x01sealed anew" == world.content()


@pytest.mark.parametrize("call", ["get_item", "update_item"])
def test_the_same_before_the_row_is_read_or_forgets_its_content(world, call):
    entry = world.decide()
    world.dynamodb.before[call] = world.keep_again

    world.held.carry_out(entry)

    assert (EntryState.HELD, object_key(KEPT)) == (world.entry.state, world.entry.object_key)
    assert b"\x01sealed anew" == world.content()


def test_an_object_that_a_sweep_seals_anew_is_deleted_all_the_same(world):
    entry = world.decide()
    put = lambda: world.s3.put_object(Bucket="held", Key=entry.object_key, Body=b"\x01swept")  # noqa: E731
    world.s3.before["delete_object"] = put

    world.held.carry_out(entry)

    assert world.content() is None


def test_content_that_somebody_else_deleted_meanwhile_is_deleted(world):
    entry = world.decide()
    world.s3.before["delete_object"] = lambda: world.held.carry_out(entry)

    world.held.carry_out(entry)

    assert "" == world.entry.object_key


def test_a_deletion_that_s3_refuses_is_an_outage_and_the_row_still_names_the_content(world):
    entry = world.decide()

    def denied() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObject")

    world.s3.before["delete_object"] = denied
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        world.held.carry_out(entry)

    assert object_key(KEPT) == world.entry.object_key


def test_who_never_gets_to_delete_says_so(world):
    entry, number = world.decide(), count()

    def again() -> None:
        world.s3.put_object(Bucket="held", Key=entry.object_key, Body=b"\x01swept %d" % next(number))
        world.s3.before["delete_object"] = again

    again()
    with pytest.raises(StoreUnavailable, match=f"{ATTEMPTS} times"):
        world.held.carry_out(entry)
    assert object_key(KEPT) == world.entry.object_key


@pytest.mark.parametrize(
    "call",
    [
        lambda held, entry: held.find(ID),
        lambda held, entry: held.content(entry),
        lambda held, entry: held.hold(entry, Reason.MISPLACED, ""),
        lambda held, entry: held.decide(entry, EntryState.DISCARDED, 1.0),
        lambda held, entry: held.carry_out(entry),
    ],
)
def test_a_store_that_is_not_there_is_an_outage(world, call):
    clients: Any = (world.s3, world.dynamodb)

    with pytest.raises(StoreUnavailable):
        call(HeldEntries(*clients, bucket="nowhere", table="nowhere"), world.entry)
