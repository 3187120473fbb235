"""What somebody writes past the encryptor is sealed within seconds, and told as what it was; and then it ends."""

from __future__ import annotations

import time
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from shared.aws.clients import client
from shared.aws.key_store import DynamoKeyStore
from shared.aws.kms import KmsKeyService
from shared.keys.keyring import Keyring
from shared.model import POLICY
from shared.policy.compiled import Policy
from shared.policy.load import load_policy, parse_policy
from shared.policy.plan import plan
from shared.runtime.settings import POLICY_FILE
from shared.sealing import ItemAddress, seal_item
from shared.source_position import FOUND, kinesis_position
from tests.integration.support import ARRIVES_WITHIN_SECONDS, Deployment, unique
from tests.local_aws.support import wait_until

CANARY = "canary-6011000990139424"
DAY_SECONDS = 86_400
ROGUE = {
    "amount": 5,
    "ssn": CANARY,
    "contacts": [{"kind": "home", "email": CANARY}, {"kind": "work", "email": "b@example.org"}],
    "payment": {"card_number": CANARY, "attempts": [{"card_number": CANARY}, 2]},
    "left here": {"deep": {"er": [CANARY, {"list": [CANARY]}]}},
}


@pytest.fixture
def findings_before(deployment: Deployment) -> int:
    return deployment.findings()


def test_a_rogue_item_is_sealed_within_seconds_and_the_chain_ends(deployment: Deployment, findings_before: int):
    tenant, item = unique("rogue"), unique("item")
    deployment.put_in_clear(tenant, item, ROGUE)

    event = deployment.wait_for_event(event="item.remediated", item_id=item)

    assert 0 <= event["open_seconds"] <= ARRIVES_WITHIN_SECONDS
    stored = deployment.stored(tenant, item)
    assert CANARY not in repr(stored)
    assert {"B": FOUND.to_bytes()} == stored["_src"]
    assert deployment.opened(tenant, item) == ROGUE
    _assert_nothing_follows(deployment, findings_before, tenant, item, ["item.plaintext_found", "item.remediated"])


def test_a_rogue_value_in_a_sealed_item_is_sealed_in_its_place_and_the_chain_ends(
    deployment: Deployment, findings_before: int
):
    tenant, item = unique("rogue"), unique("item")
    deployment.put_json({"tenant_id": tenant, "id": item, **ROGUE, "ssn": "before"})
    before = deployment.wait_for_item(tenant, item)
    deployment.wait_for_event(item_id=item, event="item.written")

    _update(deployment, tenant, item, {"ssn": CANARY, "contacts[1].email": CANARY, "payment.card_number": CANARY})

    deployment.wait_for_event(event="item.remediated", item_id=item)
    stored = deployment.stored(tenant, item)
    assert CANARY not in repr(stored)
    assert (before["_src"], before["_arrived"]) == (stored["_src"], stored["_arrived"])
    contacts = [ROGUE["contacts"][0], {"kind": "work", "email": CANARY}]  # type: ignore[index]
    assert deployment.opened(tenant, item) == {**ROGUE, "contacts": contacts}
    _assert_nothing_follows(
        deployment, findings_before, tenant, item, ["item.written", "item.plaintext_found", "item.remediated"]
    )


def test_a_record_supersedes_what_was_found_and_sealed(deployment: Deployment):
    tenant, item = unique("rogue"), unique("item")
    deployment.put_in_clear(tenant, item, ROGUE)
    deployment.wait_for_event(event="item.remediated", item_id=item)

    deployment.put_json({"tenant_id": tenant, "id": item, "amount": 6, "ssn": "by record"})

    deployment.wait_for_event(event="item.written", item_id=item)
    assert deployment.opened(tenant, item) == {"amount": 6, "ssn": "by record"}
    own = {"tenant_id", "item_id", "_src", "_policy", "_arrived"}
    assert own | {"amount", "ssn"} == deployment.stored(tenant, item).keys()


def test_a_sealed_value_in_what_is_sealed_whole_is_opened_first(deployment: Deployment, findings_before: int):
    tenant, item = unique("nested"), unique("item")
    looser = _policy_with('"extra.inner" = { seal = "pii" }')
    stored = _sealed(deployment, looser, tenant, item, {"extra": {"inner": CANARY}})
    assert {"B"} == stored["extra"]["M"]["inner"].keys()
    stored["extra"]["M"]["in clear"] = {"S": CANARY}
    client("dynamodb").put_item(
        TableName=deployment["TABLE"], Item={**stored, POLICY: {"B": load_policy(POLICY_FILE).digest}}
    )

    deployment.wait_for_event(event="item.remediated", item_id=item)

    assert {"B"} == deployment.stored(tenant, item)["extra"].keys()
    assert deployment.opened(tenant, item) == {"extra": {"inner": CANARY, "in clear": CANARY}}
    _assert_nothing_follows(deployment, findings_before, tenant, item, ["item.plaintext_found", "item.remediated"])


