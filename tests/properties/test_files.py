"""However often, in whatever pieces and by whatever shards files are read, they leave what one run of each leaves."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.file_source import FileSource
from shared.model import Outcome
from shared.policy.load import parse_policy
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.files import MODIFIED, line_payload, line_record, wrapped_payload
from tests.fakes.inline_executor import InlineExecutor

SOURCE = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
{order}
[attributes]
"a" = {{ plain = "number" }}
"""
PLAIN, BY_ARRIVAL, ORDERED = (
    parse_policy(SOURCE.format(order=order), "policy.toml")
    for order in ("", 'unknown_order = "arrival"', 'order = "n"')
)
SHARDS = 3

lines = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["put", "delete", "bad", "none"])), max_size=6)
files = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["00", "0055AED6", "0055AED600", "0055AED7"]), lines), max_size=4
)
"""Each: seconds after others, S3's sequencer, and item and kind of each line."""


def payloads_of(number: int, file: tuple[int, str, list[tuple[int, str]]]) -> list[bytes]:
    after, sequencer, content = file
    found = []
    for line, (item, kind) in enumerate(content, start=1):
        source = FileSource("landing", f"{number}.json", "v1", line, MODIFIED + after, sequencer)
        serial = 10 * number + line
        record: dict[str, Any] = {"tenant_id": "acme", "id": str(item), "a": serial, "n": serial * 7 % 5}
        if kind == "delete":
            record["_op"] = "delete"
        if kind == "bad":
            record["_odd"] = 1
        is_none = kind == "none"
        found.append(wrapped_payload(source, "not_json", b"x") if is_none else line_payload(source, **record))
    return found


def left_by(world: EncryptorWorld) -> tuple[Any, Any]:
    items = {key: (item["_src"], item.get("a"), "_deleted_at" in item) for key, item in world.table.items.items()}
    entries = Counter((entry.reason, entry.source) for entry in world.quarantine.entries.values())
    return items, entries


def read(world: EncryptorWorld, payloads: list[bytes], sequence: int, random: Random | None = None) -> None:
    """Put and deliver lines, by one shard or by several that are worked off as it happens."""
    lanes: list[list[Any]] = [[] for _ in range(SHARDS)]
    for number, payload in enumerate(payloads, start=sequence):
        shard = random.randrange(SHARDS) if random else 0
        lanes[shard].append(line_record(payload, sequence=number, shard=shard, partition_key=str(shard)))
    while left := [lane for lane in lanes if lane]:
        lane = random.choice(left) if random else left[0]
        count = random.randint(1, len(lane)) if random else len(lane)
        batch = [lane.pop(0) for _ in range(count)]
        assert not world.process(*batch).outcomes()[Outcome.RETRY]


@pytest.mark.parametrize("policy", [PLAIN, BY_ARRIVAL, ORDERED])
@given(
    files,
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 6)), max_size=8),
    st.randoms(use_true_random=False),
)
def test_runs_that_are_repeated_overtaken_or_cut_off_leave_what_one_run_leaves(policy, files, pieces, random):
    contents = [payloads_of(number, file) for number, file in enumerate(files)]
    with encryptor_world(policy, at_once=InlineExecutor()) as once:
        for number, content in enumerate(contents):
            read(once, content, 100 * number)
        expected = left_by(once)

    runs = [contents[file][begin:end] for file, begin, end in pieces if file < len(contents)] + contents
    random.shuffle(runs)
    with encryptor_world(policy, at_once=InlineExecutor()) as world:
        world.shards.by_id = {}  # nor does it matter which hash keys fall into which
        for number, run in enumerate(runs):
            read(world, run, 100 * number, random)
        again = [payload for run in runs for payload in run]
        assert expected == left_by(world)
        random.shuffle(again)
        read(world, again, 10_000, random)
        assert expected == left_by(world)
