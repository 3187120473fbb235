"""Entries of the quarantine for those who decide about them: read, held on to, or decided and their content deleted.

A decision is a conditional change of the row; then the content is deleted, and last the row forgets where it lay. So a
row names its content as long as there is any, and whoever repeats a decision that was cut off carries it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.aws.errors import AWS_ERRORS, error_code, store_error
from shared.errors import QuarantineCorrupt, Reason, StoreUnavailable
from shared.model import EntryState, HeldEntry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

ATTEMPTS: Final = 4
"""At one object that others put anew meanwhile: a sweep, or the encryptor to which its record came again."""

_ABSENT: Final = frozenset({"NoSuchKey", "404"})
_CHANGED: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_LOST: Final = "ConditionalCheckFailedException"


class HeldEntries:
    """The quarantine's bucket and index."""

    def __init__(self, s3: S3Client, dynamodb: DynamoDBClient, *, bucket: str, table: str) -> None:
        self._s3 = s3
        self._dynamodb = dynamodb
        self._bucket = bucket
        self._table = table

    def find(self, quarantine_id: str) -> HeldEntry | None:
        """The entry as it is now; None where there is none.

        Raises:
            StoreUnavailable: the index does not answer.
            QuarantineCorrupt: the row is not what sealstream writes.
        """
        try:
            answer = self._dynamodb.get_item(
                TableName=self._table, Key={"quarantine_id": {"S": quarantine_id}}, ConsistentRead=True
            )
        except AWS_ERRORS as error:
            raise store_error(error, "reading the quarantine's index") from None
        return _entry(quarantine_id, answer["Item"]) if "Item" in answer else None

    def content(self, entry: HeldEntry) -> bytes | None:
        """The sealed content; None where it is gone; raises StoreUnavailable."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=entry.object_key)
            with answer["Body"] as body:
                return body.read()
        except AWS_ERRORS as error:
            if error_code(error) in _ABSENT:
                return None
            raise store_error(error, "reading an object of the quarantine") from None

    def hold(self, entry: HeldEntry, reason: Reason, detail: str) -> bool:
        """Say why it is held now, False where it is no more; why it was kept stays known; raises StoreUnavailable."""
        return self._update(
            entry,
            "SET #reason = :reason, detail = :detail, kept_reason = :kept_reason",
            "#state = :held",
            names={"#reason": "reason"},
            values={
                ":reason": {"S": reason},
                ":detail": {"S": detail},
                ":kept_reason": {"S": entry.kept_reason},
                ":held": {"S": EntryState.HELD},
            },
        )

    def decide(self, entry: HeldEntry, state: EntryState, at: float) -> bool:
        """Decide about an entry that is held; False where it is so no more, or is gone; raises StoreUnavailable."""
        return self._update(
            entry,
            "SET #state = :state, decided_at = :at",
            "#state = :held",
            values={":state": {"S": state}, ":at": {"N": f"{at:.3f}"}, ":held": {"S": EntryState.HELD}},
        )

    def carry_out(self, entry: HeldEntry) -> None:
        """Delete the content of an entry that was decided about; if it is held again meanwhile, its content stays.

        The content's tag is read before the row, so a content that came after the row was held again has another one.

        Raises:
            StoreUnavailable: it may still be there.
        """
        for _ in range(ATTEMPTS):
            tag = self._tag(entry)
            now = self.find(entry.quarantine_id)
            if now is None or now.state is EntryState.HELD or not now.object_key:
                return
            if tag is None or self._delete(now, tag):
                self._forget_content(now)
                return
        raise StoreUnavailable(f"the content of entry {entry.quarantine_id} changed {ATTEMPTS} times meanwhile")

    def _tag(self, entry: HeldEntry) -> str | None:
        try:
            return self._s3.head_object(Bucket=self._bucket, Key=entry.object_key)["ETag"]
        except AWS_ERRORS as error:
            if error_code(error) in _ABSENT:
                return None
            raise store_error(error, "looking for an object of the quarantine") from None

    def _delete(self, entry: HeldEntry, tag: str) -> bool:
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=entry.object_key, IfMatch=tag)
        except AWS_ERRORS as error:
            if error_code(error) in _CHANGED:
                return False
            if error_code(error) not in _ABSENT:
                raise store_error(error, "deleting an object of the quarantine") from None
        return True

    def _forget_content(self, entry: HeldEntry) -> None:
        self._update(
            entry,
            "REMOVE object_key",
            "#state = :state AND decided_at = :at",
            values={":state": {"S": entry.state}, ":at": {"N": f"{entry.decided_at or 0.0:.3f}"}},
        )

    def _update(
        self, entry: HeldEntry, change: str, condition: str, *, values: Any, names: dict[str, str] | None = None
    ) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"quarantine_id": {"S": entry.quarantine_id}},
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#state": "state"} | (names or {}),
                ExpressionAttributeValues=values,
            )
        except AWS_ERRORS as error:
            if error_code(error) == _LOST:
                return False
            raise store_error(error, "changing the quarantine's index") from None
        return True


def _entry(quarantine_id: str, row: Any) -> HeldEntry:
    def text(name: str) -> str:
        return str(row.get(name, {}).get("S", ""))

    try:
        return HeldEntry(
            quarantine_id=quarantine_id,
            state=EntryState(text("state")),
            reason=Reason(text("reason")),
            kept_reason=Reason(text("kept_reason") or text("reason")),
            detail=text("detail"),
            tenant_id=text("tenant_id"),
            stream_arn=text("stream_arn"),
            shard_id=text("shard_id"),
            sequence_number=text("sequence_number"),
            arrived_at=float(row["arrived_at"]["N"]),
            record_count=int(row["record_count"]["N"]),
            object_key=text("object_key"),
            decided_at=float(row["decided_at"]["N"]) if "decided_at" in row else None,
        )
    except (KeyError, ValueError):
        raise QuarantineCorrupt(f"the index row of entry {quarantine_id} is not what sealstream writes") from None
