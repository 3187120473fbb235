"""docs/architecture.md against the code: rights, rows, metrics, stacks."""

from __future__ import annotations

import ast
import json
import re

import pytest

from shared.aws.key_rows import data_key_item, pointer_item, policy_item
from shared.aws.run_rows import current_row, run_row, segment_row
from shared.aws.trail_end import Start, end_row
from shared.errors import Reason
from shared.keys.ports import DataKeyRow
from shared.model import ITEM_ID, SYSTEM_ATTRIBUTES, TENANT_ID, KeyState
from shared.runs.model import Phase, Run, RunKind, Segment
from shared.runtime.metrics import Metric, reason_metric
from shared.trail.manifest import Link
from tests.infra.test_rights import TABLE, YES
from tests.unit.docs.pages import ROOT, table, text_of

PAGE = ROOT / "docs" / "architecture.md"
ROLES = (
    "landing_ingest",
    "encryptor",
    "redriver",
    "auditor",
    "reauditor",
    "reencryptor",
    "sweeper",
    "rotation",
    "reopener",
    "reconciler",
)
PREFIX = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["prefix"]
RIGHTS = {"rights", "all_rights"}
"""What the module of rights is called where it is used."""
ACTION = re.compile(r"[a-z0-9]+:[A-Z]\w+")


def _role(consumer: str) -> str:
    return f"{PREFIX}-{consumer.replace('_', '-')}"


