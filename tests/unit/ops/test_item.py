from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO

import pytest
from moto import mock_aws
from rich.console import Console

from ops.item import show_item, side_by_side
from ops.item_view import json_of, opened_view, rows_of, stored_view
from shared.aws.clients import forget
from shared.errors import (
    DoesNotOpen,
    KeyDenied,
    KeyDestroyed,
    KeyRetired,
    KeyUnknown,
    NotSealed,
    SettingsError,
    StoreUnavailable,
)
from shared.model import Attributes, KeyState, KeyStatus
from shared.policy.load import load_policy
from shared.runtime.settings import POLICY_FILE
from shared.sealed_table import SealedTable
from tests.fakes.moto_aws import KEY_STORE_TABLE, REGION, dynamodb_with_key_store, kms_with_attribute_key

SEALED = b"\x01\x0a\x1b\x2c\x3d" + bytes(88)
PLACEHOLDER = "\u2039sealed · class pii · key 0a1b2c3d · 93 bytes\u203a"
STATUSES = {0x0A1B2C3D: KeyStatus(0x0A1B2C3D, "pii", KeyState.ACTIVE)}
ITEM: Attributes = {
    "_policy": {"B": bytes(range(8))},
    "_src": {"B": b"a" + bytes(14) + b"\x07"},
    "ssn": {"B": SEALED},
    "contacts": {"L": [{"M": {"kind": {"S": "home"}, "e.mail": {"B": SEALED}}}, {"NULL": True}]},
    "empty": {"M": {}},
    "none": {"L": []},
    "amount": {"N": "12.50"},
    "active": {"BOOL": True},
    "tags": {"SS": ["a", "b"]},
    "item_id": {"S": "c-1"},
    "tenant_id": {"S": "acme"},
}


def test_an_item_as_stored_shows_a_line_per_value_and_what_may_be_known_of_sealed_ones():
    expected = [
        ("tenant_id", '"acme"'),
        ("item_id", '"c-1"'),
        ("active", "true"),
        ("amount", "12.50"),
        ("contacts[0].kind", '"home"'),
        ('contacts[0]."e.mail"', PLACEHOLDER),
        ("contacts[1]", "null"),
        ("empty", "{}"),
        ("none", "[]"),
        ("ssn", PLACEHOLDER),
        ("tags", '{"a", "b"}'),
        ("_policy", "0001020304050607"),
        ("_src", f'"a" {"00" * 7} {"00" * 7}07'),
    ]

    assert expected == rows_of(stored_view(ITEM, STATUSES))


def test_a_key_that_the_store_does_not_know_has_no_class():
    assert [("ssn", PLACEHOLDER.replace("pii", "?"))] == rows_of(stored_view({"ssn": {"B": SEALED}}, {}))


def test_a_binary_that_is_not_sealed_is_called_so_and_not_shown():
    view = stored_view({"rogue": {"B": b"4111111111111111"}}, {})

    assert [("rogue", "\u2039not sealed · 16 bytes\u203a")] == rows_of(view)
    assert {"rogue": {"SEALED": {"data_class": "", "key_id": None, "bytes": 16, "why": ""}}} == json.loads(
        json_of(view)
    )


def test_text_cannot_command_the_terminal():
    view = stored_view({"a\x1b[2J": {"S": "\x1b[2J\u202e\x9b\U000e0041 plain \u00e9"}}, {})

    (row,) = rows_of(view)

    assert '"\\u001b[2J\\u202e\\u009b\\udb40\\udc41 plain \u00e9"' == row[1]
    assert all(part.isprintable() for part in row)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DoesNotOpen, "does not open: changed or moved"),
        (KeyDenied, "your credentials may not open it"),
        (KeyRetired, "its data key is retired"),
        (KeyDestroyed, "its data key is destroyed"),
        (KeyUnknown, "its data key is unknown"),
        (NotSealed, "holds no typed value"),
    ],
)
def test_a_value_that_stays_closed_says_why_and_the_others_are_shown(error, why):
    def open_sealed(path, sealed):
        if path == ("ssn",):
            raise error("no")
        return {"S": "open"}

    view = opened_view({"name": {"B": SEALED}, "ssn": {"B": SEALED}}, STATUSES, open_sealed)

    assert [("name", '"open"'), ("ssn", PLACEHOLDER[:-1] + f" · {why}\u203a")] == rows_of(view)
    assert json.loads(json_of(view)) == {
        "name": {"S": "open"},
        "ssn": {"SEALED": {"data_class": "pii", "key_id": "0a1b2c3d", "bytes": 93, "why": why}},
    }


