"""How far the audit trail goes: one row of the runs table, which the notary alone advances.

The trail's own objects cannot tell that the last of them are gone. This row is under another authority than they are:
who takes the end of the trail away has to change both.

| partition key `run_id` | sort key `row` | what |
| --- | --- | --- |
| `trail` | `last` | of the last manifest `number`, and `sha256` of its object in hex; the attributes of `Start` |

Those of `Start` may be absent, all of them: an operator who says where the trail ends does not know them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import TrailBroken
from shared.trail.manifest import Link
from shared.trail.segments import SegmentName

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTITION: Final = "trail"
"""Of the runs table; IAM gives it to the notary, and nothing else of the table."""

_KEY: Final = {"run_id": {"S": PARTITION}, "row": {"S": "last"}}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,11}")
_NOT_OURS: Final = "the row that says how far the audit trail goes is not as the notary writes it"
_TIME: Final = re.compile(r"[0-9]{1,15}")
_PLACE: Final = re.compile(r"(segments/.+)?", re.DOTALL)
"""Whatever key was listed last: a function may put objects under any."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where the search for what the next manifest lists begins; times are milliseconds since the epoch.

    It goes round and round, from `after` to the present hour.

    Attributes:
        after: no segment up to this key is looked for any more; "" where all are.
        reached: up to where the round that is under way came; nothing behind `after` where none is.
        began: when that one did.
        seen: what was there by then was listed.
        refused: keys of segments that the bucket did not give then, and may give later.
    """

    after: str = ""
    reached: str = ""
    began: int = 0
    seen: int = 0
    refused: tuple[str, ...] = ()


class TrailEnd:
    """The row; every call raises StoreUnavailable where DynamoDB does not answer or refuses."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def noted(self) -> Link | None:
        """The last manifest that was noted; None where none was.

        Raises:
            TrailBroken: the row was written by somebody else.
        """
        return self._read()[0]

    def start(self) -> Start | None:
        """Where the search begins behind the noted manifest; None where that was not noted; raises as `noted`."""
        return self._read()[1]

    def note(self, last: Link, start: Start) -> bool:
        """Note a manifest; False, and nothing is changed, where one of its number or a later one is noted."""
        row = end_row(last, start)
        try:
            self._client.put_item(
                TableName=self._table,
                Item=row,
                ConditionExpression="attribute_not_exists(run_id) OR #number < :number",
                ExpressionAttributeNames={"#number": "number"},
                ExpressionAttributeValues={":number": row["number"]},
            )
        except AWS_ERRORS as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise store_error(error, "noting how far the audit trail goes") from None
        return True

    def _read(self) -> tuple[Link | None, Start | None]:
        try:
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        except AWS_ERRORS as error:
            raise store_error(error, "reading how far the audit trail goes") from None
        return _read(answer["Item"]) if "Item" in answer else (None, None)


def end_row(last: Link, start: Start) -> dict[str, Any]:
    """The row that notes this manifest."""
    return {
        **_KEY,
        "number": {"N": str(last.number)},
        "sha256": {"S": last.sha256},
        "after": {"S": start.after},
        "reached": {"S": start.reached},
        "began": {"N": str(start.began)},
        "seen": {"N": str(start.seen)},
        "refused": {"L": [{"S": key} for key in start.refused]},
    }


def _read(row: Mapping[str, Any]) -> tuple[Link, Start | None]:
    number, digest = row.get("number", {}).get("N", ""), row.get("sha256", {}).get("S", "")
    if not _NUMBER.fullmatch(number) or not _SHA256.fullmatch(digest):
        raise TrailBroken(_NOT_OURS)
    rest = {name: value for name, value in row.items() if name not in {*_KEY, "number", "sha256"}}
    return Link(int(number), digest), _start(rest) if rest else None


def _start(row: Mapping[str, Any]) -> Start:
    try:
        after, reached, began, seen = row["after"]["S"], row["reached"]["S"], row["began"]["N"], row["seen"]["N"]
        refused = tuple(one["S"] for one in row["refused"]["L"])
    except KeyError:
        raise TrailBroken(_NOT_OURS) from None
    places, times = all(map(_PLACE.fullmatch, (after, reached))), all(map(_TIME.fullmatch, (began, seen)))
    if len(row) != len(fields(Start)) or not places or not times or not all(map(SegmentName.parse, refused)):
        raise TrailBroken(_NOT_OURS)
    return Start(after, reached, int(began), int(seen), refused)
