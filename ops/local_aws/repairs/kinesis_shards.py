"""The life of a shard: a parent that was split or merged is closed and stays readable until its records expire."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final

from ministack.services import kinesis

from ops.local_aws.repairs.kinesis_numbers import LAST_PLACE, Origin, Places, compose
from ops.local_aws.repairs.kinesis_request import Request, Stored, answering, invalid, shard_of, stream_of

#: A tag of a stream that stands for its retention here, in seconds: who tests what is gone need not wait for a day.
RETENTION_TAG: Final = "local-aws:retention-seconds"

_places: Final = Places()
#: The shard that the request's last record was routed to; MiniStack asks for its number right after.
_routed: ContextVar[Stored] = ContextVar("routed")


def apply() -> None:
    """Replace how shards are made, chosen, numbered, trimmed, split and merged."""
    kinesis._build_shards = _build
    kinesis._route_to_shard = _route
    kinesis._next_sequence_number = lambda: next_number(_routed.get())
    kinesis._expire_records = trim
    kinesis._split_shard = answering(_split_shard)
    kinesis._merge_shards = answering(_merge_shards)
    kinesis._update_shard_count = answering(_update_shard_count)


def is_open(shard: Mapping[str, Any]) -> bool:
    """Whether records are put on it."""
    return shard.get("closed_at") is None


def horizon(stream: Mapping[str, Any]) -> float:
    """When retention began: what arrived before (seconds since the epoch) is gone."""
    seconds = float(stream["tags"].get(RETENTION_TAG) or stream["RetentionPeriodHours"] * 3600)
    return time.time() - seconds


def live_records(stream: Mapping[str, Any], shard: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The records that retention has left."""
    records: Sequence[Mapping[str, Any]] = shard["records"]
    gone = bisect_left(records, horizon(stream), key=lambda record: record["ApproximateArrivalTimestamp"])
    return records[gone:] if gone else records


def trim(stream: Stored) -> None:
    """AWS: what is over retention is gone, and a closed shard with the last of it."""
    for shard_id, shard in list(stream["shards"].items()):
        shard["records"] = live_records(stream, shard)
        if not is_open(shard) and not shard["records"] and shard["closed_at"] < horizon(stream):
            del stream["shards"][shard_id]


def parents_of(shard: Mapping[str, Any]) -> list[str]:
    """The ids of the one or two shards that it was made of, there or gone."""
    return [parent for parent in (shard["parent_shard_id"], shard["adjacent_parent_shard_id"]) if parent]


def next_number(shard: Mapping[str, Any]) -> str:
    """A number above all that the shard has given."""
    return compose(_origin(shard), next(_places), time.time())


def _origin(shard: Mapping[str, Any]) -> Origin:
    return Origin(shard["made_at"], shard["index"])


def _build(count: int, start_index: int = 0) -> dict[str, Stored]:
    ranges, now = kinesis._compute_hash_ranges(count), time.time()
    return dict(
        _shard(start_index + index, (int(first), int(last)), {}, now) for index, (first, last) in enumerate(ranges)
    )


def _shard(index: int, hash_keys: tuple[int, int], parents: Mapping[str, Stored], now: float) -> tuple[str, Stored]:
    # A second above its parents', or the numbers of a shard that is split as soon as it is made would not be below.
    made_at = max([int(now), *(parent["made_at"] + 1 for parent in parents.values())])
    parent, adjacent = [*parents, None, None][:2]
    return f"shardId-{index:012d}", {
        "records": [],
        "starting_hash_key": str(hash_keys[0]),
        "ending_hash_key": str(hash_keys[1]),
        "starting_sequence_number": compose(Origin(made_at, index), 0, now),
        "parent_shard_id": parent,
        "adjacent_parent_shard_id": adjacent,
        "index": index,
        "made_at": made_at,
        "opened_at": now,
        "closed_at": None,
    }


def _route(hash_key: int, stream: Stored) -> str:
    """AWS: a record goes to the open shard whose range holds its hash key, and is numbered there."""
    for shard_id, shard in stream["shards"].items():
        if is_open(shard) and int(shard["starting_hash_key"]) <= hash_key <= int(shard["ending_hash_key"]):
            _routed.set(shard)
            return str(shard_id)
    raise ValueError("a hash key is a number of 128 bits")


