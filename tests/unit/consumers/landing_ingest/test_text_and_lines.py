"""Text and lines of an object: any size, in constant memory; plain or gzip; however the pieces fall."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.landing_ingest import lines as lines_module
from consumers.landing_ingest import text as text_module
from consumers.landing_ingest.lines import Line, Mark, lines_of
from consumers.landing_ingest.text import ObjectText, Unreadable

TEXT = b'{"id": "1"}\n\n  \t\r\n{"id": "2"}\r\nlast'


def text(content: bytes, *, part_bytes: int = 1 << 16, offset: int = 0) -> bytes:
    return b"".join(pieces(content, part_bytes=part_bytes, offset=offset))


def pieces(content: bytes, *, part_bytes: int = 1 << 16, offset: int = 0):
    read = lambda start, length: content[start : start + length]  # noqa: E731
    return ObjectText(read, len(content), part_bytes=part_bytes).pieces(offset)


def lines_alone(read):
    return [one for one in read if isinstance(one, Line)]


def _read_into(read: bytearray, content: bytes) -> None:
    for piece in pieces(content):
        read += piece


@pytest.mark.parametrize("part_bytes", [1, 2, 3, 7, 1 << 16])
@pytest.mark.parametrize("offset", [0, 1, 12, len(TEXT)])
def test_plain_and_compressed_texts_are_the_same_wherever_reading_begins(part_bytes, offset):
    members = gzip.compress(TEXT[:9]) + gzip.compress(b"") + gzip.compress(TEXT[9:])

    assert TEXT[offset:] == text(TEXT, part_bytes=part_bytes, offset=offset)
    assert TEXT[offset:] == text(members, part_bytes=part_bytes, offset=offset)
    assert TEXT[offset:] == text(members + bytes(512), part_bytes=part_bytes, offset=offset), "padded, as tapes are"


@pytest.mark.parametrize("content", [b"", b"\x1f", b"{"])
def test_what_is_too_short_to_be_gzip_is_text(content):
    assert content == text(content)


def test_what_a_little_decompresses_to_never_lies_in_memory_at_once():
    bomb = gzip.compress(bytes(20_000_000))

    sizes = [len(piece) for piece in pieces(bomb)]

    assert 20_000_000 == sum(sizes)
    assert max(sizes) <= 1 << 20


@pytest.mark.parametrize("kept", [10, 40, -1, -8])
def test_of_a_gzip_file_that_is_cut_off_the_text_before_is_read(kept):
    whole = bytes(range(97, 123)) * 40
    read = bytearray()

    with pytest.raises(Unreadable, match="cut off"):
        _read_into(read, gzip.compress(whole, 0)[:kept])

    assert whole.startswith(read)


@pytest.mark.parametrize("damage", [b"not another member", b"\x1f\x8b\x07\x00"])
def test_what_is_behind_a_member_and_is_none_makes_the_file_unreadable(damage):
    read = bytearray()

    with pytest.raises(Unreadable, match="damaged"):
        _read_into(read, gzip.compress(TEXT) + damage)

    assert TEXT == read


def test_a_member_whose_checksum_is_wrong_makes_the_file_unreadable():
    content = bytearray(gzip.compress(TEXT))
    content[-6] ^= 1

    with pytest.raises(Unreadable, match="damaged"):
        text(bytes(content))


def test_lines_have_number_place_and_content():
    lines = lines_alone(lines_of([TEXT]))

    assert [
        Line(1, 0, 12, 11, b'{"id": "1"}'),
        Line(4, 18, 31, 12, b'{"id": "2"}'),
        Line(5, 31, 35, 4, b"last"),
    ] == lines


def test_a_byte_order_mark_is_no_part_of_the_first_line_and_counts_in_its_place():
    assert [Line(1, 0, 6, 5, b"{}"), Line(2, 6, 8, 2, b"{}")] == lines_alone(lines_of([b"\xef\xbb", b"\xbf{}\n{}"]))
    assert [b"\xef\xbb\xbf{}"] == [line.content for line in lines_alone(lines_of([b"\xef\xbb\xbf{}"], offset=10))]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_where_pieces_end_makes_no_difference(content, cuts):
    edges = [0, *sorted(cuts), len(content)]
    cut = [content[start:end] for start, end in pairwise(edges)]

    assert lines_alone(lines_of([content], max_bytes=8)) == lines_alone(lines_of(cut, max_bytes=8))


@given(st.binary(max_size=60), st.data())
def test_reading_on_behind_any_line_gives_the_lines_that_follow(content, data):
    lines = lines_alone(lines_of([content], max_bytes=8))
    index = data.draw(st.integers(0, len(lines)))
    at = lines[index - 1] if index else Line(0, 0, 0, 0, b"")

    assert lines[index:] == lines_alone(lines_of([content[at.end :]], offset=at.end, number=at.number + 1, max_bytes=8))


def test_a_line_that_is_too_long_is_told_by_place_and_size_and_its_neighbours_are_read():
    content = b"a\n" + b"x" * 11 + b"\r\nb\n" + b"y" * 10 + b"\n" + b"z" * 30

    lines = lines_alone(lines_of([content[:8], content[8:]], max_bytes=10))

    assert [(1, b"a"), (2, None), (3, b"b"), (4, b"y" * 10), (5, None)] == [
        (line.number, line.content) for line in lines
    ]
    assert (2, 12) == (lines[1].offset, lines[1].size)
    assert (28, 30, 58) == (lines[4].offset, lines[4].size, lines[4].end)


def _line(number: int) -> bytes:
    return b'{"id": "%d", "notes": "%s"}\n' % (number, b"x" * 5_000)


def test_behind_each_piece_is_a_mark_from_which_reading_goes_on_the_same():
    cut = [TEXT[:3], TEXT[3:14], b"", TEXT[14:]]

    read = list(lines_of(cut))

    assert [Mark(1, 0), Mark(3, 13), Mark(3, 13), Mark(5, 31)] == [one for one in read if isinstance(one, Mark)]
    for index, mark in enumerate(read):
        if isinstance(mark, Mark):
            behind = lines_alone(lines_of([TEXT[mark.end :]], offset=mark.end, number=mark.number))
            assert behind == lines_alone(read[index:])


def test_a_line_without_an_end_makes_the_object_unreadable(monkeypatch):
    monkeypatch.setattr(lines_module, "MAX_PASSED_OVER_BYTES", 100)
    read: list[object] = []

    with pytest.raises(Unreadable, match="no file of lines"):
        read.extend(lines_of([b"{}\n", b"x" * 60, b"x" * 60, b"\n{}"], max_bytes=10))
    assert 2 == len(lines_alone(lines_of([b"x" * 90, b"\n{}"], max_bytes=10)))


def test_more_text_than_time_suffices_to_decompress_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(text_module, "MAX_INFLATED_BYTES", 5_000_000)

    with pytest.raises(Unreadable, match="over"):
        text(gzip.compress(b"\n" * 9_000_000))
    assert 4_000_000 == len(text(gzip.compress(b"\n" * 4_000_000)))


LONG = b"y" * 1_000_000


def _peak_mib(megabytes: int, *, compressed: bool) -> float:
    """Of reading so much text in lines, and as much in one line, made as it is read."""
    part = b"".join(map(_line, range(200)))
    squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)

    def parts():
        for content in (part, LONG):
            for _ in range(megabytes):
                yield squeeze.compress(content) if compressed else content
        yield squeeze.flush() if compressed else b""

    made = parts()
    held = bytearray()

    def read(start: int, length: int) -> bytes:
        if start == 0 and length == 2:
            return b"\x1f\x8b" if compressed else b'{"'
        while len(held) < length and (more := next(made, None)) is not None:
            held.extend(more)
        got = bytes(held[:length])
        del held[:length]
        return got

    total = 10**12 if compressed else megabytes * (len(part) + len(LONG))
    tracemalloc.start()
    try:
        lines = lines_of(ObjectText(read, total, part_bytes=1 << 20).pieces(0))
        count = 0
        try:
            for one in lines:
                count += isinstance(one, Line)
        except Unreadable:
            assert compressed, "only here nobody knows the size"
        assert count >= megabytes * 200
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compressed", [False, True])
def test_memory_does_not_grow_with_the_object(compressed):
    small, large = _peak_mib(16, compressed=compressed), _peak_mib(64, compressed=compressed)

    assert large < small + 4
    assert large < 12
