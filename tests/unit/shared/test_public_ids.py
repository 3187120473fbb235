"""Keys are shown as they are, but where they look sensitive, or are of no tenant."""

from __future__ import annotations

import pytest

from shared.policy.load import parse_policy
from shared.public_ids import is_withheld, public_item_id, public_owner, public_tenant, scanner_of_keys

CARD = "4111111111111111"


def test_keys_are_shown():
    assert ("acme", "order 7") == (public_tenant("acme"), public_item_id("order 7"))


@pytest.mark.parametrize("key", [CARD, "219-09-9999", "ann@example.org"])
def test_a_key_that_looks_sensitive_leaves_a_short_digest(key):
    assert public_item_id(key) == public_tenant(key)
    assert public_item_id(key).startswith("sha256:")
    assert len("sha256:") + 4 == len(public_item_id(key))


@pytest.mark.parametrize("key", ["sha256:b413", "sha256:", "sha256:" + 64 * "0"])
def test_a_key_that_reads_like_a_digest_is_not_taken_for_what_is_withheld(key):
    assert public_item_id(key) != key
    assert public_tenant(key) != key
    assert is_withheld(public_item_id(key))


def test_what_is_withheld_can_be_told_from_what_is_shown():
    assert [True, True, False, False] == [is_withheld(one) for one in (public_item_id(CARD), "sha256:b413", "i-1", "")]


def test_a_key_that_is_a_credential_is_withheld():
    assert public_item_id("AKIAIOSFODNN7EXAMPLE").startswith("sha256:")


@pytest.mark.parametrize(("name", "is_shown"), [("bsn", False), ("order", True)])
def test_the_policys_name_of_the_id_says_what_a_bare_number_is(name, is_shown):
    text = f'version = 1\ndataset = "d"\ndetect = ["nl_bsn"]\n[item]\ntenant = "tenant_id"\nid = "{name}"\n'
    scan = scanner_of_keys(parse_policy(text + "[classes.pii]\n[attributes]\n", "p"))
    assert is_shown == (public_item_id("111222333", scan) == "111222333")
    assert public_item_id("4711", scan) == "4711"


@pytest.mark.parametrize("tenant_id", ["", "_system", "two words", "\ud800"])
def test_what_is_no_tenant_is_withheld(tenant_id):
    assert public_tenant(tenant_id).startswith("sha256:")


def test_whose_data_key_it_is_is_shown_for_the_systems_own_too():
    assert ("acme", "_system") == (public_owner("acme"), public_owner("_system"))
    assert public_tenant(CARD) == public_owner(CARD)
