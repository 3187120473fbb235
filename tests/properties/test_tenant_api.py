"""The whole contract against requests that nobody thought of: schemathesis, in process, from a fixed seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance, unsupported_method

from consumers.tenant_api.contract import document_text
from tests.fakes.tenant_api import EVERYTHING, ApiWorld, wsgi

NOT_HELD = [
    ignored_auth,  # API Gateway looks at tokens
    unsupported_method,  # to a method that no route has it answers 404
    positive_data_acceptance,  # an item's state (412) and the policy (422) say what no schema can
]
PUT = "POST /tenants/{tenant_id}/items/{item_id}"
WORLD = ApiWorld()
SCHEMA = schemathesis.openapi.from_dict(json.loads(document_text()))
SCHEMA.app = wsgi(WORLD)


@pytest.fixture(autouse=True)
def _emptied() -> None:
    WORLD.table.items.clear()


def put_what_is_asked_for(path: Mapping[str, Any]) -> None:
    """So that there is something to read and to delete."""
    tenant_id, segment = str(path.get("tenant_id")), str(path.get("item_id", "_bag"))
    claims = {"tenant_id": tenant_id, "scope": EVERYTHING}
    WORLD.call(PUT, body={"name": "Ann"}, item_id=segment, tenant_id=tenant_id, claims=claims)


@SCHEMA.parametrize()
@seed(5)
@settings(
    max_examples=20,
    deadline=None,
    database=None,
    derandomize=False,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_document_says(case):
    put_what_is_asked_for(case.path_parameters)

    response = case.call(headers={"Authorization": "Bearer good"})

    case.validate_response(response, excluded_checks=NOT_HELD)
