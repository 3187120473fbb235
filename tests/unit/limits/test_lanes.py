"""The KPL names one partition key for all its aggregates: Lambda then reads a shard in one lane."""

from __future__ import annotations

from bench.limits.lanes import LANES, aggregated, in_lanes, plain, throughput
from consumers.encryptor.deaggregate import user_records


def test_records_of_many_keys_fill_every_lane_and_aggregates_of_them_one():
    assert (LANES, 1) == (len(in_lanes(plain(100))), len(in_lanes(aggregated(100))))


def test_user_records_keep_their_own_keys_within_the_aggregate():
    keys = [record.partition_key for event in aggregated(40) for record in user_records(event)]

    assert [record.partition_key for event in plain(40) for record in user_records(event)] == keys


def test_each_way_writes_every_record(monkeypatch):
    monkeypatch.setattr("bench.limits.lanes._PUT_SECONDS", 0)

    found = [throughput(events, per_batch=20) for events in (plain(100), aggregated(100))]

    assert [(100, LANES), (100, 1)] == [(one["records"], one["lanes"]) for one in found]
