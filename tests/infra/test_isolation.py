"""The matrix of `isolation`, each question of it put to a policy simulator over the synthesised policies."""

from __future__ import annotations

import pytest

from infra.api_settings import DEFAULTS
from infra.tenant_tag import TAG
from tests.infra import isolation_page
from tests.infra.isolation import (
    ATTRIBUTE_KEY,
    DOORS,
    ENCRYPTED_KEYS,
    GRANTS,
    ITEMS,
    KEY_STORE,
    OPERATIONS,
    OWN_CLASS,
    OWN_TENANT,
    SESSIONS,
    STATES,
    Cell,
    cells,
)
from tests.infra.simulator import Account, Request
from tests.infra.synthesis import ACCOUNT, Synthesis

NAMED = {STATES: ["tenant_id", "row", "state"], ENCRYPTED_KEYS: ["tenant_id", "row", "encrypted_data_key"]}
EVERY_CELL = [cell for role in GRANTS for cell in cells(role)]


def context_of(cell: Cell) -> dict[str, str | list[str]]:
    """What the request and its session are known by."""
    context: dict[str, str | list[str]] = {f"aws:PrincipalTag/{TAG}": OWN_TENANT} if cell.role in SESSIONS else {}
    if cell.operation.needs == ("sts:AssumeRole",):
        assert cell.tenant
        return context | {f"aws:RequestTag/{TAG}": cell.tenant, "aws:TagKeys": [TAG]}
    if cell.data_class:
        pairs = {"tenant_id": cell.tenant, "data_class": cell.data_class, "dataset": "customers", "key_id": "0000002a"}
        return context | {f"kms:EncryptionContext:{name}": str(value) for name, value in pairs.items()}
    if cell.tenant:
        context |= {"dynamodb:LeadingKeys": [cell.tenant]}
    if cell.operation.name in NAMED:
        context |= {"dynamodb:Attributes": NAMED[cell.operation.name], "dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
    return context


@pytest.fixture(scope="module")
def arns(cloud: Synthesis) -> dict[str, str]:
    """By place, or by operation where each is about something else."""
    by_operation = (
        cloud.one("AWS::Kinesis::Stream").arn,
        cloud.one("AWS::Kinesis::Stream").arn,
        cloud.outputs()["TableStream"],
        f"{cloud.one('AWS::S3::Bucket', under='Quarantine').arn}/2026/11/21/0123",
        f"{cloud.one('AWS::S3::Bucket', under='Landing').arn}/tenant={OWN_TENANT}/a.json",
        f"{cloud.one('AWS::S3::Bucket', under='Audit').arn}/segments/2026/11/21/00/auditor/items-1-0123.ndjson.gz",
        *(f"arn:aws:iam::{ACCOUNT}:role/sealstream-{name}" for name in SESSIONS),
        cloud.one("AWS::Lambda::Function", under="Ensuring").arn,
    )
    doors = [operation.name for operation in OPERATIONS if operation.place == DOORS]
    return dict(zip(doors, by_operation, strict=True)) | {
        ITEMS: cloud.one("AWS::DynamoDB::Table", under="Items").arn,
        KEY_STORE: cloud.one("AWS::DynamoDB::Table", under="DataKeys").arn,
        ATTRIBUTE_KEY: cloud.one("AWS::KMS::Key", under="Attribute").arn,
    }


@pytest.fixture(scope="module")
def answers(cloud: Synthesis, arns: dict[str, str]) -> dict[Cell, bool]:
    """Who needs several permissions has them all."""
    requests = [
        (
            cell,
            Request(cell.role, action, arns.get(cell.operation.name) or arns[cell.operation.place], context_of(cell)),
        )
        for cell in EVERY_CELL
        for action in cell.operation.needs
    ]
    decided = zip(requests, Account(cloud).decide([request for _, request in requests]), strict=True)
    allowed: dict[Cell, bool] = {}
    for (cell, _), answer in decided:
        allowed[cell] = allowed.get(cell, True) and answer == "Allowed"
    return allowed


@pytest.mark.parametrize("role", GRANTS)
def test_a_role_reaches_what_the_matrix_says_and_nothing_else(answers: dict[Cell, bool], role: str):
    assert [] == [cell for cell in cells(role) if answers[cell] is not cell.is_allowed]


def test_every_role_of_the_system_is_in_the_matrix(cloud: Synthesis):
    roles = {resource.properties["RoleName"] for resource in cloud.resources("AWS::IAM::Role")}

    assert {f"sealstream-{role}" for role in GRANTS} == roles


def test_a_limited_session_opens_what_is_so_by_default():
    assert OWN_CLASS == DEFAULTS["limited_classes"]


def test_every_grant_is_of_an_operation():
    known = {(operation.place, operation.name) for operation in OPERATIONS}

    assert known >= {(place, name) for grants in GRANTS.values() for place, names in grants.items() for name in names}


def test_the_page_says_what_was_asked():
    assert isolation_page.text() == isolation_page.PAGE.read_text(encoding="utf-8"), (
        "python -m tests.infra.isolation_page"
    )
