"""The whole encryptor with fakes at its edges: every record in, one outcome each, nothing in clear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Barrier
from types import SimpleNamespace

import pytest

from consumers.encryptor.deaggregate import user_records
from consumers.encryptor.identify import identify
from consumers.encryptor.sealing import RecordSealer, plan_record
from consumers.encryptor.settling import Settling
from consumers.encryptor.writing import Writer
from shared.decode import decode
from shared.errors import BatchFailed, KeyDenied, KeyServiceUnavailable, Reason, RecordRejected, StoreUnavailable
from shared.keys.keyring import PARALLEL_LOADS
from shared.model import InboundRecord, KeyState, Outcome
from shared.policy.load import parse_policy
from tests.fakes.encryptor import EncryptorWorld, encryptor_world
from tests.fakes.inline_executor import InlineExecutor
from tests.fakes.kinesis import STREAM_ARN, aggregate, kinesis_record
from tests.fakes.rotation import replace_active_key

POLICY = parse_policy(
    """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[defaults]
undeclared = "seal"
data_class = "restricted"
[classes.restricted]
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"contacts[].email" = { seal = "pii" }
"amount" = { plain = "number" }
""",
    "policy.toml",
)
CANARY = "canary-4111111111111111"


@pytest.fixture
def world() -> Iterator[EncryptorWorld]:
    with encryptor_world(POLICY) as world:
        yield world


def record(item: str = "1", tenant: str = "acme", **attributes) -> bytes:
    return json.dumps({"tenant_id": tenant, "id": item, **attributes}).encode()


def test_a_record_becomes_an_item_that_opens_to_what_was_sent(world):
    payload = record(ssn=CANARY, amount=12.5, contacts=[{"email": CANARY, "kind": "home"}], note={"deep": [CANARY]})

    result = world.process(kinesis_record(payload))

    assert result.outcomes() == {Outcome.WRITTEN: 1}
    stored = world.table.items["acme", "1"]
    assert stored["amount"] == {"N": "12.5"}
    assert CANARY.encode() not in repr(stored).encode()
    assert {"email", "kind"} == stored["contacts"]["L"][0]["M"].keys()
    opened = world.opened("acme", "1")
    assert opened["ssn"] == {"S": CANARY}
    assert opened["contacts"] == {"L": [{"M": {"email": {"S": CANARY}, "kind": {"S": "home"}}}]}
    assert opened["note"] == {"M": {"deep": {"L": [{"S": CANARY}]}}}


def test_one_data_key_per_tenant_and_class_bound_to_its_exact_context(world):
    world.process(*[kinesis_record(record(str(n), ssn="1", note="2"), sequence=n) for n in range(20)])

    contexts = [dict(context) for context in world.kms.generated]
    ids = {row.data_class: f"{row.key_id:08x}" for row in world.store.all_rows()}
    expected = [
        {"tenant_id": "acme", "data_class": name, "dataset": "customers", "key_id": ids[name]}
        for name in ("pii", "restricted")
    ]
    assert expected == sorted(contexts, key=lambda context: context["data_class"])


BAD = [
    pytest.param(f'{{"tenant_id":"acme","id":"1","a":"{CANARY}"'.encode(), Reason.NOT_JSON, id="not JSON"),
    pytest.param(f'["{CANARY}"]'.encode(), Reason.NOT_AN_OBJECT, id="not an object"),
    pytest.param(f'{{"{CANARY}":1,"{CANARY}":2}}'.encode(), Reason.DUPLICATE_KEY, id="duplicate keys"),
    pytest.param(record(a=CANARY)[:-1] + b',"b":NaN}', Reason.INVALID_NUMBER, id="NaN"),
    pytest.param(record(a=CANARY)[:-1] + b',"b":' + b"9" * 39 + b"}", Reason.NUMBER_OUT_OF_RANGE, id="39 digits"),
    pytest.param(record(a=CANARY)[:-1] + b',"b":1e126}', Reason.NUMBER_OUT_OF_RANGE, id="exponent"),
    pytest.param(CANARY.encode() + b"\xff", Reason.INVALID_UTF8, id="invalid UTF-8"),
    pytest.param(record(a=CANARY)[:-1] + b',"b":"\\udfff"}', Reason.LONE_SURROGATE, id="lone surrogate"),
    pytest.param(f'{{"id":"1","a":"{CANARY}"}}'.encode(), Reason.TENANT_MISSING, id="no tenant"),
    pytest.param(f'{{"tenant_id":"{CANARY}/","id":"1"}}'.encode(), Reason.TENANT_INVALID, id="ill-formed tenant"),
    pytest.param(f'{{"tenant_id":"acme","a":"{CANARY}"}}'.encode(), Reason.ID_MISSING, id="no id"),
    pytest.param(record(CANARY * 50), Reason.ID_INVALID, id="long id"),
    pytest.param(record(_policy=CANARY), Reason.RESERVED_NAME, id="reserved name"),
    pytest.param(record(_source=CANARY), Reason.SOURCE_INVALID, id="a source that the landing ingest does not write"),
    pytest.param(record(a=CANARY)[:-1] + b',"b":' + b"[" * 32 + b"]" * 32 + b"}", Reason.TOO_DEEP, id="too deep"),
    pytest.param(record(a=CANARY * 18_000), Reason.ITEM_TOO_LARGE, id="over 400 KB once sealed"),
    pytest.param(aggregate([("a", CANARY.encode())])[:-1], Reason.AGGREGATE_CORRUPT, id="damaged aggregate"),
]


@pytest.mark.parametrize(("payload", "reason"), BAD)
def test_a_bad_record_is_quarantined_sealed_and_its_neighbours_are_written(world, payload, reason, capfd, caplog):
    bad = kinesis_record(payload, sequence=1)

    result = world.process(
        kinesis_record(record("before", a="x"), sequence=0), bad, kinesis_record(record("after", a="x"), sequence=2)
    )

    assert result.outcomes() == {Outcome.WRITTEN: 2, Outcome.QUARANTINED: 1}
    assert frozenset() == result.failed_sequence_numbers
    assert {("acme", "before"), ("acme", "after")} == world.table.items.keys()
    (entry,) = world.quarantine.entries.values()
    assert (reason, bad["kinesis"]["sequenceNumber"]) == (entry.reason, entry.sequence_number)
    assert [payload] == [one["M"]["payload"]["B"] for one in world.held(entry)["M"]["records"]["L"]]
    assert CANARY not in repr(result) + repr(entry) + entry.detail + "".join(capfd.readouterr()) + caplog.text
    assert CANARY.encode() not in entry.sealed_content


@pytest.mark.parametrize("payload", [b'{"a": NaN}', b'{"tenant_id": "acme", "id": "1", "_x": 1}', b"\xff"])
def test_a_rejected_record_keeps_alive_nothing_of_what_it_was_decoded_to(world, payload):
    received = list(user_records(kinesis_record(payload)))

    (rejected,) = world.encryptor.plan(received, stream_arn=STREAM_ARN)

    assert (None, None) == (rejected.error.__traceback__, rejected.error.__context__)


def test_a_second_partition_key_for_one_item_is_quarantined_not_guessed(world):
    result = world.process(
        kinesis_record(record(a=1), sequence=0, partition_key="p"),
        kinesis_record(record(a=2), sequence=1, partition_key="q"),
    )

    assert result.outcomes() == {Outcome.WRITTEN: 1, Outcome.QUARANTINED: 1}
    (entry,) = world.quarantine.entries.values()
    assert (entry.reason, entry.tenant_id) == (Reason.ORDER_UNKNOWN, "acme")
    assert world.opened("acme", "1")["a"] == {"N": "1"}


def test_user_records_of_an_aggregate_are_counted_one_by_one(world):
    payload = aggregate([("k1", record("1", a=1)), ("k2", b"no json"), ("k1", record("1", a=2)), ("k3", record("3"))])

    result = world.process(kinesis_record(payload), kinesis_record(record("4"), sequence=1))

    assert 5 == result.received == result.outcomes().total()
    assert {Outcome.WRITTEN: 3, Outcome.SUPERSEDED: 1, Outcome.QUARANTINED: 1} == result.outcomes()
    assert world.opened("acme", "1")["a"] == {"N": "2"}


def test_the_same_batch_again_changes_nothing_and_says_so(world):
    batch = [
        kinesis_record(record("1", a=1), sequence=0),
        kinesis_record(record("1", a=2), sequence=1),
        kinesis_record(b"no json", sequence=2),
    ]
    world.process(*batch)
    before, held = dict(world.table.items), dict(world.quarantine.entries)

    again = world.process(*batch)

    assert again.outcomes() == {Outcome.SUPERSEDED: 1, Outcome.DUPLICATE: 1, Outcome.QUARANTINED: 1}
    assert (before, held.keys()) == (world.table.items, world.quarantine.entries.keys())


def test_a_delete_leaves_a_tombstone_that_an_older_record_cannot_undo(world):
    world.process(kinesis_record(record(ssn=CANARY), sequence=1))
    world.process(kinesis_record(record(_op="delete", ssn=CANARY), sequence=2, arrived_at=1_700_000_000.9))
    late = world.process(kinesis_record(record(ssn=CANARY), sequence=1))

    assert late.outcomes() == {Outcome.SUPERSEDED: 1}
    tombstone = world.table.items["acme", "1"]
    assert {"tenant_id", "item_id", "_src", "_policy", "_arrived", "_deleted_at", "_expires_at"} == tombstone.keys()
    assert tombstone["_deleted_at"] == {"N": "1700000000"}


def test_an_item_says_when_its_record_arrived_and_a_redelivery_leaves_that_as_it_is(world):
    for sequence, arrived_at, arrived in ((1, 1_700_000_000.9, "1700000000900"), (2, 1_700_000_007.0, "1700000007000")):
        put = kinesis_record(record(ssn=CANARY), sequence=sequence, arrived_at=arrived_at)
        world.process(put)
        world.clock.advance(60)
        world.process(put)

        assert {"N": arrived} == world.table.items["acme", "1"]["_arrived"]


def test_an_outage_of_kms_for_one_tenant_delays_that_tenant_only(world):
    def only_acme_is_refused(context):
        if context["tenant_id"] == "acme":
            raise KeyServiceUnavailable("throttled")

    world.process(kinesis_record(record("0", a=1)), kinesis_record(record("0", "other", a=1), sequence=1))
    world.clock.advance(301)
    world.kms.on_decrypt = only_acme_is_refused
    first, second = kinesis_record(record("1", a=1), sequence=2), kinesis_record(record("1", "other", a=1), sequence=3)

    result = world.process(first, second)

    assert result.outcomes() == {Outcome.RETRY: 1, Outcome.WRITTEN: 1}
    assert {first["kinesis"]["sequenceNumber"]} == result.failed_sequence_numbers


def test_behind_a_record_that_must_be_retried_the_same_item_waits(world):
    def down_for_item_one(item):
        if item.item_id == "1":
            raise StoreUnavailable("down")

    world.table.before_put = down_for_item_one
    records = [kinesis_record(record(item, a=n), sequence=n) for n, item in enumerate(["1", "2", "1"])]

    result = world.process(*records)

    assert result.outcomes() == {Outcome.RETRY: 2, Outcome.WRITTEN: 1}
    assert {records[n]["kinesis"]["sequenceNumber"] for n in (0, 2)} == result.failed_sequence_numbers


def test_a_quarantine_that_does_not_answer_delays_the_record_and_loses_nothing(world):
    world.quarantine.fail_with = StoreUnavailable("down")
    bad = kinesis_record(CANARY.encode())

    result = world.process(bad)

    assert result.outcomes() == {Outcome.RETRY: 1}
    assert {bad["kinesis"]["sequenceNumber"]} == result.failed_sequence_numbers


def test_an_error_that_nobody_foresaw_is_a_retry_and_prints_no_value(world, capfd):
    def bug(item):
        raise ValueError(CANARY)

    world.table.before_put = bug

    result = world.process(kinesis_record(record(a=CANARY)))

    assert result.outcomes() == {Outcome.RETRY: 1}
    out, err = capfd.readouterr()
    assert "ValueError" in out
    assert CANARY not in out + err


def test_what_an_aggregate_holds_of_one_reason_and_tenant_is_one_entry(world):
    bad = [("k", f"bad {n}".encode()) for n in range(500)]
    nameless = [("k", record("", tenant="acme")), ("k", record("", tenant="other"))]

    result = world.process(kinesis_record(aggregate([*bad, *nameless])))

    assert {Outcome.QUARANTINED: 502} == result.outcomes()
    entries = {(entry.reason, entry.tenant_id): entry for entry in world.quarantine.entries.values()}
    assert {("not_json", ""): 500, ("id_invalid", "acme"): 1, ("id_invalid", "other"): 1} == {
        key: entry.record_count for key, entry in entries.items()
    }
    kept = world.held(entries["not_json", ""])["M"]["records"]["L"]
    assert [(str(n), data) for n, (_, data) in enumerate(bad)] == [
        (one["M"]["sub_sequence"]["N"], one["M"]["payload"]["B"]) for one in kept
    ]


def test_a_second_delivery_that_rejects_one_more_record_hides_none(world):
    payload = aggregate([("k", record("1", a=1)), ("k", record("2", a=1))])
    other_door = [kinesis_record(record(item, a=0), sequence=n, partition_key="z") for n, item in enumerate(["1", "2"])]
    world.process(other_door[0])
    first = world.process(kinesis_record(payload, sequence=5))
    world.table.items.clear()
    world.process(*other_door)
    second = world.process(kinesis_record(payload, sequence=5))

    assert ({Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1}, {Outcome.QUARANTINED: 2}) == (
        first.outcomes(),
        second.outcomes(),
    )
    held = [world.held(entry)["M"]["records"]["L"] for entry in world.quarantine.entries.values()]
    assert [["0"], ["0", "1"]] == [[one["M"]["sub_sequence"]["N"] for one in content] for content in held]


def test_of_many_records_of_one_item_only_the_newest_is_sent(world):
    result = world.process(*[kinesis_record(record(a=n), sequence=n) for n in range(200)])

    assert {Outcome.WRITTEN: 1, Outcome.SUPERSEDED: 199} == result.outcomes()
    assert [("acme", "1")] == world.table.puts
    assert {"N": "199"} == world.opened("acme", "1")["a"]


def test_a_newest_record_that_can_never_be_written_leaves_the_one_before_it(world):
    result = world.process(
        kinesis_record(record(a=1), sequence=1),
        kinesis_record(record(a=2), sequence=2),
        kinesis_record(record(a="x" * 420_000), sequence=3),
    )

    assert {Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1, Outcome.SUPERSEDED: 1} == result.outcomes()
    assert {"N": "2"} == world.opened("acme", "1")["a"]


def test_items_are_written_at_the_same_time(world):
    both = Barrier(2, timeout=5)
    world.table.before_put = lambda item: both.wait() and None

    result = world.process(kinesis_record(record("1")), kinesis_record(record("2"), sequence=1))

    assert {Outcome.WRITTEN: 2} == result.outcomes()


def test_what_is_not_begun_in_time_is_delivered_again(world):
    bad = kinesis_record(b"no json", sequence=1)

    result = world.process(kinesis_record(record(a=1)), bad, seconds_left=lambda: 27.9)

    assert {Outcome.RETRY: 2} == result.outcomes()
    assert ({}, {}) == (world.table.items, world.quarantine.entries)


def test_a_slow_table_does_not_keep_bad_records_out_of_quarantine_and_the_batch_advances():
    left = [60.0]

    def slow(item):
        left[0] -= 0.4

    with encryptor_world(POLICY, at_once=InlineExecutor()) as world:
        world.table.before_put = slow
        batch = [kinesis_record(b"no json"), *(kinesis_record(record(str(n)), sequence=n) for n in range(1, 101))]

        deliveries = 0
        while batch:
            deliveries += 1
            left[0] = 60.0
            result = world.process(*batch, seconds_left=lambda: left[0])
            failed = result.failed_sequence_numbers
            first = min(
                (n for n, one in enumerate(batch) if one["kinesis"]["sequenceNumber"] in failed), default=len(batch)
            )
            assert first > 0
            batch = batch[first:]

        assert (101, 2) == (len(world.table.items) + len(world.quarantine.entries), deliveries)


def test_an_outage_of_kms_is_asked_about_once_and_leaves_time_for_who_has_a_key(world):
    world.process(*[kinesis_record(record("0", f"z{n:03}", a=1), sequence=n) for n in range(40)])
    world.kms.fail_with = KeyServiceUnavailable("timed out")
    world.kms.generated.clear()
    without = [kinesis_record(record("1", f"a{n:03}", a=1), sequence=100 + n) for n in range(160)]
    with_key = [kinesis_record(record("1", f"z{n:03}", a=1), sequence=500 + n) for n in range(40)]

    result = world.process(*without, *with_key)

    assert {Outcome.RETRY: 160, Outcome.WRITTEN: 40} == result.outcomes()
    assert PARALLEL_LOADS == len(world.kms.generated)


def test_a_tenant_whose_key_is_refused_keeps_no_other_tenants_key_away(world):
    first = [kinesis_record(record("0", f"t{n:03}", a=1), sequence=n) for n in range(60)]
    world.process(*first)
    world.clock.advance(301)

    def refuses_one(context):
        if context["tenant_id"] == "t000":
            raise KeyDenied("refused")

    world.kms.on_decrypt = refuses_one

    result = world.process(*[kinesis_record(record("1", f"t{n:03}", a=1), sequence=100 + n) for n in range(60)])

    assert {Outcome.RETRY: 1, Outcome.WRITTEN: 59} == result.outcomes()


def test_slow_failures_leave_time_for_who_has_a_key(world):
    """The first sixteen keys take so long that for others no time is left, though some of them came."""
    world.process(*[kinesis_record(record("0", f"t{n:03}", a=1), sequence=n) for n in range(60)])
    left = [60.0]
    world.clock.advance(301)

    def slow_for_one(context):
        if context["tenant_id"] == "t000":
            left[0] -= 21
            raise KeyServiceUnavailable("timed out")

    world.kms.on_decrypt = slow_for_one
    again = [kinesis_record(record("1", f"t{n:03}", a=1), sequence=100 + n) for n in range(60)]

    result = world.process(*again, seconds_left=lambda: left[0])

    assert {Outcome.RETRY: 45, Outcome.WRITTEN: 15} == result.outcomes()


def test_a_spoiled_key_costs_only_the_records_that_need_it(world):
    world.process(kinesis_record(record("0", ssn="1")))
    (pii,) = [row for row in world.store.all_rows() if row.data_class == "pii"]
    world.store.put_row(replace(pii, state=KeyState.RETIRED))
    world.clock.advance(301)

    result = world.process(
        kinesis_record(record(ssn="1"), sequence=1),
        kinesis_record(record(a=1), sequence=2),
        kinesis_record(record(_op="delete"), sequence=3),
    )

    assert {Outcome.QUARANTINED: 1, Outcome.SUPERSEDED: 1, Outcome.WRITTEN: 1} == result.outcomes()
    assert "_deleted_at" in world.table.items["acme", "1"]


def test_a_record_that_is_too_large_is_quarantined_also_where_a_newer_one_follows(world):
    result = world.process(kinesis_record(record(a="x" * 420_000)), kinesis_record(record(a=1), sequence=1))

    assert {Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1} == result.outcomes()


@pytest.mark.parametrize(
    "many", [record(a=[0] * 9_000), record(a=[""] * 9_000), record(contacts=[{"email": ""}] * 9_000)]
)
def test_an_item_that_only_sealing_makes_too_large_is_known_before_it_is_sealed(many):
    each_sealed = '"a[]" = { seal = "pii" }\n"amount"'
    policy = parse_policy(POLICY.source.replace('"amount"', each_sealed), "policy.toml")
    (inbound,) = user_records(kinesis_record(many))
    assert isinstance(inbound, InboundRecord)

    with pytest.raises(RecordRejected) as rejected:
        plan_record(identify(inbound, decode(many), policy), policy)

    assert len(many) < 200_000
    assert Reason.ITEM_TOO_LARGE == rejected.value.reason


def test_the_content_of_an_entry_is_about_as_large_as_what_arrived(world):
    key = "k" * 256
    payload = aggregate([(key, b"x")] * 2_000)

    world.process(kinesis_record(payload))

    (entry,) = world.quarantine.entries.values()
    assert len(entry.sealed_content) < 120 * 2_000
    content = world.held(entry)["M"]
    assert [{"B": key.encode()}] == content["partition_keys"]["L"]
    assert 2_000 == len(content["records"]["L"])


def test_an_entry_is_the_same_whatever_else_the_batch_holds(world):
    world.process(*(kinesis_record(record(item, a=0), sequence=n, partition_key="z") for n, item in enumerate("XY")))
    mixed = kinesis_record(aggregate([("k", record("Y")), ("k", record("X"))]), sequence=9)

    world.process(kinesis_record(record("X", a=1), sequence=8, partition_key="other"), mixed)
    before = {entry.quarantine_id for entry in world.quarantine.entries.values()}
    world.process(mixed)

    assert before == {entry.quarantine_id for entry in world.quarantine.entries.values()}


def test_rejects_of_a_record_that_comes_again_are_kept_once(world):
    world.process(kinesis_record(record("1", a=0), partition_key="z"))
    payload = kinesis_record(aggregate([("k", record("1")), ("k", record("2"))]), sequence=5)

    def down_for_two(item):
        if item.item_id == "2":
            raise StoreUnavailable("down")

    world.table.before_put = down_for_two
    first = world.process(payload)
    world.table.before_put = lambda item: None
    second = world.process(payload)

    assert ({Outcome.RETRY: 2}, {Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1}) == (first.outcomes(), second.outcomes())
    assert 1 == len(world.quarantine.entries)


def test_a_kinesis_record_that_cannot_even_be_read_is_counted_and_delivered_again(world):
    unreadable = kinesis_record(b"x", sequence=1)
    unreadable["kinesis"]["data"] = "=not base64"

    result = world.process(kinesis_record(record(a=1)), unreadable)

    assert 2 == result.received == result.outcomes().total()
    assert {unreadable["kinesis"]["sequenceNumber"]} == result.failed_sequence_numbers


def test_an_error_that_nobody_foresaw_among_the_keys_is_a_retry_and_prints_no_value(world, capfd):
    def bug(context):
        raise KeyError(CANARY)

    world.kms.generate = bug

    result = world.process(kinesis_record(record(a=CANARY)), kinesis_record(b"no json", sequence=1))

    assert {Outcome.RETRY: 2} == result.outcomes()
    assert CANARY not in "".join(capfd.readouterr())


def test_a_spoiled_key_store_row_does_not_hold_up_other_tenants(world):
    world.process(kinesis_record(record("0", a=1)), kinesis_record(record("0", "other", a=1), sequence=1))
    (row,) = [row for row in world.store.all_rows() if row.tenant_id == "acme"]
    world.store.put_row(replace(row, kms_key_arn="arn:aws:kms:eu-central-1:999999999999:key/foreign"))
    world.clock.advance(301)

    result = world.process(
        kinesis_record(record("1", a=1), sequence=2), kinesis_record(record("1", "other", a=1), sequence=3)
    )

    assert {Outcome.QUARANTINED: 1, Outcome.WRITTEN: 1} == result.outcomes()
    (entry,) = world.quarantine.entries.values()
    assert (Reason.KEY_UNUSABLE, "acme") == (entry.reason, entry.tenant_id)


@pytest.mark.parametrize(("older", "newer"), [("pii", "restricted"), ("restricted", "pii")])
def test_a_batch_that_outlived_one_of_its_keys_is_sealed_anew_under_the_active_one(world, older, newer):
    world.keyring.active("acme", older)
    world.clock.advance(200)
    world.keyring.active("acme", newer)
    (old_row,) = [row for row in world.store.all_rows() if row.data_class == older]
    seals = []

    def paused_after_the_first(planned):
        sealed = RecordSealer(POLICY, world.keyring).seal(planned)
        seals.append(sealed)
        if len(seals) == 1:  # the process sleeps, and the key is rotated meanwhile
            world.clock.advance(150)
            replace_active_key(world.store, world.kms, "acme", older)
        return sealed

    sealer = SimpleNamespace(seal=paused_after_the_first, is_fresh=world.encryptor.writer.sealer.is_fresh)
    encryptor = replace(world.encryptor, writer=Writer(world.table, sealer))
    encryptor.process([kinesis_record(record(ssn="1", note="2"))], stream_arn=STREAM_ARN, seconds_left=lambda: 60.0)

    stored = world.table.items["acme", "1"]
    ids = {int.from_bytes(stored[name]["B"][1:5], "big") for name in ("ssn", "note")}
    assert 2 == len(seals)
    assert old_row.key_id not in ids


@pytest.mark.parametrize("payload", [record(_x=1), record("", a=1), record(_op="drop")])
def test_quarantine_says_whose_record_it_is_where_that_is_known(world, payload):
    world.process(kinesis_record(payload))

    assert ["acme"] == [entry.tenant_id for entry in world.quarantine.entries.values()]


def test_a_delete_must_be_as_sound_as_any_record(world):
    result = world.process(kinesis_record(record(_op="delete", _src="x")))

    assert {Outcome.QUARANTINED: 1} == result.outcomes()


def test_a_quarantine_id_is_the_place_of_its_records_and_of_nothing_in_them(world):
    result = world.process(kinesis_record(aggregate([("a", b"x"), ("a", b"y")])), kinesis_record(b"z", sequence=1))
    again = world.process(kinesis_record(aggregate([("a", b"!"), ("a", b"?")])), kinesis_record(b"@", sequence=1))

    ids = {one.kept.quarantine_id for one in result.results}
    assert 2 == len(ids)
    assert ids == {one.kept.quarantine_id for one in again.results}


def test_a_record_that_nobody_accounts_for_fails_the_batch_and_so_comes_again(world, monkeypatch):
    settle = Settling.settle
    monkeypatch.setattr(Settling, "settle", lambda self, plans: settle(self, plans)[1:])

    with pytest.raises(BatchFailed, match="2 records have 1 outcomes"):
        world.process(kinesis_record(record("1")), kinesis_record(record("2"), sequence=1))


def test_a_copy_of_a_superseded_record_is_superseded_too(world):
    world.process(kinesis_record(record(a=2), sequence=2))

    result = world.process(*[kinesis_record(record(a=1), sequence=1)] * 3)

    assert {Outcome.SUPERSEDED: 3} == result.outcomes()
