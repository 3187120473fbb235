from __future__ import annotations

import json

import pytest

from shared.findings import MAX_BYTES, MAX_REFERENCES, ItemReference, from_message, to_messages
from shared.model import VerdictKind

ONE = ItemReference("acme", "42", VerdictKind.PLAINTEXT, 1_700_000_000.0)


def test_what_is_put_into_messages_comes_out_in_its_order():
    sent = [ItemReference("acme", f"id-{n}", VerdictKind.STALE, float(n)) for n in range(250)]
    messages = list(to_messages(sent))
    assert sent == [reference for body in messages for reference in from_message(body)]
    assert [MAX_REFERENCES, MAX_REFERENCES, 50] == [len(from_message(body)) for body in messages]


def test_nothing_makes_no_message():
    assert [] == list(to_messages([]))


def test_the_longest_ids_keep_a_message_within_its_size():
    sent = [ItemReference("t" * 128, "\x01" * 1_023 + str(n), VerdictKind.MALFORMED, 0.5) for n in range(9)] * 10
    messages = list(to_messages(sent))
    assert sent == [reference for body in messages for reference in from_message(body)]
    assert max(len(body) for body in messages) <= MAX_BYTES + 100
    assert len(messages) > 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"version": 1}',
        '{"version": 2, "items": []}',
        '{"version": [], "items": []}',
        '{"version": 1, "items": [{"tenant_id": "acme", "item_id": "078-05-1120", "reason": "plaintext"}]}',
        '{"version": 1, "items": [{"tenant_id": "a", "item_id": 78051120, "reason": "stale", "changed_at": 1}]}',
        '{"version": 1, "items": [{"tenant_id": "a", "item_id": "b", "reason": "stale", "changed_at": NaN}]}',
        '{"version": 1, "items": [{"tenant_id": "a", "item_id": "b", "reason": "lost", "changed_at": 1}]}',
        '{"version": 1, "items": [{"tenant_id": "a", "item_id": "b", "reason": "stale", "changed_at": 1'
        + "0" * 400
        + "}]}",
    ],
)
def test_any_other_body_is_refused_without_quoting_it(body):
    with pytest.raises(ValueError, match=r"^not a message of the findings queue$"):
        from_message(body)


def test_a_message_names_keys_and_reasons_only():
    (body,) = to_messages([ONE])
    expected = {"tenant_id": "acme", "item_id": "42", "reason": "plaintext", "changed_at": 1_700_000_000.0}
    assert {"version": 1, "items": [expected]} == json.loads(body)
