"""What must be so at the end of the demo, judged by its figures alone; pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from consumers.rotation.verdict import RunVerdict
from shared.runtime.audit_log import AuditEvent

_IN_THE_STREAM = "items table's stream"


def promises(figures: Mapping[str, Any]) -> dict[str, bool]:
    """Each promise and whether it is kept."""
    of_doors = _of_the_doors(figures["doors"])
    return (
        _of_records(figures)
        | of_doors
        | _of_the_rogue_item(figures)
        | _of_the_rotation(figures)
        | _of_the_search(figures)
        | _of_the_report(figures)
    )


def _of_records(figures: Mapping[str, Any]) -> dict[str, bool]:
    outcomes = figures["outcomes"]
    changes = figures["changes_of_the_table"]
    return {
        "every record has exactly one outcome": sum(outcomes.values()) - outcomes["retry"] == figures["records_sent"],
        "every change of the table has exactly one audit event": (
            changes == figures["changes_audited"] == sum(figures["audit_events"].values())
        ),
    }


def _of_the_doors(doors: Mapping[str, Any]) -> dict[str, bool]:
    api = doors["api"]
    asking, asked = api["written"]
    denial = {"event": AuditEvent.ACCESS_DENIED, "tenant_id": asking, "asked_tenant_id": asked}
    return {
        "the file's lines are in, and its object says so": (
            doors["file"] == {"sealstream-ingest": "done", "sealstream-lines": "2", "sealstream-rejected": "0"}
        ),
        "two tenants wrote by the API, and each read what it wrote": (
            [*api["written"].values()] == [HTTPStatus.CREATED] * 2 and all(api["read_as_sent"].values())
        ),
        "a tenant who asked for another's item was denied, and the audit log says so": (
            api["denied"] == HTTPStatus.FORBIDDEN and api["denied_event"] == denial
        ),
        "a record of each door (stream, file, API) lies sealed and opens to what was sent": (
            doors["read_back"].keys() == {"stream", "file", "API"} and all(doors["read_back"].values())
        ),
    }


def _of_the_rogue_item(figures: Mapping[str, Any]) -> dict[str, bool]:
    rogue = figures["rogue_item"]
    is_sealed = rogue["sealed_values"] > 0 and not rogue["in_clear"]
    return {
        "the rogue item was found, and nothing else in clear": (
            rogue["audit_events"][:1] == [AuditEvent.ITEM_PLAINTEXT_FOUND]
            and figures["audit_events"].get(AuditEvent.ITEM_PLAINTEXT_FOUND) == 1
        ),
        f"it was sealed in its place; in clear for {rogue['open_seconds']} s": (
            rogue["audit_events"][1:] == [AuditEvent.ITEM_REMEDIATED]
            and rogue["open_seconds"] is not None
            and is_sealed
        ),
    }


def _of_the_rotation(figures: Mapping[str, Any]) -> dict[str, bool]:
    rotation, replay = figures["rotation"], figures["replay"]
    rewritten = replay["outcomes"].keys() - {"duplicate", "superseded"}
    return {
        "every data key was replaced, and what stays is wrapped by the new key material": (
            0 < rotation["data_keys"] == rotation["keys_renewed"]
            and rotation["data_keys_not_under_the_new_material"] == 0
        ),
        "every item was sealed anew exactly once": (
            rotation["values_reencrypted"] > 0 and rotation["items_without_exactly_one_reencryption"] == 0
        ),
        "no value lies under an old data key, and all old keys are retired": (
            rotation["verdict"] == RunVerdict.RETIRED
            and rotation["old_keys_in_use"] == rotation["old_keys_not_retired"] == 0
            and rotation["values_of_unknown_keys"] == 0
        ),
        "all items read back as before the rotation": (
            rotation["items_read_back"] > 0 and rotation["items_that_differ"] == 0
        ),
        "old records that come again change nothing, and bring no retired key back": (
            replay["records"] > 0
            and not rewritten
            and sum(replay["outcomes"].values()) == replay["records"]
            and replay["old_keys_in_use"] == replay["old_keys_not_retired"] == replay["items_that_differ"] == 0
        ),
    }


def _of_the_search(figures: Mapping[str, Any]) -> dict[str, bool]:
    rogue_hits = figures["plaintext_hits_in_the_rogue_item"]
    return {
        "nothing lies in clear in the table now": (
            figures["rotation"]["values_in_clear"] == 0 and "items table" not in rogue_hits
        ),
        "0 plaintext hits anywhere, but for the rogue item's changes in the table's stream (kept for a day)": (
            figures["plaintext_hits"] == 0 and rogue_hits.keys() <= {_IN_THE_STREAM}
        ),
        "the search does find these": rogue_hits.get(_IN_THE_STREAM, 0) > 0,
    }


def _of_the_report(figures: Mapping[str, Any]) -> dict[str, bool]:
    report = figures["report"]
    return {
        "the audit trail is as it was written, and attested": (
            report["trail"] == "intact" and report["segments_attested"] > 0 and report["segments_unreadable"] == 0
        ),
        "the auditor's page tells of every change, as the logs do, and of the one exposure and its end": (
            report["changes"] == figures["changes_of_the_table"]
            and report["audit_events"] == figures["audit_events"]
            and (report["exposures"], report["exposures_open"]) == (1, 0)
        ),
        "no value stands on it": report["plaintext_hits"] == 0,
    }