def test_an_outage_is_not_taken_for_a_closed_value():
    def open_sealed(path, sealed):
        raise StoreUnavailable("down")

    with pytest.raises(StoreUnavailable):
        opened_view({"ssn": {"B": SEALED}}, STATUSES, open_sealed)


def test_json_keeps_types_and_gives_binary_as_base64():
    view = opened_view(
        {"all": {"B": SEALED}},
        STATUSES,
        lambda path, sealed: {"M": {"b": {"B": b"\x00"}, "bs": {"BS": [b"\xff"]}, "l": {"L": [{"N": "1"}]}}},
    )

    assert {"all": {"M": {"b": {"B": "AA=="}, "bs": {"BS": ["/w=="]}, "l": {"L": [{"N": "1"}]}}}} == json.loads(
        json_of(view)
    )
    assert [
        ("all.b", "\u2039binary · AA==\u203a"),
        ("all.bs", "{\u2039binary · /w==\u203a}"),
        ("all.l[0]", "1"),
    ] == rows_of(view)


@pytest.fixture
def deployed(monkeypatch):
    """An item in a table on moto, and its names in the environment."""
    with mock_aws():
        forget()
        dynamodb = dynamodb_with_key_store()
        _, attribute_key = kms_with_attribute_key()
        keys = [("tenant_id", "HASH"), ("item_id", "RANGE")]
        dynamodb.create_table(
            TableName="items",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],  # type: ignore[typeddict-item]
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        monkeypatch.setenv("SEALSTREAM_TABLE", "items")
        monkeypatch.setenv("SEALSTREAM_KEY_STORE", KEY_STORE_TABLE)
        monkeypatch.setenv("SEALSTREAM_ATTRIBUTE_KEY", attribute_key)
        table = SealedTable.connect(
            "items", key_store=KEY_STORE_TABLE, attribute_key=attribute_key, policy=load_policy(POLICY_FILE)
        )
        table.put_item(
            Item={
                "tenant_id": "acme",
                "item_id": "c-1",
                "amount": Decimal("12.5"),
                "ssn": "123-45-6789",
                "address": {"street": "1 Main St", "zip": "[red]12345"},
            }
        )
        yield
    forget()


def test_the_command_prints_the_item_as_stored_and_opened(deployed, capsys):
    show_item("acme", "c-1", open_values=False)
    stored = capsys.readouterr().out
    show_item("acme", "c-1", open_values=True)
    opened = capsys.readouterr().out
    show_item("acme", "c-1", open_values=True, as_json=True)
    as_json = json.loads(capsys.readouterr().out)

    assert "123-45-6789" not in stored
    assert "sealed · class pii" in stored
    assert '"123-45-6789"' in opened
    assert {"S": "123-45-6789"} == as_json["ssn"]
    assert {"N": "12.5"} == as_json["amount"]


def test_without_open_no_attribute_key_is_needed(deployed, monkeypatch, capsys):
    monkeypatch.delenv("SEALSTREAM_ATTRIBUTE_KEY")

    show_item("acme", "c-1", open_values=False)

    assert "sealed · class pii" in capsys.readouterr().out
    with pytest.raises(SettingsError, match="SEALSTREAM_ATTRIBUTE_KEY"):
        show_item("acme", "c-1", open_values=True)


def test_an_item_that_is_not_there_ends_the_command(deployed):
    with pytest.raises(SystemExit, match='tenant "acme" has no item "c-2"'):
        show_item("acme", "c-2", open_values=False)


def test_side_by_side_puts_what_was_inside_beside_the_sealed_value(deployed):
    screen = StringIO()
    console = Console(width=160, file=screen)

    console.print(side_by_side("acme", "c-1"))

    lines = [line for line in screen.getvalue().splitlines() if "address" in line]
    assert 2 == len(lines)
    assert "address.street" in lines[0]
    assert "sealed · class pii" in lines[0]
    assert '"1 Main St"' in lines[0]
    assert "sealed" not in lines[1]
    assert '"[red]12345"' in lines[1]
