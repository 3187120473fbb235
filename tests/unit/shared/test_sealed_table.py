"""SealedTable over a real adapter on moto; keys come from fakes, so that what they refuse can be chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from boto3.dynamodb.conditions import Key
from boto3.dynamodb.types import Binary
from moto import mock_aws

from shared.aws.item_reader import DynamoItemReader, ItemKey
from shared.aws.items import DynamoItemTable
from shared.aws.python_values import to_python
from shared.errors import (
    ConflictError,
    DoesNotOpen,
    KeyDenied,
    KeyDestroyed,
    KeyRetired,
    KeyServiceUnavailable,
    KeyStoreCorrupt,
    KeyUnknown,
    NotSealed,
    Reason,
    RecordRejected,
    StoreUnavailable,
)
from shared.keys.keyring import Keyring
from shared.keys.ports import EncryptionContext
from shared.model import Attributes, AttributeValue, KeyState, PutResult, SealedItem
from shared.policy.load import parse_policy
from shared.sealed_table import Sealed, SealedTable, Unreadable
from shared.sealed_table_opening import OnUnreadable
from shared.source_position import ARRIVAL, counter_position, integer_position, kinesis_position, time_position
from tests.fakes.clock import FakeClock
from tests.fakes.items import FakeItemTable
from tests.fakes.key_service import ATTRIBUTE_KEY_ARN, FakeKeyService
from tests.fakes.key_store import FakeKeyStore
from tests.fakes.moto_aws import KEY_STORE_TABLE, REGION, dynamodb_with_key_store, kms_with_attribute_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE = "customers-table"
POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[classes.pci]
[attributes]
"amount" = { plain = "number" }
"tags" = { plain = "string_set" }
"ssn" = { seal = "pii" }
"address" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"contacts[].kind" = { plain = "string" }
"**.note" = { plain = "string" }
"card" = { seal = "pci" }
""",
    "policy.toml",
)
NOW_NS = 1_700_000_000_123_456_789
BEGUN = 1_700_000_000_123
BEGUN_ANEW = counter_position(BEGUN)
"""A count begins at the present millisecond, and so it does in the place of what came through another door."""
SECOND = counter_position(BEGUN + 1)
KEY = {"tenant_id": "acme", "item_id": "c-1"}
ITEM: dict[str, Any] = {
    **KEY,
    "amount": Decimal("12.5"),
    "tags": {"new", "vip"},
    "ssn": "123-45-6789",
    "card": {"4111111111111111"},
    "address": {"street": "1 Main St", "zip": Decimal(12345), "geo": [Decimal("-0.1"), None, True]},
    "contacts": [{"kind": "home", "email": "a@b.example"}],
    "photo": Binary(b"\x00\xff"),
}


