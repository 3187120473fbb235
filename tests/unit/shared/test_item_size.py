from __future__ import annotations

import pytest

from shared.item_size import item_size_bytes


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"S": ""}, 0),
        ({"B": b"123"}, 3),
        ({"N": "0"}, 2),
        ({"N": "-12.5"}, 5),
        ({"N": "1" + "0" * 100}, 3),
        ({"N": "-1.234"}, 5),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 3 + 2 + 3),
        ({"M": {}}, 3),
        ({"M": {"k": {"S": "ab"}}}, 3 + 1 + 1 + 2),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "22"]}, 3 + 3),
    ],
)
def test_a_value_counts_as_dynamodb_counts_it(value, size):
    assert 4 + size == item_size_bytes({"name": value})
