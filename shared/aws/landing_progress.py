"""How far the ingest of each object is, in DynamoDB: one row per version, which never moves back.

| attribute | what |
| --- | --- |
| `object` | `s3://bucket/key?versionId=version`; partition key |
| `of` | bucket, key and version |
| the others of `shared.landing.Progress` | what they say there |
| `expires_at` | seconds since the epoch, long after the object itself can be read |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shared.aws.batch_get import batch_get
from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.aws.typed_fields import COUNT, SECONDS, TEXT, one_of, record
from shared.errors import RunsCorrupt, StoreUnavailable
from shared.landing import Notice, ObjectVersion, Progress, State

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = Mapping[str, Any]

ATTEMPTS: Final = 4
"""To begin: a race that is lost was won by somebody else, whose row the next look finds."""
KEPT_SECONDS: Final = 400 * 86_400
_OBJECT: Final = record(ObjectVersion, bucket=TEXT, key=TEXT, version=TEXT)
_PROGRESS: Final = record(
    Progress,
    object=_OBJECT,
    sequencer=TEXT,
    run=COUNT,
    state=one_of(State),
    modified=COUNT,
    size=COUNT,
    offset=COUNT,
    line=COUNT,
    read_bytes=COUNT,
    put=COUNT,
    rejected=COUNT,
    began_at=SECONDS,
    updated_at=SECONDS,
    why=TEXT,
)


class DynamoLandingProgress:
    """The table; every read is strongly consistent."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def load(self, about: ObjectVersion) -> Progress | None:
        """How far an object is; None where nothing of it is stored."""
        try:
            answer = self._client.get_item(
                TableName=self._table, Key={"object": {"S": about.name}}, ConsistentRead=True
            )
        except AWS_ERRORS as error:
            raise store_error(error, "reading how far an object is") from None
        return read_progress(answer["Item"]) if "Item" in answer else None

    def load_many(self, objects: Sequence[ObjectVersion]) -> dict[str, Progress]:
        """By name, how far those are of which something is stored."""
        keys: list[Any] = [{"object": {"S": about.name}} for about in objects]
        rows = batch_get(self._client, self._table, keys, doing="reading how far objects are")
        return {progress.object.name: progress for progress in map(read_progress, rows)}

    def begin(self, notice: Notice, *, at: float) -> Progress:
        """Where its ingest stands; at its beginning where nothing is stored, or an earlier run.

        Whatever the notice says, the sequencer is the one that was stored first: lines have one position.
        """
        for _ in range(ATTEMPTS):
            standing = self.load(notice.object)
            if standing is not None and standing.run >= notice.run:
                return standing
            new = Progress(notice.object, notice.sequencer, notice.run, began_at=at, updated_at=at)
            condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(#object)"}
            condition["ExpressionAttributeNames"] = {"#object": "object"}
            if standing is not None:
                new = replace(new, sequencer=standing.sequencer)
                condition = {
                    "ConditionExpression": "#run = :seen",
                    "ExpressionAttributeNames": {"#run": "run"},
                    "ExpressionAttributeValues": {":seen": {"N": str(standing.run)}},
                }
            if self._put(new, condition) is None:
                return new
        raise StoreUnavailable(f"beginning with an object: lost {ATTEMPTS} races")

    def save(self, progress: Progress) -> Progress:
        """Store it, unless its run has ended, or begun anew, or come further; what stands there now."""
        condition = {
            "ConditionExpression": "#run = :run AND #state = :running AND #offset <= :offset",
            "ExpressionAttributeNames": {"#run": "run", "#state": "state", "#offset": "offset"},
            "ExpressionAttributeValues": {
                ":run": {"N": str(progress.run)},
                ":running": {"S": State.RUNNING.value},
                ":offset": {"N": str(progress.offset)},
            },
        }
        return self._put(progress, condition) or progress

    def _put(self, progress: Progress, condition: Mapping[str, Any]) -> Progress | None:
        """Write a row; the one that stands there where the condition says no."""
        asked: Any = {"TableName": self._table, "Item": progress_row(progress), **condition}
        try:
            self._client.put_item(**asked, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        except AWS_ERRORS as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise store_error(error, "storing how far an object is") from None
            found = getattr(error, "response", {}).get("Item")
            return read_progress(found) if found else progress
        return None


def progress_row(progress: Progress) -> dict[str, Any]:
    """Progress as its row."""
    fields = _PROGRESS.write(progress)["M"]
    expires_at = int(progress.updated_at) + KEPT_SECONDS
    named = {"object": {"S": progress.object.name}, "of": fields["object"], "expires_at": {"N": str(expires_at)}}
    return {**fields, **named}


def read_progress(row: Row) -> Progress:
    """Progress from its row; raises RunsCorrupt."""
    try:
        fields = {name: value for name, value in row.items() if name not in ("of", "expires_at")}
        progress: Progress = _PROGRESS.read({"M": {**fields, "object": row["of"]}})
    except (KeyError, TypeError, ValueError):
        raise _corrupt() from None
    if row["object"] != {"S": progress.object.name}:
        raise _corrupt()
    return progress


def _corrupt() -> RunsCorrupt:
    return RunsCorrupt("a row of the landing progress has not the form that it was written in")
