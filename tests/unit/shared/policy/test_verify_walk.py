"""However deep an item is nested, the walk takes each value once: counted in steps, not in seconds."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from shared.model import KeyState, KeyStatus
from shared.policy.detect.scanner import scanner
from shared.policy.load import parse_policy
from shared.policy.verify_walk import Walk

POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[attributes]
"**.note" = { plain = "string" }
""",
    "policy.toml",
)
KEYS = {1: KeyStatus(1, "restricted", KeyState.ACTIVE)}
VALUES = 300
STEPS_A_LEVEL = 40
"""What a map with one member takes: far fewer than the values inside, however many these are."""


class Leaf(dict[str, Any]):
    """A value that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Leaf.compared += 1
        return super().__eq__(other)

    __hash__ = None


def nested(depth, *more):
    deep: Any = {"L": [*(Leaf({"N": "1"}) for _ in range(VALUES)), *more]}
    for _ in range(depth):
        deep = {"M": {"a": deep}}
    return {"odd": deep}


def steps(depth, *more):
    """Calls and comparisons of one walk over an item that a change left as it was."""
    walk, new, old = Walk(POLICY, KEYS, 0.0, scanner(POLICY.detect)), nested(depth, *more), nested(depth, *more)
    calls = 0

    def count(_frame: Any, event: str, _about: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    Leaf.compared = 0
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        walk.judge(new, old)
    finally:
        sys.setprofile(before)
    assert all(walk.stood)
    return len(walk.findings), calls + Leaf.compared


@pytest.mark.parametrize(("more", "findings"), [((), 1), (({"M": {"note": {"S": "x"}}},), VALUES)])
def test_depth_adds_no_steps_to_each_of_the_values_inside(more, findings):
    """Whether what is found in them counts for itself, or the whole stands in clear."""
    steps(1, *more)  # what is done once for the process
    shallow, deep = steps(1, *more), steps(29, *more)
    assert (findings, findings) == (shallow[0], deep[0])
    assert deep[1] - shallow[1] < 28 * STEPS_A_LEVEL
