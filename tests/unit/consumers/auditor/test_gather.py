"""What a batch must know is read once, when it is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumers.auditor.gather import BatchKnowledge, KnownPolicies, policy_digest
from shared.errors import StoreUnavailable
from shared.keys.ports import DataKeyRow
from shared.model import ChangeKind, ItemChange, KeyState, KeyStatus
from shared.policy.load import parse_policy
from shared.policy.verify import PublishedPolicy
from tests.fakes.key_store import FakeKeyStore

POLICY = """
version = 1
dataset = "customers"
[item]
tenant = "tenant_id"
id = "id"
[defaults]
undeclared = "seal"
data_class = "restricted"
[classes.restricted]
"""


OLDER = parse_policy(POLICY, "p")
PRESENT = parse_policy(POLICY.replace("seal", "reject"), "p")


def sealed(key_id):
    return {"B": b"\x01" + key_id.to_bytes(4, "big") + bytes(50)}


def change(tenant_id, **attributes):
    return ItemChange(
        sequence_number="1",
        kind=ChangeKind.INSERT,
        tenant_id=tenant_id,
        item_id="i",
        old=None,
        new=attributes,
        changed_at=0.0,
    )


@pytest.fixture
def store():
    store = FakeKeyStore()
    for tenant_id, key_id in [("acme", 1), ("acme", 2), ("bolt", 1)]:
        store.put_row(DataKeyRow(tenant_id, key_id, "pii", b"", "arn", "", KeyState.ACTIVE, 0.0))
    return store


def test_the_keys_of_a_tenant_are_read_together_and_once(store):
    changes = [change("acme", a=sealed(1)), change("bolt", a=sealed(1)), change("acme", a=sealed(2), b=sealed(9))]
    knowledge = BatchKnowledge(changes, store, KnownPolicies(store), PRESENT)
    expected = {1: KeyStatus(1, "pii", KeyState.ACTIVE), 2: KeyStatus(2, "pii", KeyState.ACTIVE)}
    assert expected == knowledge.key_states("acme")
    assert expected == knowledge.key_states("acme")
    assert [("acme", frozenset({1, 2, 9})), ("bolt", frozenset({1}))] == store.row_reads


def test_nothing_is_read_where_nothing_is_sealed(store):
    knowledge = BatchKnowledge([change("acme", a={"S": "x"})], store, KnownPolicies(store), PRESENT)
    assert knowledge.key_states("acme") == {}
    assert store.row_reads == []


def test_a_key_unknown_in_one_batch_is_read_again_in_the_next(store):
    known = KnownPolicies(store)
    one = change("acme", a=sealed(9))
    assert BatchKnowledge([one], store, known, PRESENT).key_states("acme") == {}
    store.put_row(DataKeyRow("acme", 9, "pii", b"", "arn", "", KeyState.ACTIVE, 0.0))
    assert {9} == BatchKnowledge([one], store, known, PRESENT).key_states("acme").keys()


def test_a_published_policy_is_known_by_its_digest_and_kept(store):
    store.publish_policy(OLDER.digest, POLICY, 1.5)
    known = KnownPolicies(store)
    assert {OLDER.digest: PublishedPolicy(OLDER, 1.5)} == known.including([OLDER.digest])
    store.fail_with = StoreUnavailable("down")
    assert {OLDER.digest} == known.including([OLDER.digest]).keys()


def test_an_unknown_digest_makes_the_policies_be_read_again(store):
    policy = parse_policy(POLICY, "p")
    known = KnownPolicies(store)
    assert known.including([policy.digest]) == {}
    store.publish_policy(policy.digest, POLICY, 0.0)
    assert known.including([policy.digest]).keys() == {policy.digest}


@pytest.mark.parametrize("image", [{}, {"_policy": {"B": PRESENT.digest}}])
def test_policies_are_not_read_where_no_image_names_another_than_the_present_one(store, image):
    store.fail_with = StoreUnavailable("down")
    knowledge = BatchKnowledge([change("acme", **image)], store, KnownPolicies(store), PRESENT)
    assert knowledge.published_policies() == {}


def test_the_policy_that_an_old_image_names_is_known(store):
    store.publish_policy(OLDER.digest, OLDER.source, 1.0)
    changed = replace(change("acme", _policy={"B": PRESENT.digest}), old={"_policy": {"B": OLDER.digest}})
    assert {OLDER.digest} == BatchKnowledge([changed], store, KnownPolicies(store), PRESENT).published_policies().keys()


def test_beside_an_older_policy_the_present_one_must_be_known(store):
    """Else an older one would stay in its time for as long as the process lives."""
    store.publish_policy(OLDER.digest, OLDER.source, 1.0)
    known = KnownPolicies(store)
    older = change("acme", _policy={"B": OLDER.digest})
    for expected in ({OLDER.digest}, {OLDER.digest, PRESENT.digest}):
        knowledge = BatchKnowledge([older], store, known, PRESENT)
        assert expected == knowledge.published_policies().keys() == knowledge.published_policies().keys()
        store.publish_policy(PRESENT.digest, PRESENT.source, 2.0)
    assert 2 == store.policy_reads


def test_a_policys_row_that_is_not_readable_is_said_and_keeps_no_other_from_being_known(store, capsys):
    store.spoil_policy(b"spoiled!")
    store.publish_policy(OLDER.digest, POLICY, 0.0)
    assert {OLDER.digest} == KnownPolicies(store).including([b"spoiled!"]).keys()
    assert "KeyStoreCorrupt" in capsys.readouterr().out


def test_a_published_policy_that_is_not_what_its_digest_says_is_not_used_and_the_log_says_so(store, capsys):
    store.publish_policy(b"12345678", POLICY, 0.0)
    store.publish_policy(b"87654321", "version = 99", 0.0)
    assert KnownPolicies(store).including([b"12345678"]) == {}
    logged = capsys.readouterr().out
    assert "policy#3132333435363738: the published source has another digest" in logged
    assert "policy#3837363534333231" in logged


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"B": b"12345678"}, b"12345678"),
        ({"B": b"1234567"}, None),
        ({"S": "12345678"}, None),
        (None, None),
    ],
)
def test_a_policy_digest_has_eight_bytes(stored, expected):
    assert expected == policy_digest({"_policy": stored} if stored else {})
