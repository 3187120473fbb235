"""The whole contract against requests that nobody thought of: schemathesis, in process, from a fixed seed."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance, unsupported_method

from consumers.tenant_api.contract import document_text
from tests.fakes.tenant_api import ApiWorld, wsgi

NOT_HELD = [
    ignored_auth,  # API Gateway looks at tokens
    unsupported_method,  # to a method that no route has it answers 404
    positive_data_acceptance,  # an item's state (412) and the policy (422) say what no schema can
]
WORLD = ApiWorld()
SCHEMA = schemathesis.openapi.from_dict(json.loads(document_text()))
SCHEMA.app = wsgi(WORLD)


@pytest.fixture(autouse=True)
def _emptied() -> None:
    WORLD.table.items.clear()


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
    response = case.call(headers={"Authorization": "Bearer good"})

    case.validate_response(response, excluded_checks=NOT_HELD)
