"""Source positions: where a record came from, comparable within one lane.

`_src` of an item is the lane (8 bytes) followed by the place in it; both compare bytewise.

| lane | place | bytes |
| --- | --- | --- |
| `k` + 7 bytes of SHA-256 of the partition key (*) | sequence number (24), sub-sequence (4) | 8 + 28 |
| `s` + 7 zero bytes | modified (8), sequencer (16), object (8), line (8) | 8 + 40 |
| `a` + 7 zero bytes | a counter of the item's writes, from 1 (8) | 8 + 8 |
| `o` + `t` or `i` + 6 bytes of SHA-256 of what orders | order value (16), any of the above (**) | 24 + 16, 36 or 48 |
| `f` + 7 zero bytes | nothing | 8 |

(*) Where a KPL user record names a hash key of its own, of SHA-256 of that digest and the hash key (16): its records
follow the hash key, not the partition key, from shard to shard.
(**) With `j` instead of `k` where the record came by another shard than its hash key falls into: its sequence number
then compares with nothing, and a copy that came by the right shard is the higher of the two.

Lane `s` is of lines of files: when S3 says that the object was modified (seconds since the epoch), S3's sequencer of
the event (hex digits, padded on the right), 8 bytes of SHA-256 of bucket, key and version with a zero byte between
them, and the line from 1. One clock orders all objects; a line that is delivered again has the same place.

What orders is the name of the policy's `order` attribute, or `_arrival` for the time of arrival, in Kinesis or in S3:
values of different attributes do not compare, nor does a time with an integer; where the policy's order was changed to
another attribute, or from or to none, records of one lane `k` still compare by their sequence numbers, and lines of
files by their place in lane `s`. Order values are signed 128-bit integers (nanoseconds since the epoch for times) with
the sign bit flipped, so that bytes sort as numbers do. Lane `a` is of those who write single items by themselves
(applications, the tenant API). Lane `f` is of items that somebody else wrote and sealstream found and sealed, and of
records that were misplaced and put back: any record supersedes them.
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
_NANOSECONDS: Final = 1_000_000_000
_SEQUENCES: Final = range(1 << 186)
"""Sequence numbers of Kinesis have at most 186 bits; 24 bytes that begin with text are above them."""
_SUB_SEQUENCES: Final = range(1 << 24)
"""Above what the largest aggregate can hold."""
_KINESIS_PLACE_BYTES: Final = _SEQUENCE_BYTES + _SUB_SEQUENCE_BYTES
_HASH_KEY_BYTES: Final = 16
_KINESIS: Final = b"k"
_MISPLACED: Final = b"j"
_FILE_LANE: Final = b"s" + bytes(LANE_BYTES - 1)
_MODIFIED_BYTES: Final = 8
_SEQUENCER_BYTES: Final = 16
_OBJECT_BYTES: Final = 8
_LINE_BYTES: Final = 8
_FILE_PLACE_BYTES: Final = _MODIFIED_BYTES + _SEQUENCER_BYTES + _OBJECT_BYTES + _LINE_BYTES
SEQUENCER_DIGITS: Final = 2 * _SEQUENCER_BYTES
"""Hex digits, at most."""
TIMES: Final = range(1 << 36)
"""Of a file, seconds since the epoch; bytes that begin with text are above them."""
LINES: Final = range(1, 1 << 48)
"""Of a file; bytes that begin with text are above them."""
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
        position = cls(raw[:LANE_BYTES], raw[LANE_BYTES:])
        if position._is_ordered:
            tie_break = position._in_door
            if tie_break[:1] == _MISPLACED:
                tie_break = _KINESIS + tie_break[1:]
        else:
            tie_break = raw
        return position if _is_of_a_door(tie_break[:LANE_BYTES], tie_break[LANE_BYTES:]) else None

    @property
    def by_arrival(self) -> SourcePosition | None:
        """The position in the stream or among the files alone, which an ordered one holds as tie-break.

        None where it came by another door, or another shard than its own. Whatever the policy ordered by, two records
        of one such lane compare by it: by arrival.
        """
        return SourcePosition.from_bytes(self._in_door) if self._in_door[:1] in (_KINESIS, _FILE_LANE[:1]) else None

    @property
    def counter(self) -> int | None:
        """Which write of the item it is by those who write single items; None where it came by another door."""
        if self._in_door[:LANE_BYTES] != _COUNTER_LANE:
            return None
        return int.from_bytes(self._in_door[LANE_BYTES:], "big")

    @property
    def _is_ordered(self) -> bool:
        return self.lane[: len(_TIME)] in (_TIME, _INTEGER)

    @property
    def _in_door(self) -> bytes:
        """Without what orders: lane and place of the door that it came by."""
        return self.place[_ORDER_BYTES:] if self._is_ordered else self.to_bytes()

    def is_of_same_order(self, other: SourcePosition) -> bool:
        """Whether one attribute orders both; where one value is a time and one an integer they do not compare at all.

        By arrival instead, an older time could take the place of an integer that had taken that of a newer time.
        """
        return self.lane[:1] == b"o" == other.lane[:1] and self.lane[len(_TIME) :] == other.lane[len(_TIME) :]

    def is_of_same_record(self, other: SourcePosition) -> bool:
        """Whether one record of the stream, or line of a file, has both, ordered by this or that, by whatever shard."""
        return self._record is not None and self._record == other._record

    @property
    def came_by_stream(self) -> bool:
        """Whether it is of a record of the stream, or of a line of a file, which comes in one."""
        return self._record is not None

    @property
    def _record(self) -> bytes | None:
        """What a position in the stream or in a file says but for its first byte: digest and numbers."""
        is_of_records = self._in_door[:1] in (_KINESIS, _MISPLACED, _FILE_LANE[:1])
        return self._in_door[1:] if is_of_records else None

    def of_another_shard(self) -> SourcePosition:
        """An ordered position of a record that came by another shard than its hash key falls into."""
        return SourcePosition(self.lane, self.place[:_ORDER_BYTES] + _MISPLACED + self.place[_ORDER_BYTES + 1 :])

    @property
    def order_time(self) -> int | None:
        """The time that orders, nanoseconds since the epoch; None where none does."""
        if self.lane == _FILE_LANE:
            return int.from_bytes(self.place[:_MODIFIED_BYTES], "big") * _NANOSECONDS
        if self.lane[: len(_TIME)] != _TIME:
            return None
        return int.from_bytes(self.place[:_ORDER_BYTES], "big") - _ORDER_BIAS

    def kinesis_record(self) -> tuple[str, int] | None:
        """Sequence number and sub-sequence of the record that it came from; None where it came by another door.

        Of all that a position holds this alone may be shown: a lane holds a digest of the producer's partition key,
        which can be found by trying, as can that of an object's name; and an order value is the record's own.
        """
        lane, place = self._in_door[:LANE_BYTES], self._in_door[LANE_BYTES:]
        if lane[:1] not in (_KINESIS, _MISPLACED) or not _is_kinesis_place(place):
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
    return SourcePosition(_KINESIS + digest[: LANE_BYTES - 1], place)


def file_position(modified: int, sequencer: str, object_digest: bytes, line: int) -> SourcePosition:
    """The position of a line of a file.

    Args:
        modified: when its object was, seconds since the epoch, by S3's clock.
        sequencer: S3's, of the event that told of the object: hex digits.
        object_digest: of the object's name and version, 8 bytes or more.
        line: from 1.

    Raises:
        ValueError: no such numbers as S3 gives; it could not be read back.
    """
    if modified not in TIMES or line not in LINES or len(sequencer) > SEQUENCER_DIGITS or not sequencer.isalnum():
        raise ValueError("a time, a sequencer or a line that no file has")
    place = (
        modified.to_bytes(_MODIFIED_BYTES, "big")
        + bytes.fromhex(sequencer.ljust(SEQUENCER_DIGITS, "0"))
        + object_digest[:_OBJECT_BYTES]
        + line.to_bytes(_LINE_BYTES, "big")
    )
    return SourcePosition(_FILE_LANE, place)


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
    counter = found.counter if found is not None else None
    return counter_position((counter or 0) + 1)


def _is_of_a_door(lane: bytes, place: bytes) -> bool:
    """Whether this is a position that is not ordered by any attribute."""
    if lane[:1] == _KINESIS:
        return _is_kinesis_place(place)
    if lane == _FILE_LANE:
        return _is_file_place(place)
    return lane == _COUNTER_LANE and len(place) == _COUNTER_BYTES and any(place)


def _is_file_place(place: bytes) -> bool:
    modified, line = (int.from_bytes(part, "big") for part in (place[:_MODIFIED_BYTES], place[-_LINE_BYTES:]))
    return len(place) == _FILE_PLACE_BYTES and modified in TIMES and line in LINES


def _kinesis_numbers(place: bytes) -> tuple[int, int]:
    return int.from_bytes(place[:_SEQUENCE_BYTES], "big"), int.from_bytes(place[_SEQUENCE_BYTES:], "big")


def _is_kinesis_place(place: bytes) -> bool:
    sequence, sub_sequence = _kinesis_numbers(place)
    return len(place) == _KINESIS_PLACE_BYTES and sequence in _SEQUENCES and sub_sequence in _SUB_SEQUENCES


def _ordered_lane(kind: bytes, ordered_by: str) -> bytes:
    return kind + sha256(ordered_by.encode("utf-8")).digest()[: LANE_BYTES - len(kind)]


def _order_bytes(value: int) -> bytes:
    return (value + _ORDER_BIAS).to_bytes(_ORDER_BYTES, "big")
