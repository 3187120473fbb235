"""What the demo promises, held against figures of which one at a time is not as it should be."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ops.demo.promises import promises

COMPARED = {"items_read_back": 9, "items_that_differ": 0, "old_keys_in_use": 0, "old_keys_not_retired": 0}
GOOD: dict[str, Any] = {
    "records_sent": 12,
    "outcomes": {"written": 8, "duplicate": 0, "superseded": 2, "quarantined": 2, "retry": 3},
    "changes_of_the_table": 19,
    "changes_audited": 19,
    "audit_events": {
        "item.written": 8,
        "item.plaintext_found": 1,
        "item.remediated": 1,
        "item.reencrypted": 9,
    },
    "doors": {
        "file": {"sealstream-ingest": "done", "sealstream-lines": "2", "sealstream-rejected": "0"},
        "api": {
            "written": {"one": 201, "two": 201},
            "read_as_sent": {"one": True, "two": True},
            "denied": 403,
            "denied_event": {"event": "access.denied", "tenant_id": "one", "asked_tenant_id": "two"},
        },
        "read_back": {"stream": True, "file": True, "API": True},
    },
    "rogue_item": {
        "audit_events": ["item.plaintext_found", "item.remediated"],
        "open_seconds": 0,
        "sealed_values": 1,
        "in_clear": False,
    },
    "rotation": {
        "verdict": "retired",
        "data_keys": 5,
        "keys_renewed": 5,
        "data_keys_not_under_the_new_material": 0,
        "values_reencrypted": 30,
        "values_in_clear": 0,
        "values_of_unknown_keys": 0,
        "items_without_exactly_one_reencryption": 0,
        **COMPARED,
    },
    "replay": {"records": 4, "outcomes": {"duplicate": 3, "superseded": 1}, **COMPARED},
    "report": {
        "changes": 19,
        "changes_verified": 18,
        "audit_events": {"item.written": 8, "item.plaintext_found": 1, "item.remediated": 1, "item.reencrypted": 9},
        "exposures": 1,
        "exposures_open": 0,
        "trail": "intact",
        "segments_attested": 7,
        "segments_unreadable": 0,
        "plaintext_hits": 0,
    },
    "plaintext_hits": 0,
    "plaintext_hits_in_the_rogue_item": {"items table's stream": 2},
}


def with_one_changed(path: str, value: Any) -> dict[str, Any]:
    """The good figures but for one, named by the keys that lead to it."""
    figures = deepcopy(GOOD)
    *way, name = path.split("/")
    inner = figures
    for step in way:
        inner = inner[step]
    inner[name] = value
    return figures


def test_good_figures_keep_every_promise():
    assert all(promises(GOOD).values())


@pytest.mark.parametrize(
    ("path", "value", "broken"),
    [
        ("records_sent", 13, "exactly one outcome"),
        ("changes_audited", 18, "exactly one audit event"),
        ("changes_audited", 20, "exactly one audit event"),
        ("audit_events/item.written", 7, "exactly one audit event"),
        ("doors/file/sealstream-rejected", "1", "the file's lines"),
        ("doors/api/written/two", 200, "two tenants wrote"),
        ("doors/api/read_as_sent/one", False, "each read what it wrote"),
        ("doors/api/denied", 404, "was denied"),
        ("doors/api/denied_event/asked_tenant_id", "one", "was denied"),
        ("doors/read_back/file", False, "a record of each door"),
        ("doors/read_back", {"stream": True, "file": True}, "a record of each door"),
        ("rogue_item/audit_events", ["item.written", "item.remediated"], "rogue item was found"),
        ("audit_events/item.plaintext_found", 2, "nothing else in clear"),
        ("rogue_item/audit_events", ["item.plaintext_found"], "sealed in its place"),
        ("rogue_item/audit_events", ["item.plaintext_found", "item.remediated", "item.written"], "sealed in its place"),
        ("rogue_item/open_seconds", None, "sealed in its place"),
        ("rogue_item/sealed_values", 0, "sealed in its place"),
        ("rogue_item/in_clear", True, "sealed in its place"),
        ("rotation/keys_renewed", 4, "every data key was replaced"),
        ("rotation/data_keys_not_under_the_new_material", 1, "every data key was replaced"),
        ("rotation/values_reencrypted", 0, "sealed anew exactly once"),
        ("rotation/items_without_exactly_one_reencryption", 1, "sealed anew exactly once"),
        ("rotation/verdict", "not_safe", "all old keys are retired"),
        ("rotation/old_keys_in_use", 1, "no value lies under an old data key"),
        ("rotation/old_keys_not_retired", 1, "all old keys are retired"),
        ("rotation/values_of_unknown_keys", 1, "no value lies under an old data key"),
        ("rotation/items_read_back", 0, "read back as before"),
        ("rotation/items_that_differ", 1, "read back as before"),
        ("replay/records", 0, "come again"),
        ("replay/outcomes", {"duplicate": 3, "written": 1}, "come again"),
        ("replay/outcomes", {"duplicate": 3}, "come again"),
        ("replay/old_keys_in_use", 1, "bring no retired key back"),
        ("replay/old_keys_not_retired", 1, "bring no retired key back"),
        ("replay/items_that_differ", 1, "come again change nothing"),
        ("rotation/values_in_clear", 1, "in clear in the table now"),
        ("plaintext_hits_in_the_rogue_item", {"items table's stream": 2, "items table": 1}, "in the table now"),
        ("plaintext_hits", 1, "0 plaintext hits"),
        ("plaintext_hits_in_the_rogue_item", {"items table's stream": 2, "log auditor": 1}, "0 plaintext hits"),
        ("plaintext_hits_in_the_rogue_item", {}, "the search does find these"),
        ("report/trail", "tampered", "the audit trail is as it was written"),
        ("report/segments_attested", 0, "the audit trail is as it was written"),
        ("report/segments_unreadable", 1, "the audit trail is as it was written"),
        ("report/changes", 18, "the auditor's page tells of every change"),
        ("report/audit_events/item.written", 7, "the auditor's page tells of every change"),
        ("report/exposures_open", 1, "of the one exposure and its end"),
        ("report/plaintext_hits", 1, "no value stands on it"),
    ],
)
def test_one_figure_that_is_not_so_breaks_its_promise(path, value, broken):
    kept = promises(with_one_changed(path, value))

    assert any(broken in promise for promise, is_kept in kept.items() if not is_kept)


def test_tables_without_a_data_key_keep_no_promise_of_a_rotation():
    figures = with_one_changed("rotation/keys_renewed", 0)
    figures["rotation"]["data_keys"] = 0

    assert not all(promises(figures).values())
