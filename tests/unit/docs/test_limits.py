"""The limits that docs/threat_model.md admits are so; whoever removes one finds the sentence to remove here."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from consumers.auditor.events import write_event
from consumers.auditor.lag import arrival_of, lags
from consumers.auditor.standing.visitor import standing
from consumers.encryptor.identify import identify
from consumers.encryptor.placing import STREAMED, place
from consumers.encryptor.writing import Written, standing_item
from shared.envelope.associated_data import record_prefix
from shared.envelope.cipher import ValueCipher
from shared.envelope.layout import OVERHEAD_BYTES
from shared.envelope.seal import open_value, seal_value
from shared.envelope.typed_value import HEADER_BYTES
from shared.errors import DoesNotOpen, KeyRetired
from shared.model import (
    AttributeValue,
    ChangeKind,
    InboundRecord,
    ItemChange,
    KeyState,
    KeyStatus,
    Outcome,
    Verdict,
    VerdictKind,
)
from shared.policy.load import parse_policy
from shared.policy.mend_system import system_changes
from shared.policy.plan import plan
from shared.policy.verify import PublishedPolicy, verify
from shared.policy.verify_change import Mending, mending, open_seconds
from shared.runs.model import Tally
from shared.runtime.audit_log import AuditLog
from shared.source_position import SourcePosition, kinesis_position
from tests.fakes.rotation_world import DAY, World

SOURCE = """\
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[classes.pii]
[attributes]
"ssn" = { seal = "pii" }
"""
POLICY = parse_policy(SOURCE, "policy.toml")
LOOSE = parse_policy(SOURCE.replace('{ seal = "pii" }', '{ plain = "string" }'), "loose.toml")
CIPHER = ValueCipher.from_key(1, bytes(32))
KEYS = {1: KeyStatus(1, "pii", KeyState.ACTIVE)}
NOW = 1_700_000_000.0
PREFIX = record_prefix(dataset="customers", tenant_id="acme", item_id="c-1")
PLACE = kinesis_position(b"c-1", "5", 0)


def stored(*, position=PLACE, policy=POLICY, **attributes):
    return {
        "tenant_id": {"S": "acme"},
        "item_id": {"S": "c-1"},
        "_src": {"B": position.to_bytes()},
        "_policy": {"B": policy.digest},
        **attributes,
    }


def judge(new, old=None, published=()):
    change = ItemChange("1", ChangeKind.MODIFY, "acme", "c-1", old, new, NOW)
    return verify(change, POLICY, KEYS, {policy.digest: PublishedPolicy(policy, at) for policy, at in published})


def sealed(text):
    return seal_value(CIPHER, PREFIX, ("ssn",), {"S": text})


def test_an_older_value_put_back_into_its_own_place_opens_and_is_verified():
    older, newer = sealed("old"), sealed("new")

    assert {"S": "old"} == open_value(CIPHER, PREFIX, ("ssn",), older)
    assert judge(stored(ssn={"B": older}), stored(ssn={"B": newer})).kind is VerdictKind.VERIFIED


def test_a_forged_position_at_the_end_of_its_lane_supersedes_all_that_follows_and_is_verified():
    forged = kinesis_position(b"c-1", str(2**186 - 1), 2**24 - 1)
    last_of_all = kinesis_position(b"c-1", str(2**186 - 1), 0)

    assert Written(Outcome.SUPERSEDED) == standing_item(last_of_all, {"B": forged.to_bytes()})
    assert judge(stored(position=forged, ssn={"B": sealed("x")}), stored()).kind is VerdictKind.VERIFIED


def test_plaintext_behind_a_false_header_is_verified_and_does_not_open():
    false = b"\x01\x00\x00\x00\x01" + b"\xff" + b"diagnosis in clear, long enough for a nonce and a tag"

    assert judge(stored(ssn={"B": false})).kind is VerdictKind.VERIFIED
    with pytest.raises(DoesNotOpen):
        open_value(CIPHER, PREFIX, ("ssn",), false)


def test_a_planted_policy_makes_plaintext_stale_where_the_times_in_the_key_store_are_spoiled_with_it():
    exposed = stored(policy=LOOSE, ssn={"S": "some text"})
    published_at = NOW - 9_000

    assert judge(exposed).kind is VerdictKind.PLAINTEXT
    for planted_at in (0.0, published_at - 1, published_at, NOW):
        assert judge(exposed, published=[(LOOSE, planted_at), (POLICY, published_at)]).kind is VerdictKind.PLAINTEXT
    assert judge(exposed, published=[(LOOSE, NOW), (POLICY, NOW + 1)]).kind is VerdictKind.STALE


def test_plaintext_under_an_older_policys_digest_is_stale_to_a_reconciliation_since_nobody_knows_its_time():
    exposed = stored(policy=LOOSE, ssn={"S": "some text"})
    published = {LOOSE.digest: PublishedPolicy(LOOSE, 0.0), POLICY.digest: PublishedPolicy(POLICY, NOW - 9_000)}

    assert verify(standing(exposed, NOW), POLICY, KEYS, published).kind is VerdictKind.STALE
    assert judge(exposed, published=[(LOOSE, 0.0), (POLICY, NOW - 9_000)]).kind is VerdictKind.PLAINTEXT


def test_a_value_sealed_under_another_class_is_verified_where_the_policy_says_plain():
    loose_key = KeyStatus(1, "some other class", KeyState.ACTIVE)
    change = ItemChange("1", ChangeKind.INSERT, "acme", "c-1", None, stored(policy=LOOSE, ssn={"B": sealed("x")}), NOW)

    assert verify(change, LOOSE, {1: loose_key}, {}).kind is VerdictKind.VERIFIED


def test_a_container_sealed_whole_hides_that_a_place_in_it_is_declared_of_another_class():
    policy = parse_policy(SOURCE.replace('"ssn"', '"contacts[].ssn"'), "policy.toml")
    key = KeyStatus(1, "restricted", KeyState.ACTIVE)
    contacts = {"B": seal_value(CIPHER, PREFIX, ("contacts",), {"L": [{"M": {"ssn": {"S": "x"}}}]})}
    change = ItemChange("1", ChangeKind.INSERT, "acme", "c-1", None, stored(policy=policy, contacts=contacts), NOW)

    assert verify(change, policy, {1: key}, {}).kind is VerdictKind.VERIFIED


def test_an_undeclared_name_stays_readable_and_its_value_does_not():
    planned = plan(POLICY, {"ssn of Ann Example": {"S": "x"}})

    assert {"ssn of Ann Example": {"B": b"sealed"}} == planned.fill([b"sealed"])


def test_a_sealed_value_tells_its_length():
    assert len("12345") == len(sealed("12345")) - OVERHEAD_BYTES - HEADER_BYTES


def test_a_partition_key_of_few_possibilities_is_found_by_trying_in_items_but_not_in_events(capsys):
    secret = "078-05-1120"
    position = kinesis_position(secret.encode(), "5", 0)
    change = ItemChange("1", ChangeKind.INSERT, "acme", secret, None, stored(position=position), 0.0)
    write_event(change, Verdict(VerdictKind.VERIFIED), POLICY, AuditLog())
    event, src = capsys.readouterr().out, position.to_bytes()

    digests = {text: sha256(text.encode()).digest()[:7] for text in (f"{area:03}-05-1120" for area in range(1, 900))}
    assert [secret] == [text for text, digest in digests.items() if digest in src]
    assert [] == [text for text, digest in digests.items() if digest.hex() in event]
    assert secret not in event


def test_an_integer_far_ahead_supersedes_all_that_follow():
    ordered = parse_policy(SOURCE.replace('id = "id"\n', 'id = "id"\norder = "at"\n'), "policy.toml")

    def placed(at: str) -> SourcePosition:
        record = InboundRecord("6", "shardId-000000000000", 0, b"c-1", NOW, b"")
        attributes: dict[str, AttributeValue] = {"tenant_id": {"S": "acme"}, "id": {"S": "c-1"}, "at": {"N": at}}
        return place(identify(record, attributes, ordered), STREAMED, None).position

    assert Written(Outcome.SUPERSEDED) == standing_item(placed("5"), {"B": placed("9" * 38).to_bytes()})


def test_random_bytes_in_a_sealed_values_place_are_told_as_reencrypted():
    keys = KEYS | {2: KeyStatus(2, "pii", KeyState.ACTIVE)}
    random = b"\x01" + (2).to_bytes(4, "big") + bytes(range(150, 150 + OVERHEAD_BYTES))
    old, new = stored(ssn={"B": sealed("x")}), stored(ssn={"B": random})
    change = ItemChange("1", ChangeKind.MODIFY, "acme", "c-1", old, new, NOW)
    verdict = verify(change, POLICY, keys, {})

    assert VerdictKind.VERIFIED is verdict.kind
    assert Mending.REENCRYPTED is mending(change, verdict, POLICY, {})


def test_a_forged_time_of_exposure_is_told_as_it_stands():
    old, new = stored(ssn={"S": "x"}), stored(ssn={"B": sealed("x")}, _open_since={"N": "5"})
    change = ItemChange("1", ChangeKind.MODIFY, "acme", "c-1", old, new, NOW)

    assert judge(new, old).kind is VerdictKind.VERIFIED
    assert (Mending.REMEDIATED, int(NOW) - 5) == (mending(change, judge(new, old), POLICY, {}), open_seconds(change))


def test_a_false_time_of_a_finding_becomes_the_time_of_the_exposure():
    item = {"tenant_id": {"S": "acme"}, "item_id": {"S": "c-1"}, "ssn": {"S": "x"}}

    changes = system_changes(POLICY, item, sealed=True, leaves_clear=False, adopts=False, open_since=5.0)

    assert {"N": "5"} == changes["_open_since"]


def test_a_forged_time_of_arrival_is_counted_as_it_stands():
    forged = stored(position=kinesis_position(b"c-1", "6", 0), ssn={"B": sealed("x")}, _arrived={"N": "1699999999000"})
    change = ItemChange("1", ChangeKind.MODIFY, "acme", "c-1", stored(), forged, NOW)

    arrived = arrival_of(change, judge(forged, stored()), None)

    assert [1.0] == lags([] if arrived is None else [arrived], verified_at=NOW)


def test_segments_that_somebody_marked_done_retire_a_key_that_is_in_use():
    world = World()
    old = world.first_keys(("acme", "pii"))["acme", "pii"]
    in_use = Tally({"visited": 1, "sealed_values": 1, "stale_values": 1}, {f"acme/{old:08x}": 1})

    assert "not_safe" == world.rotate(due=False, census=lambda: in_use)["verdict"]
    assert "retired" == world.rotate(kind="retirement", census=Tally)["verdict"]
    with pytest.raises(KeyRetired):
        world.keyring().opener("acme", old)


def test_a_destroyed_key_opens_again_once_its_row_is_back():
    world = World()
    old = world.first_keys(("acme", "pii"))["acme", "pii"]
    backup = world.row("acme", old)
    world.rotate(due=False)
    world.clock.advance(DAY)
    assert "destroyed" == world.rotate(kind="destruction")["verdict"]

    assert world.store.replace_row(world.row("acme", old), replace(backup, state=KeyState.DECRYPT_ONLY))

    assert old == world.keyring().opener("acme", old).key_id
