from __future__ import annotations

import base64
import json

import pytest

from ops.demo.leaks import LeakSearch, text_of

VALUE = "Žofie 078-05-1120"
RAW = VALUE.encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"x{VALUE}y", id="as it is"),
        pytest.param(json.dumps({"a": VALUE}), id="JSON with escapes"),
        pytest.param(VALUE.encode().hex(), id="hex"),
        pytest.param(VALUE.encode().hex().upper(), id="upper-case hex"),
        *(
            pytest.param(
                base64.b64encode(b"?" * before + VALUE.encode() + b"!" * after).decode(), id=f"b64 {before}{after}"
            )
            for before in range(4)
            for after in range(3)
        ),
        pytest.param(text_of({"a": {"B": VALUE.encode()}}), id="a DynamoDB binary"),
        pytest.param(text_of({"a": {"SS": {VALUE}}}), id="a set"),
    ],
)
def test_a_value_is_found_in_every_form(text):
    assert LeakSearch([VALUE, "other"]).hits("here", text)


def test_what_is_not_there_is_not_found():
    assert set() == LeakSearch([VALUE]).hits("here", "Žofie 078-05-1121 " + base64.b64encode(b"Zofie 078-05").decode())
