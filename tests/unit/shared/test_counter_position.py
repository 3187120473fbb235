from __future__ import annotations

import pytest

from shared.source_position import SourcePosition, counter_after, counter_position, kinesis_position


def test_a_counter_position_is_the_lane_and_eight_bytes_and_reads_back():
    position = counter_position(258)

    assert b"a" + bytes(7) + bytes(6) + b"\x01\x02" == position.to_bytes()
    assert position == SourcePosition.from_bytes(position.to_bytes())


def test_each_write_of_an_item_counts_on_from_the_one_before():
    assert counter_position(1) == counter_after(None)
    assert counter_position(1) == counter_after(kinesis_position(b"key", "49590338271490256608559692538361571095", 0))
    assert counter_position(8) == counter_after(counter_position(7))
    assert counter_position(256).to_bytes() > counter_position(255).to_bytes()


@pytest.mark.parametrize("place", [b"", bytes(8), bytes(7) + b"\x01\x00", b"\x01"])
def test_a_counter_of_another_form_is_none_of_ours(place):
    assert SourcePosition.from_bytes(b"a" + bytes(7) + place) is None


def test_a_counter_starts_at_one():
    with pytest.raises(ValueError, match="starts at 1"):
        counter_position(0)
