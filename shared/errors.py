"""One tree of errors; each branch says what becomes of the record that met it.

    SealstreamError
    ├── RetryLater                nothing is wrong with the record: it is retried
    │   ├── KeyServiceUnavailable     KMS throttles, is down, or refuses the attribute key
    │   ├── StoreUnavailable          DynamoDB, S3 or SQS throttles or is down
    │   │   ├── StoreDenied               it takes the caller's credentials not at all, or not for this
    │   │   └── ObjectUnreadable          it answers, and gives this one object to nobody who asks so
    │   ├── OutOfTime                 the invocation ends before the record's turn came
    │   └── BatchFailed               nothing of the batch could be done
    ├── ConflictError             the item is not what its writer took it for: read it again, then decide
    ├── RecordRejected            the record can never be written: it goes to quarantine
    ├── CannotOpen                a sealed value stays closed
    │   ├── NotSealed                 the bytes are no envelope
    │   ├── DoesNotOpen               changed, or moved from where it was sealed
    │   ├── KeyUnknown                the key store has no such data key for the tenant
    │   ├── KeyRetired                the data key is retired: no item should hold it
    │   ├── KeyDestroyed              the data key is destroyed for good
    │   └── KeyDenied                 the caller's credentials may not use it
    └── NeedsAttention            somebody must act: an alarm
        ├── PolicyError               policy.toml does not load
        ├── SettingsError             the environment lacks or contradicts a setting
        ├── KeyStoreCorrupt           a key store row contradicts what wrote it
        ├── RunsCorrupt               a row of the runs table does too
        ├── QuarantineCorrupt         an entry of the quarantine is not what put it there
        ├── TrailUnreadable           a segment, manifest or public key of the audit trail is not what is written as one
        ├── TrailBroken               the audit trail is not as it was written: nothing may vouch for it
        ├── RunRefused                what was asked of a run cannot be done: ask otherwise
        ├── RequestRefused            the same of any other request by an operator
        └── EventRefused              an event about an object asks for what is never done

A message names what, where and what to do; it never holds an attribute's value.
"""

from __future__ import annotations

from enum import StrEnum


class SealstreamError(Exception):
    """Root of all errors that this project raises on purpose."""


class RetryLater(SealstreamError):
    """Nothing is wrong with the record; the same call may succeed later."""


class KeyServiceUnavailable(RetryLater):
    """KMS did not give or open a data key: throttled, down, key disabled or access refused."""


class StoreUnavailable(RetryLater):
    """A store (DynamoDB, S3, SQS) did not answer, or refused for a reason that is not the record's."""


class StoreDenied(StoreUnavailable):
    """A store refused the credentials: other ones, or the same later, may do."""


class ObjectUnreadable(StoreUnavailable):
    """The store answers, and does not give this object: encrypted with a key of others, or gone. Others may be read."""


class ConflictError(SealstreamError):
    """Someone else wrote the item meanwhile, or it is newer than what was to be written; nothing was written."""


class OutOfTime(RetryLater):
    """The invocation's time is nearly over; what is not begun by now is delivered again."""


class BatchFailed(RetryLater):
    """Nothing of the batch could be done, for a reason that only the log's `failure` line tells."""


class Reason(StrEnum):
    """Why a record can never be written. The code goes into quarantine, metrics and audit."""

    INVALID_UTF8 = "invalid_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    DUPLICATE_KEY = "duplicate_key"
    INVALID_NUMBER = "invalid_number"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    LONE_SURROGATE = "lone_surrogate"
    TOO_DEEP = "too_deep"
    NAME_INVALID = "name_invalid"
    RESERVED_NAME = "reserved_name"
    TENANT_MISSING = "tenant_missing"
    TENANT_INVALID = "tenant_invalid"
    ID_MISSING = "id_missing"
    ID_INVALID = "id_invalid"
    ORDER_MISSING = "order_missing"
    ORDER_INVALID = "order_invalid"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_AHEAD = "order_ahead"
    MISPLACED = "misplaced"
    OPERATION_UNKNOWN = "operation_unknown"
    SOURCE_INVALID = "source_invalid"
    LINE_TOO_LONG = "line_too_long"
    TENANT_CONFLICT = "tenant_conflict"
    UNDECLARED_ATTRIBUTE = "undeclared_attribute"
    ITEM_TOO_LARGE = "item_too_large"
    AGGREGATE_CORRUPT = "aggregate_corrupt"
    STORE_REFUSED = "store_refused"
    KEY_UNUSABLE = "key_unusable"


class RecordRejected(SealstreamError):
    """The record can never be written.

    Attributes:
        reason: the code that quarantine, metrics and audit carry.
        detail: where in the record and which limit, for the operator; never a value and never a
            name that the policy does not declare (an undeclared name is the producer's data).
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class CannotOpen(SealstreamError):
    """A sealed value stays closed."""


class NotSealed(CannotOpen):
    """The bytes do not have the form of a sealed value."""


class DoesNotOpen(CannotOpen):
    """The bytes were changed, or stand elsewhere than where they were sealed; the cipher does not say which."""


class KeyUnknown(CannotOpen):
    """The key store has no data key of this id for the tenant."""


class KeyRetired(CannotOpen):
    """The data key was retired after a census found nothing under it; reopen it with the rotation tool."""


class KeyDestroyed(CannotOpen):
    """The data key was destroyed; what was sealed under it is gone."""


class KeyDenied(CannotOpen):
    """The caller's credentials may not open values of this tenant or data class."""


class NeedsAttention(SealstreamError):
    """Somebody must act: nothing that is done to the record mends it."""


class PolicyError(NeedsAttention):
    """policy.toml does not load; the message begins with `file:line:` and names the rule."""


class SettingsError(NeedsAttention):
    """A setting is missing from the environment or is not what it must be."""


class KeyStoreCorrupt(NeedsAttention):
    """A key store row contradicts what its writer must have written."""


class RunsCorrupt(NeedsAttention):
    """A row of the runs table contradicts what its writer must have written."""


class QuarantineCorrupt(NeedsAttention):
    """An entry of the quarantine, its index row or its content, contradicts what its writer must have written."""


class TrailUnreadable(NeedsAttention):
    """A segment or manifest of the audit trail, or a key that it is checked with, has not the form that it must."""


class TrailBroken(NeedsAttention):
    """The audit trail, where it would be continued, is not as it was written, or cannot be signed as it must."""


class RunRefused(NeedsAttention):
    """A run (or what was asked of it) is refused before anything is done; the message says what to ask instead."""


class RequestRefused(NeedsAttention):
    """An operator's request is refused before anything is done; the message says what to ask instead."""


class EventRefused(NeedsAttention):
    """An event about an object is of another bucket, or of no form that S3 or this project writes."""
