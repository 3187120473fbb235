from __future__ import annotations

from hashlib import sha256

import pytest

from shared.source_position import (
    ARRIVAL,
    FOUND,
    SourcePosition,
    counter_after,
    counter_position,
    file_position,
    integer_position,
    kinesis_position,
    time_position,
)

SEQUENCE = "49590338271490256608559692538361571095921575989136588898"
FROM_KINESIS = kinesis_position(b"p", SEQUENCE, 7)
FROM_FILE = file_position(1_700_000_000, "0055aed6dcd90281e5", b"objectdigest", 7)


@pytest.mark.parametrize(
    "position",
    [
        FROM_KINESIS,
        integer_position(-(10**38), FROM_KINESIS, ordered_by="n"),
        time_position(10**20, FROM_KINESIS, ordered_by=ARRIVAL),
        counter_position(9),
        FROM_FILE,
        integer_position(1, FROM_FILE, ordered_by="n"),
        time_position(1, counter_position(9), ordered_by="n"),
    ],
)
def test_a_position_is_read_back_as_what_was_stored(position):
    assert position == SourcePosition.from_bytes(position.to_bytes())


@pytest.mark.parametrize(
    ("sequence", "sub_sequence", "is_sound"),
    [
        (2**186 - 1, 2**24 - 1, True),
        (2**186, 0, False),
        (0, 2**24, False),
        (int.from_bytes(b"twenty-four bytes, clear"), 0, False),
        (0, int.from_bytes(b"text"), False),
    ],
)
def test_a_position_holds_numbers_that_kinesis_can_give_and_no_text(sequence, sub_sequence, is_sound):
    from_kinesis = FROM_KINESIS.lane + sequence.to_bytes(24) + sub_sequence.to_bytes(4)
    ordered = integer_position(1, FROM_KINESIS, ordered_by="at").to_bytes()[:24] + from_kinesis
    assert [is_sound] * 2 == [SourcePosition.from_bytes(raw) is not None for raw in (from_kinesis, ordered)]


@pytest.mark.parametrize(("sequence", "sub_sequence"), [(str(2**186), 0), ("-1", 0), ("0", 2**24), ("0", -1)])
def test_a_position_that_could_not_be_read_back_is_not_made(sequence, sub_sequence):
    with pytest.raises(ValueError, match="186 bits"):
        kinesis_position(b"p", sequence, sub_sequence)


@pytest.mark.parametrize(
    ("modified", "line", "is_sound"),
    [
        (0, 1, True),
        (2**36 - 1, 2**48 - 1, True),
        (2**36, 1, False),
        (0, 2**48, False),
        (0, 0, False),
        (int.from_bytes(b"in clear"), 1, False),
        (1, int.from_bytes(b"in clear"), False),
    ],
)
def test_a_position_holds_numbers_that_a_file_can_have_and_no_text(modified, line, is_sound):
    place = modified.to_bytes(8) + FROM_FILE.place[8:32] + line.to_bytes(8)
    ordered = integer_position(1, FROM_FILE, ordered_by="at").to_bytes()[:24] + FROM_FILE.lane + place
    assert [is_sound] * 2 == [SourcePosition.from_bytes(raw) is not None for raw in (FROM_FILE.lane + place, ordered)]


@pytest.mark.parametrize(
    ("modified", "sequencer", "line"),
    [
        (-1, "00", 1),
        (2**36, "00", 1),
        (0, "0" * 33, 1),
        (0, "no", 1),
        (0, "", 1),
        (0, "0 00", 1),
        (0, "00", 0),
        (0, "00", 2**48),
    ],
)
def test_a_position_in_a_file_that_could_not_be_read_back_is_not_made(modified, sequencer, line):
    with pytest.raises(ValueError, match=r"no file has|hexadecimal"):
        file_position(modified, sequencer, bytes(8), line)


@pytest.mark.parametrize("tie_break", [FOUND, time_position(1, FROM_KINESIS, ordered_by="at"), FROM_KINESIS])
@pytest.mark.parametrize("first", [b"a", b"f", b"o", b"s", b"x"])
def test_an_ordered_position_ends_in_one_of_a_door(tie_break, first):
    ordered = integer_position(1, FROM_KINESIS, ordered_by="at").to_bytes()
    assert SourcePosition.from_bytes(ordered[:24] + first + tie_break.to_bytes()[1:]) is None


@pytest.mark.parametrize("position", [FROM_KINESIS, FROM_FILE, counter_position(1)])
@pytest.mark.parametrize("cut", [0, 1, 8, 15])
def test_a_position_that_is_cut_or_grown_is_none(position, cut):
    assert SourcePosition.from_bytes(position.to_bytes()[:cut]) is None
    assert SourcePosition.from_bytes(position.to_bytes()[:-1]) is None
    assert SourcePosition.from_bytes(position.to_bytes() + b"\0") is None


@pytest.mark.parametrize(
    "position",
    [FROM_KINESIS, integer_position(5, FROM_KINESIS, ordered_by="n"), time_position(5, FROM_KINESIS, ordered_by="n")],
)
def test_the_kinesis_record_behind_a_position_is_known(position):
    assert (SEQUENCE, 7) == position.kinesis_record()


