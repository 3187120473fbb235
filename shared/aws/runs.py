"""The runs table in DynamoDB; every read is strongly consistent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, cancellation_codes, error_code, store_error
from shared.aws.run_rows import (
    CURRENT,
    RUN,
    census_name,
    current_row,
    read_current,
    read_run,
    read_segment,
    row_key,
    run_row,
    segment_name,
    segment_row,
    segments_prefix,
)
from shared.errors import RunsCorrupt, StoreUnavailable
from shared.runs.model import Phase, Run, RunKind, Segment, Worker

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS: Final = 4
"""To begin a run: a race that is lost was won by somebody else, whose run the next look finds."""
_NOTHING_STORED: Final = "attribute_not_exists(run_id)"
_LOST_RACE: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


class DynamoRunStore:
    """The runs table behind the port `RunStore`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def begin(self, run: Run) -> Run:
        """Store a new run; or, where one of its kind is not done yet, give that one and store nothing.

        A run that is done stays so. The new one and the row that names it are written in one transaction, conditional
        on that row still naming the run that was seen to be done: of two that begin at once, one is stored.
        """
        new = replace(run, version=1)
        for _ in range(ATTEMPTS):
            latest = self.latest(run.kind)
            if latest is not None and (latest.phase is not Phase.DONE or latest.run_id == run.run_id):
                return latest
            if self._store_after(latest, new):
                return new
        raise StoreUnavailable(f"beginning a run of {run.kind}: lost {ATTEMPTS} races")

    def load(self, run_id: str) -> Run | None:
        """A run, or None."""
        row = self._get(run_id, RUN)
        return None if row is None else read_run(row)

    def latest(self, kind: RunKind) -> Run | None:
        """The run of this kind that began last, done or not; or None.

        Raises:
            RunsCorrupt: there was one, and its row is gone.
        """
        return self._named(kind, lambda run: run.kind is kind)

    def last_census(self, worker: Worker) -> Run | None:
        """The run whose census this worker completed last; or None; raises RunsCorrupt as `latest`."""
        return self._named(census_name(worker), lambda run: Worker.of(run.kind) is worker)

    def name_census(self, run: Run) -> None:
        """Remember this run, whose census is complete, as its worker's last."""
        row = current_row(census_name(Worker.of(run.kind)), run.run_id)
        try:
            self._client.put_item(TableName=self._table, Item=row)
        except AWS_ERRORS as error:
            raise store_error(error, "naming a census") from None

    def save(self, run: Run) -> Run | None:
        """Store a new version of a run; gives it, or None where somebody stored one since `run` was read."""
        new = replace(run, version=run.version + 1)
        return new if self._put(run_row(new), run.version) else None

    def segment(self, run_id: str, phase: Phase, number: int) -> Segment:
        """How far a segment is; at its beginning where nothing is stored."""
        row = self._get(run_id, segment_name(phase, number))
        return Segment(run_id, phase, number) if row is None else read_segment(row)

    def segments(self, run_id: str, phase: Phase) -> Sequence[Segment]:
        """The segments of a phase that something is stored of, by their numbers."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="run_id = :run_id AND begins_with(#row, :phase)",
            ExpressionAttributeNames={"#row": "row"},
            ExpressionAttributeValues={":run_id": {"S": run_id}, ":phase": {"S": segments_prefix(phase)}},
            ConsistentRead=True,
        )
        try:
            return [read_segment(row) for page in pages for row in page["Items"]]
        except AWS_ERRORS as error:
            raise store_error(error, "reading the segments of a run") from None

    def save_segment(self, segment: Segment) -> Segment | None:
        """Store a new version of a segment; gives it, or None where somebody stored one since it was read."""
        new = replace(segment, version=segment.version + 1)
        return new if self._put(segment_row(new), segment.version) else None

    def _get(self, run_id: str, row: str) -> Mapping[str, Any] | None:
        try:
            answer = self._client.get_item(TableName=self._table, Key=row_key(run_id, row), ConsistentRead=True)
        except AWS_ERRORS as error:
            raise store_error(error, "reading the runs table") from None
        return answer.get("Item")

    def _named(self, name: str, is_such: Callable[[Run], bool]) -> Run | None:
        row = self._get(CURRENT, name)
        if row is None:
            return None
        run_id = read_current(row)
        run = self.load(run_id)
        if run is None or not is_such(run):
            raise RunsCorrupt(f"row {CURRENT} {name} of the runs table names {run_id}, which is no such run")
        return run

    def _store_after(self, latest: Run | None, new: Run) -> bool:
        """Write both rows; False where the kind's row no longer names `latest`."""
        name: Any = {"TableName": self._table, "Item": current_row(new.kind, new.run_id)}
        if latest is None:
            name["ConditionExpression"] = _NOTHING_STORED
        else:
            name["ConditionExpression"] = "latest = :seen"
            name["ExpressionAttributeValues"] = {":seen": {"S": latest.run_id}}
        put: Any = {"TableName": self._table, "Item": run_row(new), "ConditionExpression": _NOTHING_STORED}
        try:
            self._client.transact_write_items(TransactItems=[{"Put": put}, {"Put": name}])
        except AWS_ERRORS as error:
            if _LOST_RACE.isdisjoint(cancellation_codes(error)):
                raise store_error(error, "beginning a run") from None
            return False
        return True

    def _put(self, row: Mapping[str, Any], version: int) -> bool:
        """Write a row in the place of this version of it, 0 for none; False where another stands there."""
        condition: dict[str, Any] = {"ConditionExpression": _NOTHING_STORED}
        if version:
            condition = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":version": {"N": str(version)}},
            }
        try:
            self._client.put_item(TableName=self._table, Item=row, **condition)
        except AWS_ERRORS as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise store_error(error, "writing the runs table") from None
        return True