def _succeed(stream: Stored, parents: Mapping[str, Stored], ranges: Sequence[tuple[int, int]]) -> list[str]:
    """Close the parents and open a child for each range; returns the children's ids."""
    now = time.time()
    for parent in parents.values():
        parent["ending_sequence_number"] = compose(_origin(parent), LAST_PLACE, now)
        parent["closed_at"] = now
    first_index = stream.setdefault("next_shard_index", kinesis._max_shard_index(stream) + 1)
    stream["next_shard_index"] += len(ranges)
    children = [_shard(first_index + number, limits, parents, now) for number, limits in enumerate(ranges)]
    stream["shards"].update(children)
    return [shard_id for shard_id, _ in children]


def _split_shard(request: Request) -> Mapping[str, Any]:
    stream = stream_of(request)
    shard_id, at = request["ShardToSplit"], int(request["NewStartingHashKey"])
    first, last = _range(_open_shard(stream, shard_id))
    if not first + 1 < at < last:
        raise invalid(
            f"NewStartingHashKey {at} used in SplitShard() on shard {shard_id} in stream {stream['StreamName']} is not "
            f"both greater than one plus the shard's StartingHashKey {first} and less than the shard's EndingHashKey "
            f"{last}."
        )
    _split(stream, shard_id, at)
    return {}


def _merge_shards(request: Request) -> Mapping[str, Any]:
    stream = stream_of(request)
    ids = [request["ShardToMerge"], request["AdjacentShardToMerge"]]
    ranges = sorted(_range(_open_shard(stream, shard_id)) for shard_id in ids)
    if ranges[0][1] + 1 != ranges[1][0]:
        raise invalid(f"Shards {ids[0]} and {ids[1]} in stream {stream['StreamName']} are not an adjacent pair")
    _merge(stream, ids)
    return {}


def _update_shard_count(request: Request) -> Mapping[str, Any]:
    """AWS splits and merges until the ranges are even; shards in between are closed as soon as they are made."""
    stream, target = stream_of(request), int(request["TargetShardCount"])
    current = len(_open_shards(stream))
    for is_too_far, what in ((target > 2 * current, "up over double"), (2 * target < current, "down below half")):
        if is_too_far:
            raise invalid(
                f"UpdateShardCount cannot scale {what} your current open shard count. "
                f"Current open shard count: {current} Target shard count: {target}"
            )
    ranges = [(int(first), int(last)) for first, last in kinesis._compute_hash_ranges(target)]
    for at, _ in ranges:
        for shard_id, shard in _open_shards(stream):
            if int(shard["starting_hash_key"]) < at <= int(shard["ending_hash_key"]):
                _split(stream, shard_id, at)
    for first, last in ranges:
        merged, *rest = [id_ for id_, shard in _open_shards(stream) if first <= int(shard["starting_hash_key"]) <= last]
        for shard_id in rest:
            merged = _merge(stream, [merged, shard_id])
    return {
        "StreamName": stream["StreamName"],
        "CurrentShardCount": current,
        "TargetShardCount": target,
        "StreamARN": stream["StreamARN"],
    }


def _split(stream: Stored, shard_id: str, at: int) -> None:
    parent = stream["shards"][shard_id]
    first, last = _range(parent)
    _succeed(stream, {shard_id: parent}, [(first, at - 1), (at, last)])


def _merge(stream: Stored, ids: Sequence[str]) -> str:
    parents = {shard_id: stream["shards"][shard_id] for shard_id in ids}
    limits = [_range(parent) for parent in parents.values()]
    [child] = _succeed(stream, parents, [(min(limits)[0], max(limits)[1])])
    return child


def _open_shards(stream: Stored) -> list[tuple[str, Stored]]:
    found = [(shard_id, shard) for shard_id, shard in stream["shards"].items() if is_open(shard)]
    return sorted(found, key=lambda one: int(one[1]["starting_hash_key"]))


def _open_shard(stream: Stored, shard_id: str) -> Stored:
    shard = shard_of(stream, shard_id)
    if not is_open(shard):
        raise invalid(f"Shard {shard_id} in stream {stream['StreamName']} is closed")
    return shard


def _range(shard: Mapping[str, Any]) -> tuple[int, int]:
    return int(shard["starting_hash_key"]), int(shard["ending_hash_key"])
