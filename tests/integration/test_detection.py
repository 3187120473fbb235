"""What the deployed auditor detects, by the policy's choice and with the libraries of its own bundle."""

from __future__ import annotations

import json

from tests.integration.support import Deployment, unique

PHONE = "+49 170 1234567"


def test_a_phone_number_in_a_plain_attribute_is_found_without_being_told(deployment: Deployment):
    tenant, item = unique("plain"), unique("item")

    deployment.put_json({"tenant_id": tenant, "id": item, "created_at": f"call {PHONE}", "amount": 5})

    event = deployment.wait_for_event(item_id=item, event="item.undeclared_sensitive")
    assert [("undeclared", "created_at", "holds a phone number in clear")] == [
        (one["kind"], one["where"], one["why"]) for one in event["findings"]
    ]
    assert PHONE not in json.dumps(event)
