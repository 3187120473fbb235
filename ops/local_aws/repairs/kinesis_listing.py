"""ListShards with its filters, and shards described with the end of those that are closed."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.services import kinesis

from ops.local_aws.repairs import kinesis_shards
from ops.local_aws.repairs.kinesis_request import Refused, Request, Stored, answering, invalid, stream_of

_TOKEN_SECONDS: Final = 300
_MOST_SHARDS: Final = 1000


def apply() -> None:
    """Replace ListShards and how a shard is described; stock knows no closed shard and ignores filters."""
    kinesis._list_shards = answering(_list_shards)
    kinesis._shard_out = described
    _count_open_shards()


def described(shard_id: str, shard: Mapping[str, Any]) -> Mapping[str, Any]:
    """A shard as ListShards and DescribeStream show it."""
    numbers = {"StartingSequenceNumber": shard["starting_sequence_number"]}
    if not kinesis_shards.is_open(shard):
        numbers["EndingSequenceNumber"] = shard["ending_sequence_number"]
    parents = zip(("ParentShardId", "AdjacentParentShardId"), kinesis_shards.parents_of(shard), strict=False)
    return {
        "ShardId": shard_id,
        "HashKeyRange": _hash_key_range(shard),
        "SequenceNumberRange": numbers,
        **dict(parents),
    }


def described_child(shard_id: str, shard: Mapping[str, Any]) -> Mapping[str, Any]:
    """A shard as the GetRecords of its parent shows it."""
    return {
        "ShardId": shard_id,
        "ParentShards": kinesis_shards.parents_of(shard),
        "HashKeyRange": _hash_key_range(shard),
    }


def named_stream(token: str) -> str:
    """The ARN of the stream that a NextToken goes on with; raises ValueError where it is none."""
    content = json.loads(base64.urlsafe_b64decode(token.encode()))
    if not isinstance(content, dict) or not {"stream_arn", "made_at", "request"} <= content.keys():
        raise ValueError("not a token of ListShards")
    return str(content["stream_arn"])


def _hash_key_range(shard: Mapping[str, Any]) -> Mapping[str, str]:
    return {"StartingHashKey": shard["starting_hash_key"], "EndingHashKey": shard["ending_hash_key"]}


def _list_shards(request: Request) -> Mapping[str, Any]:
    if request.get("NextToken"):
        request = _continued(request)
    stream = stream_of(request)
    kinesis_shards.trim(stream)
    wanted = _filter(stream, request.get("ShardFilter") or {})
    after = request.get("ExclusiveStartShardId") or ""
    found = sorted((id_, shard) for id_, shard in stream["shards"].items() if id_ > after and wanted(id_, shard))
    page = found[: min(int(request.get("MaxResults") or _MOST_SHARDS), _MOST_SHARDS)]
    answer: dict[str, Any] = {"Shards": [described(*one) for one in page]}
    if len(page) < len(found):
        answer["NextToken"] = _token(stream, {**request, "ExclusiveStartShardId": page[-1][0]})
    return answer


def _filter(stream: Stored, chosen: Mapping[str, Any]) -> Callable[[str, Stored], bool]:
    """Which shards a ShardFilter means: open at a time, open at or after it, or of later ids; all without one."""
    kind = chosen.get("Type", "FROM_TRIM_HORIZON")
    if kind == "AFTER_SHARD_ID":
        after = _needed(chosen, "ShardId")
        return lambda shard_id, _: bool(shard_id > after)
    begin = max(kinesis_shards.horizon(stream), min(shard["opened_at"] for shard in stream["shards"].values()))
    moments: Mapping[str, Callable[[], float]] = {
        "TRIM_HORIZON": lambda: begin,
        "LATEST": time.time,
        "TIMESTAMP": lambda: max(begin, float(_needed(chosen, "Timestamp"))),
    }
    word, _, name = kind.partition("_")
    if word not in {"AT", "FROM"} or name not in moments or kind == "FROM_LATEST":
        raise invalid(f"Invalid ShardFilter type: {kind}")
    moment = moments[name]()

    def wanted(_: str, shard: Stored) -> bool:
        begun = word == "FROM" or shard["opened_at"] <= moment
        return bool(begun and (kinesis_shards.is_open(shard) or shard["closed_at"] >= moment))

    return wanted


def _needed(chosen: Mapping[str, Any], name: str) -> Any:
    if chosen.get(name) is None:
        raise invalid(f"{name} must be specified when ShardFilter.Type is {chosen['Type']}.")
    return chosen[name]


def _token(stream: Stored, request: Request) -> str:
    kept = {name: request[name] for name in ("ShardFilter", "ExclusiveStartShardId", "MaxResults") if name in request}
    content = {"stream_arn": stream["StreamARN"], "made_at": time.time(), "request": kept}
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode("ascii")


def _continued(request: Request) -> Request:
    """The request that a NextToken stands for."""
    for name in ("StreamName", "StreamCreationTimestamp", "ExclusiveStartShardId", "ShardFilter"):
        if name in request:
            raise invalid(f"NextToken and {name} cannot be provided together.")
    try:
        named_stream(request["NextToken"])
    except ValueError:
        raise invalid("Invalid NextToken") from None
    content = json.loads(base64.urlsafe_b64decode(request["NextToken"].encode()))
    if time.time() - content["made_at"] > _TOKEN_SECONDS:
        raise Refused("ExpiredNextTokenException", "NextToken has expired. Tokens expire after 300 seconds.")
    size = {"MaxResults": request["MaxResults"]} if "MaxResults" in request else {}
    return {**content["request"], **size, "StreamARN": content["stream_arn"]}


def _count_open_shards() -> None:
    stock = kinesis._describe_stream_summary

    def describe(request: Request) -> Any:
        status, headers, body = stock(request)
        if status == 200:
            answer = json.loads(body)
            shards = stream_of(request)["shards"].values()
            answer["StreamDescriptionSummary"]["OpenShardCount"] = sum(map(kinesis_shards.is_open, shards))
            body = json.dumps(answer)
        return status, headers, body

    kinesis._describe_stream_summary = describe