SCHEMA: dict[str, Any] = {
    "KeySchema": [
        {"AttributeName": "tenant_id", "KeyType": "HASH"},
        {"AttributeName": "item_id", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("tenant_id", "item_id")],
    "BillingMode": "PAY_PER_REQUEST",
}


class InterruptedTable(DynamoItemTable):
    """The real table, but someone else acts before every put."""

    def __init__(self, dynamodb: DynamoDBClient, meanwhile: Callable[[], object]) -> None:
        super().__init__(dynamodb, TABLE)
        self._meanwhile = meanwhile

    def put_if_newer(self, item: SealedItem) -> PutResult:
        self._meanwhile()
        return super().put_if_newer(item)

    def put_if_absent(self, item: SealedItem) -> PutResult:
        self._meanwhile()
        return super().put_if_absent(item)

    def put_if_source_is(self, item: SealedItem, found_source: AttributeValue) -> PutResult:
        self._meanwhile()
        return super().put_if_source_is(item, found_source)


class RepeatingTable(DynamoItemTable):
    """The real table, but the answer to every put is lost and the client repeats it."""

    def put_if_newer(self, item: SealedItem) -> PutResult:
        super().put_if_newer(item)
        return super().put_if_newer(item)

    def put_if_absent(self, item: SealedItem) -> PutResult:
        super().put_if_absent(item)
        return super().put_if_absent(item)

    def put_if_source_is(self, item: SealedItem, found_source: AttributeValue) -> PutResult:
        super().put_if_source_is(item, found_source)
        return super().put_if_source_is(item, found_source)


class LaggingReader(DynamoItemReader):
    """The real reads, but what is not read consistently is not there yet."""

    def get(self, key: ItemKey, *, consistent: bool) -> Attributes | None:
        return super().get(key, consistent=consistent) if consistent else None


class ConfusedReader(DynamoItemReader):
    """Gives another item than the one that is asked for."""

    other = ("acme", "c-2\x1b")

    def get(self, key: ItemKey, *, consistent: bool) -> Attributes | None:
        return super().get(self.other, consistent=consistent)

    def batch_get(self, keys: Sequence[ItemKey]) -> list[Attributes]:
        return super().batch_get([*keys[1:], self.other])


@pytest.fixture(scope="module")
def dynamodb():
    with mock_aws():
        yield dynamodb_with_key_store()


@pytest.fixture
def items_table(dynamodb) -> Iterator[str]:
    dynamodb.create_table(TableName=TABLE, **SCHEMA)
    yield TABLE
    dynamodb.delete_table(TableName=TABLE)


@pytest.fixture
def world(dynamodb, items_table) -> SimpleNamespace:
    """A table with the stores behind it; `reader()` is another process with nothing in its caches."""
    store, service = FakeKeyStore(), FakeKeyService()

    clock = FakeClock()

    def reader(
        policy=POLICY,
        meanwhile=lambda: None,
        reads=None,
        writes=None,
        statuses=store,
        unreadable: OnUnreadable = "raise",
    ) -> SealedTable:
        keyring = Keyring(
            store=store,
            service=service,
            dataset=policy.dataset,
            trusted_kms_key_arns=frozenset({ATTRIBUTE_KEY_ARN}),
            wall=clock.wall,
            monotonic=clock.monotonic,
        )
        return SealedTable(
            reads=reads or DynamoItemReader(dynamodb, TABLE),
            writes=writes or InterruptedTable(dynamodb, meanwhile),
            keyring=keyring,
            statuses=statuses,
            policy=policy,
            unreadable=unreadable,
            now_ns=lambda: NOW_NS,
        )

    def key_id(data_class: str) -> int:
        return next(row.key_id for row in store.all_rows() if row.data_class == data_class)

    def stored(item_id: str = "c-1") -> dict[str, Any]:
        key = {"tenant_id": {"S": "acme"}, "item_id": {"S": item_id}}
        return dict(dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"])

    def overwrite(item_id: str = "c-1", **attributes: Any) -> None:
        dynamodb.put_item(TableName=TABLE, Item={**stored(item_id), **attributes})

    return SimpleNamespace(
        dynamodb=dynamodb,
        store=store,
        service=service,
        clock=clock,
        reader=reader,
        table=reader(),
        key_id=key_id,
        stored=stored,
        overwrite=overwrite,
    )


def deny(world: SimpleNamespace, data_class: str) -> None:
    def refuse(context: EncryptionContext) -> None:
        if context["data_class"] == data_class:
            raise KeyDenied("no")

    world.service.on_decrypt = refuse


def test_what_was_put_comes_back_with_its_python_types(world):
    assert {} == world.table.put_item(Item=ITEM)

    assert {"Item": ITEM} == world.reader().get_item(Key=KEY, ConsistentRead=True)


def test_what_is_stored_is_sealed_where_the_policy_says_so(world):
    world.table.put_item(Item=ITEM)

    stored = world.stored()
    assert {"N": "12.5"} == stored["amount"]
    assert {"kind": {"S": "home"}} == {key: v for key, v in stored["contacts"]["L"][0]["M"].items() if key == "kind"}
    for sealed in (
        stored["ssn"],
        stored["card"],
        stored["address"],
        stored["photo"],
        stored["contacts"]["L"][0]["M"]["email"],
    ):
        assert ["B"] == list(sealed)
    assert {"B": POLICY.digest} == stored["_policy"]
    assert {"B": BEGUN_ANEW.to_bytes()} == stored["_src"]
    assert b"4111" not in repr(stored).encode()


def test_an_item_that_is_not_there_gives_an_empty_answer(world):
    assert {} == world.table.get_item(Key=KEY)
    assert {"Items": []} == world.table.batch_get(Keys=[KEY])
    assert {"Items": [], "Count": 0, "ScannedCount": 0} == world.table.scan()


def test_system_attributes_are_shown_only_when_asked_for(world):
    world.table.put_item(Item=ITEM)

    shown = world.table.get_item(Key=KEY, system_attributes=True)["Item"]

    assert {"_src", "_policy", "_arrived"} == shown.keys() - ITEM.keys()
    assert Decimal(1_700_000_000_123) == shown["_arrived"], "when it was written"
    assert Binary(BEGUN_ANEW.to_bytes()) == shown["_src"]


def test_a_deleted_item_is_hidden_and_can_be_put_again(world):
    world.table.put_item(Item=ITEM)
    world.overwrite(_deleted_at={"N": "1700000000"})

    assert {} == world.table.get_item(Key=KEY)
    assert {"Items": []} == world.table.batch_get(Keys=[KEY])
    assert {"Items": [], "Count": 0, "ScannedCount": 1} == world.table.scan()

    world.table.put_item(Item=ITEM)
    assert {"Item": ITEM} == world.table.get_item(Key=KEY)


def test_query_gives_a_tenant_s_items_in_pages(world):
    for item_id in ("a", "b", "c"):
        world.table.put_item(Item={"tenant_id": "acme", "item_id": item_id, "ssn": item_id})
    world.table.put_item(Item={"tenant_id": "other", "item_id": "x", "ssn": "x"})
    reader = world.reader()

    first = reader.query(KeyConditionExpression=Key("tenant_id").eq("acme"), Limit=2, ConsistentRead=True)
    rest = reader.query(
        KeyConditionExpression=Key("tenant_id").eq("acme"), Limit=2, ExclusiveStartKey=first["LastEvaluatedKey"]
    )

    assert ["a", "b"] == [item["ssn"] for item in first["Items"]]
    assert {"tenant_id": "acme", "item_id": "b"} == first["LastEvaluatedKey"]
    assert ["c"] == [item["ssn"] for item in rest["Items"]]
    assert "LastEvaluatedKey" not in rest


def test_scan_gives_all_items_in_pages(world):
    for item_id in ("a", "b", "c"):
        world.table.put_item(Item={"tenant_id": "acme", "item_id": item_id})

    first = world.table.scan(Limit=2)
    rest = world.table.scan(ExclusiveStartKey=first["LastEvaluatedKey"])

    assert ["a", "b", "c"] == [item["item_id"] for item in first["Items"] + rest["Items"]]
    assert "LastEvaluatedKey" not in rest


def test_query_takes_conditions_on_the_sort_key_and_an_order(world):
    for item_id in ("a1", "a2", "b1"):
        world.table.put_item(Item={"tenant_id": "acme", "item_id": item_id})

    found = world.table.query(
        KeyConditionExpression=Key("tenant_id").eq("acme") & Key("item_id").begins_with("a"), ScanIndexForward=False
    )

    assert ["a2", "a1"] == [item["item_id"] for item in found["Items"]]


def test_scan_and_batch_get_open_items_of_several_tenants(world):
    items = [{"tenant_id": tenant, "item_id": "x", "ssn": tenant} for tenant in ("acme", "other")]
    for item in items:
        world.table.put_item(Item=item)

    scanned = world.reader().scan(ConsistentRead=True)
    got = world.reader().batch_get(Keys=[{"tenant_id": item["tenant_id"], "item_id": "x"} for item in items * 2])

    assert items == sorted(scanned["Items"], key=lambda item: item["tenant_id"])
    assert items == sorted(got["Items"], key=lambda item: item["tenant_id"])


def test_what_the_credentials_may_not_open_comes_back_as_a_marker_with_its_class(world):
    world.table.put_item(Item=ITEM)
    deny(world, "pci")

    item = world.reader().get_item(Key=KEY)["Item"]

    assert {**ITEM, "card": Sealed("pci")} == item
    assert "Sealed(data_class='pci')" == repr(item["card"])


def test_a_denied_value_is_a_marker_also_where_its_class_may_not_be_read(world):
    class Refused:
        def statuses(self, tenant_id, key_ids):
            raise StoreUnavailable("AccessDeniedException")

    class Unknown:
        def statuses(self, tenant_id, key_ids):
            return {}

    world.table.put_item(Item=ITEM)
    deny(world, "pci")

    for statuses in (Refused(), Unknown()):
        item = world.reader(statuses=statuses).get_item(Key=KEY)["Item"]
        assert {**ITEM, "card": Sealed("")} == item


def test_keys_that_end_before_a_page_is_opened_and_are_denied_then_are_asked_for_once(world):
    for item_id in ("a", "b"):
        world.table.put_item(Item={"tenant_id": "acme", "item_id": item_id, "card": "1", "ssn": "2"})

    def slow_then_denied(context: EncryptionContext) -> None:
        world.clock.advance(200.0)  # so the two are too old once both are fetched
        if len(world.service.decrypted) > 2:
            raise KeyDenied("no")

    world.service.on_decrypt = slow_then_denied

    items = world.reader().scan()["Items"]

    assert [(Sealed("pii"), Sealed("pci"))] * 2 == [(item["ssn"], item["card"]) for item in items]
    assert 4 == len(world.service.decrypted)


def test_a_denied_key_and_its_class_are_asked_for_once_a_page(world):
    class CountedStatuses:
        calls = 0

        def statuses(self, tenant_id, key_ids):
            self.calls += 1
            return world.store.statuses(tenant_id, key_ids)

    for item_id in ("a", "b", "c"):
        world.table.put_item(Item={"tenant_id": "acme", "item_id": item_id, "card": item_id})
    deny(world, "pci")
    statuses = CountedStatuses()

    page = world.reader(statuses=statuses).scan()

    assert [Sealed("pci")] * 3 == [item["card"] for item in page["Items"]]
    assert (1, 1) == (len(world.service.decrypted), statuses.calls)


@pytest.mark.parametrize("marker", [Sealed("pci"), Unreadable("does_not_open")])
def test_an_item_with_a_marker_cannot_be_put(world, marker):
    with pytest.raises(TypeError, match=type(marker).__name__):
        world.table.put_item(Item={**ITEM, "card": marker})


def test_a_changed_value_raises_and_says_where(world):
    world.table.put_item(Item=ITEM)
    sealed = world.stored()["ssn"]["B"]
    world.overwrite(ssn={"B": sealed[:-1] + bytes([sealed[-1] ^ 1])})

    with pytest.raises(DoesNotOpen, match="tenant acme, item c-1, ssn: changed or moved") as caught:
        world.reader().get_item(Key=KEY)
    assert "123" not in str(caught.value)


def test_a_value_moved_to_another_attribute_raises(world):
    world.table.put_item(Item=ITEM)
    world.overwrite(ssn=world.stored()["address"])

    with pytest.raises(DoesNotOpen, match="ssn"):
        world.reader().get_item(Key=KEY)


def test_a_binary_that_is_no_sealed_value_raises_without_an_undeclared_name(world):
    world.table.put_item(Item=ITEM)
    world.overwrite(jane_doe={"B": b"plain"})

    with pytest.raises(NotSealed, match=r"item c-1, \?: too short") as caught:
        world.reader().get_item(Key=KEY)
    assert "jane" not in str(caught.value)


FORGED: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("sealed by the policy", {"ssn": {"S": "forged"}}, "ssn", {"ssn": Unreadable("not_sealed")}),
    ("sealed, null", {"ssn": {"NULL": True}}, "ssn", {"ssn": Unreadable("not_sealed")}),
    (
        "inside of something sealed",
        {"address": {"M": {"street": {"S": "forged"}}}},
        "address",
        {"address": Unreadable("not_sealed")},
    ),
    ("undeclared", {"forged": {"S": "forged"}}, "?", {"forged": Unreadable("not_sealed")}),
    ("undeclared and empty", {"forged": {"M": {}}}, "?", {"forged": Unreadable("not_sealed")}),
    ("binary set", {"forged": {"BS": [b"forged"]}}, "?", {"forged": Unreadable("not_sealed")}),
    ("of another type than declared", {"amount": {"S": "forged"}}, "amount", {"amount": Unreadable("not_sealed")}),
    (
        "a list where a number is declared",
        {"amount": {"L": [{"N": "1"}]}},
        "amount",
        {"amount": Unreadable("not_sealed")},
    ),
    ("list on the way", {"contacts": {"L": []}}, "contacts", {"contacts": Unreadable("not_sealed")}),
    (
        "nested in a list",
        {"contacts": {"L": [{"M": {"kind": {"S": "home"}, "email": {"S": "forged"}}}]}},
        "contacts[].email",
        {"contacts": [{"kind": "home", "email": Unreadable("not_sealed")}]},
    ),
    ("reserved name", {"_forged": {"S": "forged"}}, "?", {"_forged": Unreadable("not_sealed")}),
    (
        "something plain within a reserved name",
        {"_forged": {"M": {"note": {"S": "forged"}}}},
        "?",
        {"_forged": Unreadable("not_sealed")},
    ),
    ("no sealed value", {"ssn": {"B": b"forged"}}, "ssn", {"ssn": Unreadable("not_sealed")}),
]


@pytest.mark.parametrize(("forged", "where", "marked"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED])
def test_what_someone_without_a_key_put_in_clear_is_not_taken_for_what_sealstream_wrote(world, forged, where, marked):
    world.table.put_item(Item=ITEM)
    world.overwrite(**forged)

    with pytest.raises(NotSealed, match=re.escape(f"tenant acme, item c-1, {where}: ")) as caught:
        world.reader().get_item(Key=KEY)
    assert "forged" not in str(caught.value)
    assert {"Item": {**ITEM, **marked}} == world.reader(unreadable="mark").get_item(Key=KEY)


@pytest.mark.parametrize("value", [{"N": "7"}, {"NULL": True}])
def test_what_is_declared_plain_is_taken_as_it_stands(world, value):
    world.table.put_item(Item=ITEM)
    world.overwrite(amount=value)

    assert {"Item": {**ITEM, "amount": to_python(value)}} == world.reader().get_item(Key=KEY)


def test_a_value_that_a_looser_policy_keeps_plain_by_now_still_opens(world):
    world.table.put_item(Item=ITEM)
    looser = parse_policy(
        POLICY.source.replace('"ssn" = { seal = "pii" }', '"ssn" = { plain = "string" }'), "policy.toml"
    )

    assert {"Item": ITEM} == world.reader(looser).get_item(Key=KEY)


def test_one_unreadable_value_does_not_hide_the_page_where_it_is_marked(world):
    for item_id in ("a", "b", "c"):
        world.table.put_item(Item={"tenant_id": "acme", "item_id": item_id, "ssn": item_id})
    sealed = world.stored("a")["ssn"]["B"]
    rogue = {"tenant_id": {"S": "acme"}, "item_id": {"S": "b"}, "ssn": {"B": b"\x01"}, "photo": {"B": sealed}}
    world.dynamodb.put_item(TableName=TABLE, Item=rogue)
    marking = world.reader(unreadable="mark")
    items = [
        {"tenant_id": "acme", "item_id": "a", "ssn": "a"},
        {
            "tenant_id": "acme",
            "item_id": "b",
            "ssn": Unreadable("not_sealed"),
            "photo": Unreadable("does_not_open"),
        },
        {"tenant_id": "acme", "item_id": "c", "ssn": "c"},
    ]

    assert items == marking.query(KeyConditionExpression=Key("tenant_id").eq("acme"))["Items"]
    assert items == marking.scan()["Items"]
    with pytest.raises(NotSealed, match="tenant acme, item b, ssn"):
        world.reader().scan()


def test_an_error_cannot_command_the_terminal(world):
    item_id = "\x1b[2J\u202e\n"
    key = {"tenant_id": "acme", "item_id": item_id}
    world.table.put_item(Item={**key, "ssn": "x"})
    world.overwrite(item_id, ssn={"B": b"forged"})

    with pytest.raises(NotSealed, match=re.escape(r"item \u001b[2J\u202e\n, ssn")) as caught:
        world.reader().get_item(Key=key)
    with pytest.raises(ConflictError, match=re.escape(r"item \u001b[2J\u202e\n of")) as conflict:
        world.reader(meanwhile=lambda: world.reader().put_item(Item=key)).put_item(Item=key | {"ssn": "y"})
    assert str(caught.value).isprintable()
    assert str(conflict.value).isprintable()


def test_an_item_that_was_not_asked_for_is_refused(world):
    for item_id in ("c-1", "c-2\x1b"):
        world.table.put_item(Item={"tenant_id": "acme", "item_id": item_id, "amount": 1})
    confused = ConfusedReader(world.dynamodb, TABLE)

    for unreadable in ("raise", "mark"):
        table = world.reader(reads=confused, unreadable=unreadable)
        for read in (
            lambda table=table: table.get_item(Key=KEY),
            lambda table=table: table.batch_get(Keys=[KEY, {**KEY, "item_id": "c-3"}]),
            lambda table=table: table.put_item(Item=ITEM),
        ):
            with pytest.raises(DoesNotOpen, match=r"tenant acme, item c-2\\u001b: .*not asked for"):
                read()


@pytest.mark.parametrize(("state", "error"), [(KeyState.RETIRED, KeyRetired), (KeyState.DESTROYED, KeyDestroyed)])
def test_a_retired_or_destroyed_key_refuses_and_says_so(world, state, error):
    world.table.put_item(Item=ITEM)
    world.store.set_state("acme", world.key_id("pii"), state)

    with pytest.raises(error, match=f"tenant acme, item c-1, ssn: .*{state}"):
        world.reader().get_item(Key=KEY)
    assert Unreadable(f"key_{state}") == world.reader(unreadable="mark").get_item(Key=KEY)["Item"]["ssn"]


def test_an_unknown_key_raises(world):
    world.table.put_item(Item=ITEM)
    sealed = world.stored()["ssn"]["B"]
    world.overwrite(ssn={"B": sealed[:1] + b"\xff\xff\xff\xff" + sealed[5:]})

    with pytest.raises(KeyUnknown, match="ssn"):
        world.reader().get_item(Key=KEY)
    assert Unreadable("key_unknown") == world.reader(unreadable="mark").get_item(Key=KEY)["Item"]["ssn"]


def test_without_keys_nothing_is_written(world):
    world.service.fail_with = KeyServiceUnavailable("down")

    with pytest.raises(KeyServiceUnavailable):
        world.table.put_item(Item=ITEM)
    assert [] == world.table.scan()["Items"]


def test_an_outage_of_kms_is_no_marker(world):
    world.table.put_item(Item=ITEM)
    world.service.fail_with = KeyServiceUnavailable("down")

    for unreadable in ("raise", "mark"):
        with pytest.raises(KeyServiceUnavailable):
            world.reader(unreadable=unreadable).get_item(Key=KEY)


def test_each_put_counts_on_from_the_one_before(world):
    for counter in range(3):
        world.table.put_item(Item=ITEM)
        assert {"B": counter_position(BEGUN + counter).to_bytes()} == world.stored()["_src"]


def test_a_put_in_place_of_an_item_from_kinesis_hangs_on_it(world):
    world.table.put_item(Item=ITEM, position=kinesis_position(b"k", "7", 0))

    world.table.put_item(Item={**KEY, "ssn": "new"})

    assert {"Item": {**KEY, "ssn": "new"}} == world.table.get_item(Key=KEY)
    assert {"B": BEGUN_ANEW.to_bytes()} == world.stored()["_src"]


@pytest.mark.parametrize("source", [{"S": "not ours"}, {"B": b"?"}])
def test_an_item_with_a_source_that_is_not_ours_is_replaced(world, source):
    world.table.put_item(Item=ITEM)
    world.overwrite(_src=source)

    world.table.put_item(Item=ITEM)

    assert {"B": BEGUN_ANEW.to_bytes()} == world.stored()["_src"]


@pytest.mark.parametrize("exists", [False, True])
def test_of_two_racing_puts_one_is_told(world, exists):
    if exists:
        world.table.put_item(Item=ITEM)
    newer = {**KEY, "amount": Decimal(1)}
    slow = world.reader(meanwhile=lambda: world.reader().put_item(Item=newer))

    with pytest.raises(ConflictError, match="item c-1 of tenant acme"):
        slow.put_item(Item=ITEM)
    assert {"Item": newer} == world.reader().get_item(Key=KEY)


def test_a_position_that_is_not_newer_in_the_same_lane_is_a_conflict(world):
    writes = FakeItemTable()  # moto compares binary prefixes in base64
    table = world.reader(writes=writes)
    newest = kinesis_position(b"k", "8", 0)
    table.put_item(Item=ITEM, position=kinesis_position(b"k", "7", 0))
    table.put_item(Item=ITEM, position=newest)

    for position in (kinesis_position(b"k", "6", 0), kinesis_position(b"other", "9", 0)):
        with pytest.raises(ConflictError):
            table.put_item(Item=ITEM, position=position)
    assert {"B": newest.to_bytes()} == writes.items["acme", "c-1"]["_src"]


def test_what_stands_at_the_very_position_is_the_same_write(world):
    position = kinesis_position(b"k", "7", 0)
    world.table.put_item(Item=ITEM, position=position)
    before = world.stored()

    assert {} == world.table.put_item(Item=ITEM, position=position)
    assert before == world.stored()


def test_two_writers_who_count_to_the_same_place_are_not_the_same_write(world):
    world.table.put_item(Item={**KEY, "ssn": "first"}, position=counter_position(1))

    with pytest.raises(ConflictError):
        world.table.put_item(Item={**KEY, "ssn": "second"}, position=counter_position(1))


def test_a_put_whose_answer_was_lost_and_that_was_repeated_is_no_conflict(world):
    for item in (ITEM, {**ITEM, "amount": Decimal(1)}):  # into an empty place, and in place of the one before
        assert {} == world.reader(writes=RepeatingTable(world.dynamodb, TABLE)).put_item(Item=item)
        assert {"Item": item} == world.reader().get_item(Key=KEY)


def test_a_repeated_put_is_known_again_whatever_order_the_table_gives_sets_in(world):
    class Reordering(RepeatingTable):
        def put_if_absent(self, item: SealedItem) -> PutResult:
            result = super().put_if_absent(item)
            found = dict(result.found or {})
            return replace(result, found={**found, "tags": {"SS": found["tags"]["SS"][::-1]}})

    assert {} == world.reader(writes=Reordering(world.dynamodb, TABLE)).put_item(Item=ITEM)


def test_what_was_sealed_under_keys_that_are_too_old_is_sealed_anew_before_it_is_sent(world):
    world.table.put_item(Item=ITEM)
    slow = [301.0, 0.0]
    world.service.on_decrypt = lambda context: world.clock.advance(slow.pop(0))

    world.reader().put_item(Item={**KEY, "ssn": "new"})

    assert [] == slow
    world.service.on_decrypt = lambda context: None
    assert "new" == world.reader().get_item(Key=KEY)["Item"]["ssn"]


def test_where_keys_are_never_fresh_nothing_is_sent(world):
    world.table.put_item(Item=ITEM)
    before = world.stored()
    world.service.on_decrypt = lambda context: world.clock.advance(301.0)

    with pytest.raises(KeyServiceUnavailable, match="longer to get"):
        world.reader().put_item(Item={**KEY, "ssn": "new"})
    assert before == world.stored()


def test_the_count_goes_on_from_what_is_read_consistently(world):
    table = world.reader(reads=LaggingReader(world.dynamodb, TABLE))

    table.put_item(Item=ITEM)
    table.put_item(Item=ITEM)

    assert {"B": SECOND.to_bytes()} == world.stored()["_src"]


def under(world: SimpleNamespace, rule: str) -> tuple[SealedTable, FakeItemTable]:
    """A table under the policy with one more rule about items, in memory: moto compares binary prefixes in base64."""
    items = FakeItemTable()
    policy = parse_policy(POLICY.source.replace('id = "id"', f'id = "id"\n{rule}'), "policy.toml")
    return world.reader(policy, reads=items, writes=items), items


def test_where_the_policy_names_an_order_an_older_put_is_refused_and_equal_ones_count(world):
    table, items = under(world, 'order = "version"')

    with pytest.raises(RecordRejected, match="order_missing"):
        table.put_item(Item=ITEM)
    for counter in range(2):
        table.put_item(Item={**KEY, "version": 7})
        position = integer_position(7, counter_position(BEGUN + counter), ordered_by="version")
        assert {"B": position.to_bytes()} == items.items["acme", "c-1"]["_src"]
    with pytest.raises(ConflictError, match="newer by the policy's order"):
        table.put_item(Item={**KEY, "version": 6})
    with pytest.raises(ConflictError, match="does not compare"):
        table.put_item(Item={**KEY, "version": "2023-11-14T00:00:00Z"})


def test_an_order_time_that_lies_far_ahead_is_refused(world):
    table, _ = under(world, 'order = "updated_at"')

    table.put_item(Item={**KEY, "updated_at": "2023-11-15T22:13:20Z"})
    with pytest.raises(RecordRejected, match="order_ahead"):
        table.put_item(Item={**KEY, "updated_at": "2023-11-15T22:13:21Z"})


def test_where_the_policy_orders_by_arrival_a_put_arrives_now_and_after_what_stands_there(world):
    table, items = under(world, 'unknown_order = "arrival"')

    for nanoseconds, counter in ((NOW_NS, 0), (NOW_NS + 1, 1)):
        table.put_item(Item=ITEM)
        position = time_position(nanoseconds, counter_position(BEGUN + counter), ordered_by=ARRIVAL)
        assert {"B": position.to_bytes()} == items.items["acme", "c-1"]["_src"]


def test_a_deleted_item_leaves_a_tombstone_that_counts_and_is_deleted_once(world):
    world.table.put_item(Item=ITEM)

    for _ in range(2):
        assert {} == world.table.delete_item(Key=KEY)

    expected = {
        "tenant_id": {"S": "acme"},
        "item_id": {"S": "c-1"},
        "_src": {"B": SECOND.to_bytes()},
        "_policy": {"B": POLICY.digest},
        "_arrived": {"N": "1700000000123"},
        "_deleted_at": {"N": "1700000000"},
        "_expires_at": {"N": str(1_700_000_000 + 400 * 86_400)},
    }
    assert expected == world.stored()
    assert {} == world.table.get_item(Key=KEY)


def test_what_is_not_there_is_deleted_without_a_trace(world):
    assert {} == world.table.delete_item(Key=KEY)
    assert 0 == world.table.scan()["ScannedCount"]


def test_of_a_deletion_and_a_put_that_race_one_is_told(world):
    world.table.put_item(Item=ITEM)
    slow = world.reader(meanwhile=lambda: world.reader().put_item(Item=ITEM))

    with pytest.raises(ConflictError):
        slow.delete_item(Key=KEY)
    assert {"Item": ITEM} == world.reader().get_item(Key=KEY)


@pytest.mark.parametrize(
    ("rule", "version", "position"),
    [
        ('order = "v"', 7, integer_position(8, SECOND, ordered_by="v")),
        ('order = "v"', "2001-01-01T00:00:00Z", time_position(NOW_NS, SECOND, ordered_by="v")),
        (
            'order = "v"',
            "2023-11-15T00:00:00Z",
            time_position(1_700_006_400_000_000_001, SECOND, ordered_by="v"),
        ),
        ('unknown_order = "arrival"', 7, time_position(NOW_NS + 1, SECOND, ordered_by=ARRIVAL)),
    ],
)
def test_a_deletion_takes_its_place_in_the_items_order(world, rule, version, position):
    table, items = under(world, rule)
    table.put_item(Item={**KEY, "v": version})

    table.delete_item(Key=KEY)

    assert {"B": position.to_bytes()} == items.items["acme", "c-1"]["_src"]
    assert {} == table.get_item(Key=KEY)


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"item_id": "c-1"}, ValueError),
        ({"tenant_id": "acme", "item_id": 5}, ValueError),
        ({"tenant_id": "_system", "item_id": "c-1"}, RecordRejected),
        ({"tenant_id": "acme", "item_id": "i" * 1_025}, RecordRejected),
        ({**KEY, "amount": 1.5}, TypeError),
        ({**KEY, "ssn": object()}, TypeError),
        ({**KEY, "ssn": {1: "a"}}, TypeError),
        ({**KEY, "ssn": "\ud800"}, ValueError),
        ({**KEY, "ssn": set()}, ValueError),
        ({**KEY, "ssn": {"a", 1}}, ValueError),
        ({**KEY, "amount": Decimal("NaN")}, ValueError),
        ({**KEY, "amount": 10**200}, ValueError),
    ],
)
def test_what_is_no_item_is_refused_without_its_values(world, item, error):
    with pytest.raises(error):
        world.table.put_item(Item=item)
    assert [] == world.table.scan()["Items"]