def _actions(node: ast.AST) -> set[str]:
    """What stands in every `actions=` underneath."""
    return {
        one.value
        for call in ast.walk(node)
        if isinstance(call, ast.keyword) and call.arg == "actions"
        for one in ast.walk(call.value)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def _module(name: str) -> ast.Module:
    return ast.parse((ROOT / "infra" / f"{name}.py").read_text(encoding="utf-8"))


def _given(module: str) -> set[str]:
    """Every action of the rights that a module of the infrastructure gives."""
    statements = {node.name: _actions(node) for node in _module("rights").body if isinstance(node, ast.FunctionDef)}
    return {
        action
        for node in ast.walk(_module(module))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in RIGHTS
        for action in statements[node.attr]
    }


def _used(consumer: str) -> set[str]:
    """What of the attribute key the sources give the consumer's role."""
    name = consumer.replace("_", "-")
    return {
        action
        for node in ast.walk(_module("keys_stack"))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "KeyUse" and f"'{name}'" in ast.unparse(node)
        for action in _actions(node)
    }


def _deployed(consumer: str) -> set[str]:
    """Every action that the sources give the consumer's role."""
    logs = {action for action in _actions(_module("consumer")) if action.startswith("logs:")}
    return _given(consumer) | _given("consumer") | _used(consumer) | logs


def _rights() -> dict[tuple[str, str], set[str]]:
    """Actions by resource and role, as the page lists them; what stands in brackets explains the resource."""
    head, *rows = table(PAGE, "resource")
    roles = [cell.strip("`") for cell in head[1:]]
    return {
        (row[0].partition(" (")[0], role): set(ACTION.findall(cell))
        for row in rows
        for role, cell in zip(roles, row[1:], strict=True)
    }


def _rights_of_services() -> dict[str, set[str]]:
    """Actions by role, of the roles that are no function's."""
    return {row[0].strip("`"): set(ACTION.findall(row[2])) for row in table(PAGE, "role of a service")[1:]}


def test_the_rights_table_names_the_roles_that_exist_and_no_other():
    assert set(map(_role, ROLES)) == {role for _, role in _rights()}


@pytest.mark.parametrize("consumer", ROLES)
def test_the_rights_table_lists_exactly_what_is_deployed(consumer):
    listed = {action for (_, role), cell in _rights().items() if role == _role(consumer) for action in cell}

    assert _deployed(consumer) == listed


def test_the_roles_of_services_have_the_rights_that_the_page_lists():
    assert {
        f"{PREFIX}-rotation-machine": _given("rotation_machine"),
        f"{PREFIX}-rotation-start": _given("rotation_start"),
    } == _rights_of_services()


def test_the_roles_of_the_api_have_the_rights_that_the_page_lists():
    listed = {row[0].strip("`"): set(ACTION.findall(row[2])) for row in table(PAGE, "role of the API")[1:]}

    sessions = {name: _given("tenant_roles") | _used(name) for name in ("tenant", "tenant-limited")}
    functions = {name: _deployed(name) for name in ("tenant_api", "ensure_keys")}
    assert {_role(name): actions for name, actions in (sessions | functions).items()} == listed


def test_the_notary_has_the_rights_that_the_page_lists():
    (row,) = table(PAGE, "role of the trail")[1:]

    assert (_role("notary"), _deployed("notary")) == (row[0].strip("`"), set(ACTION.findall(row[2])))


def test_each_cell_says_what_the_simulator_says():
    rights = _rights()
    answers: dict[tuple[str, str, str], set[str]] = {}
    for role, action, resource, _, answer in TABLE:
        if role.replace("-", "_") in ROLES and resource != "storage key":
            answers.setdefault((role, action, resource.replace(f"{role}'s ", "own ")), set()).add(answer)

    for (role, action, resource), said in answers.items():
        listed = action in rights.get((resource, f"{PREFIX}-{role}"), set())
        assert listed == (YES in said), (role, action, resource)


def test_the_rows_of_the_key_store_have_the_attributes_that_the_page_lists():
    row = DataKeyRow("acme", 1, "pii", b"", "arn", "", KeyState.RETIRED, 0.0, "", 0.0, "run", "run", 0.0)
    written = {
        "`key#` + key id in 8 hex digits": data_key_item(row),
        "`active#` + class": pointer_item("acme", "pii", 1),
        "`policy#` + digest in hex": policy_item(bytes(8), "", 0.0),
    }
    listed = {cells[0]: set(re.findall(r"`(\w+)`", cells[2])) for cells in table(PAGE, "row")[1:]}

    assert {name: item.keys() - {"tenant_id", "row"} for name, item in written.items()} == listed


def test_every_state_of_a_data_key_is_explained():
    assert list(KeyState) == [row[0].strip("`") for row in table(PAGE, "state")[1:]]


def test_the_rows_of_the_runs_table_have_the_attributes_that_the_page_lists():
    run = Run("0" * 32, RunKind.ROTATION, Phase.SWEEP, 0.0, 1, 1)
    written = {
        "`run`": run_row(run),
        "phase `#` segment's number in 4 digits": segment_row(Segment(run.run_id, run.phase, 0)),
        "kind": current_row(run.kind, run.run_id),
        "`last`": end_row(Link(1, ""), Start()),
    }
    listed = {cells[0]: set(re.findall(r"`(\w+)`", cells[2])) for cells in table(PAGE, "row of runs")[1:]}

    assert {name: item.keys() - {"run_id", "row"} for name, item in written.items()} == listed


def test_the_system_attributes_of_an_item_are_listed():
    listed = {name for row in table(PAGE, "attribute")[1:] for name in re.findall(r"`(\w+)`", row[0])}

    assert {TENANT_ID, ITEM_ID, *SYSTEM_ATTRIBUTES} == listed


def test_every_metric_is_explained():
    listed = {name for row in table(PAGE, "metric")[1:] for name in re.findall(r"`(\w+)`", row[0])}

    assert set(Metric) == listed - {reason_metric(reason) for reason in Reason}


def test_the_stacks_are_those_of_the_app():
    app = (ROOT / "app.py").read_text(encoding="utf-8")

    assert re.findall(r'Stack\(app, "(\w+)"', app) == [row[0].strip("`") for row in table(PAGE, "stack")[1:]]


def test_every_module_of_a_consumer_is_named_on_its_path():
    modules = {
        file.relative_to(ROOT).as_posix()
        for consumer in (*ROLES, "notary")
        for file in (ROOT / "consumers" / consumer).rglob("*.py")
        if file.name != "__init__.py"
    }

    assert {module for module in modules if f"`{module}`" not in text_of(PAGE)} == set()