def test_a_sealed_value_that_does_not_open_where_it_was_moved_to_is_left_alone(
    deployment: Deployment, findings_before: int
):
    tenant, item = unique("moved"), unique("item")
    deployment.put_json({"tenant_id": tenant, "id": item, "ssn": "078-05-1120"})
    sealed = deployment.wait_for_item(tenant, item)["ssn"]
    deployment.wait_for_event(item_id=item, event="item.written")
    try:
        _update(deployment, tenant, item, {"extra": {"M": {"moved": sealed, "in clear": {"S": CANARY}}}})
        rogue = deployment.stored(tenant, item)

        _assert_nothing_follows(deployment, findings_before, tenant, item, ["item.written", "item.plaintext_found"])

        assert rogue == deployment.stored(tenant, item)
    finally:
        key = {"tenant_id": {"S": tenant}, "item_id": {"S": item}}
        client("dynamodb").delete_item(TableName=deployment["TABLE"], Key=key)


def test_what_was_plain_yesterday_and_is_sealed_today_is_sealed_and_was_no_exposure(
    deployment: Deployment, findings_before: int
):
    tenant, item = unique("policy"), unique("item")
    looser = _policy_with('"nickname" = { plain = "string" }')
    key_store = DynamoKeyStore(client("dynamodb"), deployment["KEY_STORE"])
    key_store.publish_policy(looser.digest, looser.source, time.time() - DAY_SECONDS)
    stored = _sealed(deployment, looser, tenant, item, {"nickname": CANARY, "ssn": "078-05-1120"})
    assert {"S": CANARY} == stored["nickname"]
    client("dynamodb").put_item(TableName=deployment["TABLE"], Item=stored)

    deployment.wait_for_event(event="item.reencrypted", item_id=item)

    now = deployment.stored(tenant, item)
    assert CANARY not in repr(now)
    assert {"B": load_policy(POLICY_FILE).digest} == now[POLICY]
    assert deployment.opened(tenant, item) == {"nickname": CANARY, "ssn": "078-05-1120"}
    _assert_nothing_follows(deployment, findings_before, tenant, item, ["item.stale", "item.reencrypted"])


def _assert_nothing_follows(
    deployment: Deployment, findings_before: int, tenant: str, item: str, events: list[str]
) -> None:
    """These are all events there are, one for each change; while another finding goes the whole way, none is added.

    No finding is left: nobody was told of the item after its last change, or was and did nothing.
    """

    def audited() -> list[str]:
        return [event["event"] for event in deployment.audit_events(item_id=item)]

    wait_until(lambda: len(audited()) >= len(events), ARRIVES_WITHIN_SECONDS, 0.2)
    deployment.wait_until_mended(findings_before)
    other = unique("other")
    deployment.put_in_clear(tenant, other, {"ssn": CANARY})
    deployment.wait_for_event(event="item.remediated", item_id=other)
    deployment.wait_until_mended(findings_before)
    assert (len(events), events) == (deployment.changes(tenant, item), audited())


def _update(deployment: Deployment, tenant: str, item: str, values: dict[str, Any]) -> None:
    """Set values in clear at paths of the item; a dict is DynamoDB's own form."""
    sets = [f"{path} = :{number}" for number, path in enumerate(values)]
    typed = (value if isinstance(value, dict) else {"S": value} for value in values.values())
    client("dynamodb").update_item(
        TableName=deployment["TABLE"],
        Key={"tenant_id": {"S": tenant}, "item_id": {"S": item}},
        UpdateExpression="SET " + ", ".join(sets),
        ExpressionAttributeValues={f":{number}": value for number, value in enumerate(typed)},
    )


def _policy_with(line: str) -> Policy:
    return parse_policy(POLICY_FILE.read_text(encoding="utf-8") + line + "\n", "policy.toml")


def _sealed(deployment: Deployment, policy: Policy, tenant: str, item: str, attributes: Any) -> dict[str, Any]:
    """The item as an encryptor that has this policy would put it."""
    keyring = Keyring(
        store=DynamoKeyStore(client("dynamodb"), deployment["KEY_STORE"]),
        service=KmsKeyService(client("kms"), deployment["ATTRIBUTE_KEY"]),
        dataset=policy.dataset,
        trusted_kms_key_arns=frozenset({deployment["ATTRIBUTE_KEY"]}),
    )
    planned = plan(policy, TypeSerializer().serialize(attributes)["M"])
    address = ItemAddress(tenant, item, kinesis_position(item.encode(), "1", 0), arrived_at=1_700_000_000.5)
    return dict(seal_item(address, planned, policy=policy, keyring=keyring).item.attributes)