def test_endless_nesting_is_refused(world):
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="too many"):
        world.table.put_item(Item={**KEY, "ssn": endless})


def test_a_reserved_name_is_refused(world):
    with pytest.raises(RecordRejected) as caught:
        world.table.put_item(Item={**KEY, "_src": b"mine"})
    assert caught.value.reason == Reason.RESERVED_NAME


def test_the_widest_numbers_come_back_as_they_were(world):
    numbers = [Decimal("1E-130"), Decimal("-9." + "9" * 37 + "E+125"), Decimal(0), Decimal(100)]

    world.table.put_item(Item={**KEY, "ssn": numbers, "amount": 7})

    item = world.reader().get_item(Key=KEY)["Item"]
    assert numbers == item["ssn"]
    assert Decimal(7) == item["amount"]


def test_sets_come_back_as_sets(world):
    sets = {"texts": {"a", ""}, "numbers": {Decimal(1), Decimal("2.5")}, "binaries": {Binary(b"a"), Binary(b"")}}

    world.table.put_item(Item={**KEY, "ssn": sets})

    assert sets == world.reader().get_item(Key=KEY)["Item"]["ssn"]


def test_a_key_that_is_none_is_refused(world):
    for key in ({}, {"tenant_id": "acme"}, {**KEY, "more": "x"}):
        with pytest.raises(ValueError, match="tenant_id and item_id"):
            world.table.get_item(Key=key)


