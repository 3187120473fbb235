"""A copy of the trail in a folder reads as the bucket does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.audit.folder import ABOUT, Folder
from ops.audit.reading import Trail
from shared.aws.audit_bucket import Listed
from shared.errors import StoreUnavailable
from tests.unit.ops.audit.trail import HOUR, START, MemoryObjects, event


@pytest.fixture
def bucket():
    bucket = MemoryObjects()
    for n in range(3):
        bucket.write(event(at=START + n * HOUR), event(at=START + n * HOUR + 1), at=START + n * HOUR, where=f"s{n}")
    bucket.objects["manifests/000000000001.json"] = b"{}\n"
    bucket.objects["segments/2026/01/01/01-x"] = b"sorts before what is in the folder 01/"
    return bucket


@pytest.fixture
def folder(bucket, tmp_path):
    for key, content in bucket.objects.items():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(content)
    return Folder(tmp_path)


@pytest.mark.parametrize("prefix", ["", "segments/", "segments/2026/01/01/01", "segments/2026/01/01/02/", "manifests/"])
@pytest.mark.parametrize("start_after", ["", "segments/2026/01/01/01", "segments/2026/01/01/01/zzz"])
def test_it_lists_what_the_bucket_lists(bucket, folder, prefix, start_after):
    listed = [(one.key, one.bytes) for one in bucket.listed(prefix, start_after)]
    assert listed == [(one.key, one.bytes) for one in folder.listed(prefix, start_after)]


def test_its_events_are_those_of_the_bucket(bucket, folder):
    span = (START, START + 10 * HOUR)
    assert list(Trail(bucket).events(*span)) == list(Trail(folder).events(*span))


def test_a_folder_without_a_trail_has_no_events(tmp_path):
    assert [] == list(Trail(Folder(tmp_path)).events(0, START))


def test_a_file_that_cannot_be_read_says_so(folder):
    with pytest.raises(StoreUnavailable, match="reading segments/x: No such file"):
        folder.read("segments/x")


@pytest.mark.parametrize(
    ("copied", "hours"),
    [
        ([(0, 5)], [(0, 5)]),
        ([(0, 5), (5, 9)], [(0, 9)]),
        ([(6, 9), (0, 5)], [(0, 5), (6, 9)]),
        ([(6, 9), (0, 5), (4, 7)], [(0, 9)]),
        ([(0, 9), (2, 3)], [(0, 9)]),
        ([None], None),
        ([(0, 5), None], [(0, 5)]),
    ],
)
def test_it_says_of_which_hours_it_is(tmp_path, copied, hours):
    for one in copied:
        Folder(tmp_path).keep_about([], START, one)
    assert hours == Folder(tmp_path).hours()


ONE = Listed("manifests/000000000002.json", 3, START, "v2")
OTHER = Listed("manifests/000000000003.json", 3, START, "v3")


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: folder.keep(OTHER, b"{}\n"),
        lambda folder: folder.keep_about([ONE, OTHER], START + HOUR),
    ],
    ids=["an object", "what the bucket knew"],
)
def test_what_is_written_is_there_whole_or_not_at_all(folder, tmp_path, monkeypatch, write):
    """Whatever ends the command in the middle of it: the next one copies the rest."""
    folder.keep(ONE, b"{}\n")
    folder.keep_about([ONE], START)
    before = {key: (tmp_path / key).read_bytes() for key in (ONE.key, ABOUT)}
    whole = Path.write_bytes

    def half(file: Path, content: bytes) -> int:
        whole(file, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    monkeypatch.setattr(Path, "write_text", lambda file, text, _: half(file, text.encode()))
    with pytest.raises(StoreUnavailable, match="No space left"):
        write(folder)
    monkeypatch.undo()

    again = Folder(tmp_path)
    assert before == {key: (tmp_path / key).read_bytes() for key in (ONE.key, ABOUT)}
    assert (START, [ONE.key]) == (again.copied_at(), [*again.about()])
    assert OTHER.key not in {one.key for one in again.listed("")}
    again.keep(OTHER, b"{}\n")
    again.keep_about([OTHER], START + HOUR)
    assert {ONE.key, OTHER.key} == Folder(tmp_path).about().keys()
    assert [] == [*tmp_path.rglob("*.unfinished")]