@pytest.mark.parametrize(
    "position",
    [
        counter_position(1),
        FROM_FILE,
        time_position(1, FROM_FILE, ordered_by="n"),
        SourcePosition(b"ot" + bytes(6), bytes(16) + b"k" + bytes(3)),
    ],
)
def test_behind_a_position_of_another_door_there_is_no_kinesis_record(position):
    assert position.kinesis_record() is None


def test_what_orders_is_part_of_the_lane():
    lanes = {time_position(5, FROM_KINESIS, ordered_by=name).lane for name in ("created", "updated", ARRIVAL)}

    assert 3 == len(lanes)


def test_the_stored_bytes_never_change():
    digest_of_p = "148de9c5a7a44d"
    assert f"6b{digest_of_p}" + f"{int(SEQUENCE):048x}" + "00000007" == FROM_KINESIS.to_bytes().hex()
    assert 36 == len(FROM_KINESIS.to_bytes())
    ordered = integer_position(-1, FROM_KINESIS, ordered_by="n").to_bytes()
    assert "6f69" + "1b16b1df538b" + "7f" + "ff" * 15 + FROM_KINESIS.to_bytes().hex() == ordered.hex()
    assert "6100000000000000" + "0000000000000009" == counter_position(9).to_bytes().hex()


@pytest.mark.parametrize("arrived", [FROM_KINESIS, FROM_FILE])
def test_the_position_by_arrival_stays_readable_whatever_orders(arrived):
    positions = [arrived, *(make(5, arrived, ordered_by="n") for make in (integer_position, time_position))]

    assert [arrived] * 3 == [position.by_arrival for position in positions]


def test_what_came_by_another_door_has_no_position_by_arrival():
    positions = [counter_position(1), FOUND, time_position(1, counter_position(1), ordered_by="n")]
    assert [None] * 3 == [position.by_arrival for position in positions]


def test_the_counter_of_who_writes_single_items_stays_readable_whatever_orders():
    ordered = [make(5, counter_position(9), ordered_by="n") for make in (integer_position, time_position)]

    assert [9] * 3 == [position.counter for position in (counter_position(9), *ordered)]
    assert [counter_position(10)] * 2 == [counter_after(position) for position in ordered]
    others = [FROM_KINESIS, FROM_FILE, FOUND, time_position(5, FROM_FILE, ordered_by="n")]
    assert [None] * 4 == [position.counter for position in others]
    assert [counter_position(1)] * 4 == [counter_after(position) for position in others]


@pytest.mark.parametrize("nanoseconds", [-(10**18), -1, 0, 1_700_000_000_123_456_789])
def test_a_time_that_orders_is_read_back(nanoseconds):
    assert nanoseconds == time_position(nanoseconds, FROM_KINESIS, ordered_by="at").order_time


def test_files_are_ordered_by_when_they_were_modified():
    assert 1_700_000_000 * 10**9 == FROM_FILE.order_time


@pytest.mark.parametrize("position", [FROM_KINESIS, integer_position(5, FROM_KINESIS, ordered_by="n"), FOUND])
def test_only_a_time_is_a_time_that_orders(position):
    assert position.order_time is None


def test_the_lane_of_an_explicit_hash_key_never_changes():
    explicit = kinesis_position(b"p", SEQUENCE, 7, explicit_hash_key=5)

    assert sha256(sha256(b"p").digest() + bytes(15) + b"\x05").digest()[:7] == explicit.lane[1:]
    assert (b"k", FROM_KINESIS.place) == (explicit.lane[:1], explicit.place)


@pytest.mark.parametrize("make", [integer_position, time_position])
def test_an_ordered_position_of_another_shard_is_read_back_compares_with_nothing_and_still_names_its_record(make):
    position = make(5, FROM_KINESIS, ordered_by="n").of_another_shard()

    assert position == SourcePosition.from_bytes(position.to_bytes())
    assert position.by_arrival is None
    assert (SEQUENCE, 7) == position.kinesis_record()
    assert b"j" + FROM_KINESIS.to_bytes()[1:] == position.place[16:]


def test_no_item_stands_in_a_lane_of_what_came_by_another_shard():
    assert SourcePosition.from_bytes(b"j" + FROM_KINESIS.to_bytes()[1:]) is None


def test_one_record_is_known_by_whatever_it_was_ordered():
    by_integer, by_time = (make(5, FROM_KINESIS, ordered_by="n") for make in (integer_position, time_position))
    of_one = [FROM_KINESIS, by_integer, by_time, by_time.of_another_shard()]
    of_line = [FROM_FILE, *(make(5, FROM_FILE, ordered_by="n") for make in (integer_position, time_position))]
    others = [
        kinesis_position(b"p", SEQUENCE, 8),
        kinesis_position(b"q", SEQUENCE, 7),
        file_position(1_700_000_000, "0055aed6dcd90281e5", b"objectdigest", 8),
        counter_position(1),
        time_position(5, counter_position(1), ordered_by="n"),
        FOUND,
    ]

    for same in (of_one, of_line):
        assert all(one.is_of_same_record(other) for one in same for other in same)
    everything = [*of_one, *of_line, *others]
    assert not any(one.is_of_same_record(other) for one in everything for other in others if other != one)
    assert not any(one.is_of_same_record(other) for one in of_one for other in of_line)
    assert not any(other.is_of_same_record(other) for other in others[3:])