def test_a_request_that_dynamodb_refuses_is_no_outage(world):
    with pytest.raises(ValueError, match="not valid"):
        world.table.query(KeyConditionExpression=Key("ssn").eq("123-45-6789"))


def test_a_missing_table_is_said_without_what_was_asked(world):
    world.table = world.reader(reads=DynamoItemReader(world.dynamodb, "no-such-table"))

    for read in (
        lambda: world.table.get_item(Key=KEY),
        lambda: world.table.batch_get(Keys=[KEY]),
        lambda: world.table.query(KeyConditionExpression=Key("tenant_id").eq("acme")),
        world.table.scan,
    ):
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException") as caught:
            read()
        assert "acme" not in str(caught.value)


def test_connect_wires_the_real_adapters(dynamodb, items_table):
    connect = connector(items_table)

    connect().put_item(Item=ITEM)

    assert {"Item": ITEM} == connect().get_item(Key=KEY)
    dynamodb.update_item(
        TableName=items_table,
        Key={name: {"S": text} for name, text in KEY.items()},
        UpdateExpression="SET ssn = :forged",
        ExpressionAttributeValues={":forged": {"S": "forged"}},
    )
    assert {"Item": {**ITEM, "ssn": Unreadable("not_sealed")}} == connect(unreadable="mark").get_item(Key=KEY)


def test_connect_trusts_the_attribute_key_that_it_was_given_and_no_other(dynamodb, items_table):
    connect = connector(items_table)
    connect().put_item(Item={"tenant_id": "other-key", "item_id": "1", "ssn": "x"})
    _, another = kms_with_attribute_key()

    with pytest.raises(KeyStoreCorrupt, match="untrusted"):
        connect(attribute_key=another).get_item(Key={"tenant_id": "other-key", "item_id": "1"})


def connector(table: str) -> Callable[..., SealedTable]:
    """`connect` with all but what a test changes."""
    _, attribute_key = kms_with_attribute_key()
    names: dict[str, Any] = {
        "key_store": KEY_STORE_TABLE,
        "attribute_key": attribute_key,
        "policy": POLICY,
        "session": boto3.Session(region_name=REGION),
    }
    return lambda **changed: SealedTable.connect(table, **{**names, **changed})
