"""Source positions: where a record came from, comparable within one lane.

`_src` of an item is the lane (8 bytes) followed by the place in it; both compare bytewise.

| lane | place | bytes |
| --- | --- | --- |
| `k` + 7 bytes of SHA-256 of the partition key (*) | sequence number (24), sub-sequence (4) | 8 + 28 |
| `o` + `t` or `i` + 6 bytes of SHA-256 of what orders | order value (16), the position above (**) | 8 + 16 + 36 |
| `a` + 7 zero bytes | a counter of the item's writes, from 1 (8) | 8 + 8 |
| `f` + 7 zero bytes | nothing | 8 |

(*) Where a KPL user record names a hash key of its own, of SHA-256 of that digest and the hash key (16): its records
follow the hash key, not the partition key, from shard to shard.
(**) With `j` instead of `k` where the record came by another shard than its hash key falls into: its sequence number
then compares with nothing, and a copy that came by the right shard is the higher of the two.

What orders is the name of the policy's `order` attribute, or `_arrival` for the time of arrival in Kinesis: values of
different attributes do not compare, nor does a time with an integer; where the policy's order was changed to another
attribute, or from or to none, records of one lane `k` still compare by their sequence numbers. Order values are signed
128-bit integers (nanoseconds since the epoch for times) with the sign bit flipped, so that bytes sort as numbers do.
Lane `a` is of those who write single items by themselves (applications, the tenant API). Lane `f` is of items that
somebody else wrote and sealstream found and sealed, and of records that were misplaced and put back: any record
supersedes them. Another, `s` for files, comes with its door.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

LANE_BYTES: Final = 8
ARRIVAL: Final = "_arrival"
"""What orders where the policy says so: no attribute can have this name."""
_SEQUENCE_BYTES: Final = 24
_SUB_SEQUENCE_BYTES: Final = 4
_ORDER_BYTES: Final = 16
_ORDER_BIAS: Final = 1 << 127
_SEQUENCES: Final = range(1 << 186)
"""Sequence numbers of Kinesis have at most 186 bits; 24 bytes that begin with text are above them."""
_SUB_SEQUENCES: Final = range(1 << 24)
"""Above what the largest aggregate can hold."""
_KINESIS_PLACE_BYTES: Final = _SEQUENCE_BYTES + _SUB_SEQUENCE_BYTES
_HASH_KEY_BYTES: Final = 16
_MISPLACED: Final = b"j"
_TIME: Final = b"ot"
_INTEGER: Final = b"oi"
_COUNTER_LANE: Final = b"a" + bytes(LANE_BYTES - 1)
_COUNTER_BYTES: Final = 8
_FOUND_LANE: Final = b"f" + bytes(LANE_BYTES - 1)


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """Lane (8 bytes) and the place in it."""

    lane: bytes
    place: bytes

    def to_bytes(self) -> bytes:
        """The value of `_src`."""
        return self.lane + self.place

    @classmethod
    def from_bytes(cls, raw: object) -> SourcePosition | None:
        """Read a stored `_src`; None where it has no form that sealstream writes."""
        if not isinstance(raw, bytes):
            return None
        if raw == _FOUND_LANE:
            return FOUND
        lane, place = raw[:LANE_BYTES], raw[LANE_BYTES:]
        if lane[:1] == b"k":
            return cls(lane, place) if _is_kinesis_place(place) else None
        if lane[:2] in (_TIME, _INTEGER):
            tie_break = place[_ORDER_BYTES:]
            is_sound = tie_break[:1] in (b"k", _MISPLACED) and _is_kinesis_place(tie_break[LANE_BYTES:])
            return cls(lane, place) if is_sound else None
        if lane == _COUNTER_LANE:
            return cls(lane, place) if len(place) == _COUNTER_BYTES and any(place) else None
        return None

    @property
    def in_kinesis(self) -> SourcePosition | None:
        """The position in the stream alone, which an ordered one holds as tie-break.

        None where it came by another door, or another shard than its own. Whatever the policy ordered by, two records
        of one lane of the stream compare by it: by arrival.
        """
        if self.lane[:1] == b"o":
            tie_break = SourcePosition.from_bytes(self.place[_ORDER_BYTES:])
            return tie_break and tie_break.in_kinesis
        return self if self.lane[:1] == b"k" else None

    def is_of_same_order(self, other: SourcePosition) -> bool:
        """Whether one attribute orders both; where one value is a time and one an integer they do not compare at all.

        By arrival instead, an older time could take the place of an integer that had taken that of a newer time.
        """
        return self.lane[:1] == b"o" == other.lane[:1] and self.lane[len(_TIME) :] == other.lane[len(_TIME) :]

    def is_of_same_record(self, other: SourcePosition) -> bool:
        """Whether one record of the stream has both, ordered by this or that, and by whatever shard it came."""
        return self._record is not None and self._record == other._record

    @property
    def _record(self) -> bytes | None:
        """What a position in the stream says but for its first byte: digest of the key, and numbers."""
        raw = self.place[_ORDER_BYTES:] if self.lane[:1] == b"o" else self.to_bytes()
        return raw[1:] if self.lane[:1] in (b"o", b"k") else None

    def of_another_shard(self) -> SourcePosition:
        """An ordered position of a record that came by another shard than its hash key falls into."""
        return SourcePosition(self.lane, self.place[:_ORDER_BYTES] + _MISPLACED + self.place[_ORDER_BYTES + 1 :])

    @property
    def order_time(self) -> int | None:
        """The time that orders, nanoseconds since the epoch; None where none does."""
        if self.lane[: len(_TIME)] != _TIME:
            return None
        return int.from_bytes(self.place[:_ORDER_BYTES], "big") - _ORDER_BIAS

    def kinesis_record(self) -> tuple[str, int] | None:
        """Sequence number and sub-sequence of the record that it came from; None where it came by another door.

        Of all that a position holds this alone may be shown: a lane holds a digest of the producer's partition key,
        which can be found by trying, and an order value is the record's own.
        """
        place = {b"k": self.place, b"o": self.place[_ORDER_BYTES + LANE_BYTES :]}.get(self.lane[:1], b"")
        if not _is_kinesis_place(place):
            return None
        sequence, sub_sequence = _kinesis_numbers(place)
        return str(sequence), sub_sequence


FOUND: Final = SourcePosition(_FOUND_LANE, b"")
"""The position of an item that sealstream found in the table and sealed there, or that came from a record of which
nobody can say how it compares: any record supersedes it."""


def kinesis_position(
    partition_key: bytes, sequence_number: str, sub_sequence: int, *, explicit_hash_key: int | None = None
) -> SourcePosition:
    """The position of a user record in a Kinesis stream.

    Records of one hash key stay in one line of shards, children after parents, so their sequence numbers compare. That
    is the explicit one where there is one, else the MD5 of the partition key.

    Raises:
        ValueError: no number that Kinesis gives; it could not be read back.
    """
    digest = sha256(partition_key).digest()
    if explicit_hash_key is not None:
        digest = sha256(digest + explicit_hash_key.to_bytes(_HASH_KEY_BYTES, "big")).digest()
    sequence = int(sequence_number)
    if sequence not in _SEQUENCES or sub_sequence not in _SUB_SEQUENCES:
        raise ValueError("a sequence number has at most 186 bits, a sub-sequence 24")
    place = sequence.to_bytes(_SEQUENCE_BYTES, "big") + sub_sequence.to_bytes(_SUB_SEQUENCE_BYTES, "big")
    return SourcePosition(b"k" + digest[: LANE_BYTES - 1], place)


def time_position(nanoseconds: int, tie_break: SourcePosition, *, ordered_by: str) -> SourcePosition:
    """The position of a record that is ordered by a time; nanoseconds since the epoch, UTC, signed."""
    return SourcePosition(_ordered_lane(_TIME, ordered_by), _order_bytes(nanoseconds) + tie_break.to_bytes())


def integer_position(value: int, tie_break: SourcePosition, *, ordered_by: str) -> SourcePosition:
    """The position of a record that is ordered by an integer of up to 38 digits, signed."""
    return SourcePosition(_ordered_lane(_INTEGER, ordered_by), _order_bytes(value) + tie_break.to_bytes())


def counter_position(counter: int) -> SourcePosition:
    """The position of the n-th write of an item by those who write single items; n from 1."""
    if counter < 1:
        raise ValueError("a counter starts at 1")
    return SourcePosition(_COUNTER_LANE, counter.to_bytes(_COUNTER_BYTES, "big"))


def counter_after(found: SourcePosition | None) -> SourcePosition:
    """The next such position for an item that stands at `found`; the first where it came by another lane or is new."""
    counter = int.from_bytes(found.place, "big") if found is not None and found.lane == _COUNTER_LANE else 0
    return counter_position(counter + 1)


def _kinesis_numbers(place: bytes) -> tuple[int, int]:
    return int.from_bytes(place[:_SEQUENCE_BYTES], "big"), int.from_bytes(place[_SEQUENCE_BYTES:], "big")


def _is_kinesis_place(place: bytes) -> bool:
    sequence, sub_sequence = _kinesis_numbers(place)
    return len(place) == _KINESIS_PLACE_BYTES and sequence in _SEQUENCES and sub_sequence in _SUB_SEQUENCES


def _ordered_lane(kind: bytes, ordered_by: str) -> bytes:
    return kind + sha256(ordered_by.encode("utf-8")).digest()[: LANE_BYTES - len(kind)]


def _order_bytes(value: int) -> bytes:
    return (value + _ORDER_BIAS).to_bytes(_ORDER_BYTES, "big")
