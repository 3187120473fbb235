"""A table full of raw data becomes sealed in place, while whoever has always written it in clear goes on doing so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from shared.aws.clients import client
from shared.source_position import FOUND
from tests.integration.support import ARRIVES_WITHIN_SECONDS, Deployment, printed, sealstream, unique
from tests.local_aws.support import wait_until

CANARY = "canary-3530111333300000"
ITEMS, STILL_WRITTEN = 30, 10
COMMAND_SECONDS = 60
PAUSE_SECONDS = 0.005


@dataclass
class Application:
    """Writes items in clear, on no condition; `model` is what it last wrote of each."""

    deployment: Deployment
    tenant: str
    model: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)

    def create(self, item: str) -> None:
        self.model[item] = {
            "amount": 0,
            "ssn": CANARY,
            "contacts": [{"kind": "home", "email": CANARY}, {"kind": "work", "email": CANARY}],
            "payment": {"card_number": CANARY},
            "left here": {"deep": ["er", CANARY]},
        }
        self.deployment.put_in_clear(self.tenant, item, self.model[item])

    @contextmanager
    def going_on(self, items: list[str]) -> Iterator[None]:
        stop = Event()
        thread = Thread(target=self._go_on, args=(items, stop), name="application")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _go_on(self, items: list[str], stop: Event) -> None:
        while not stop.is_set():
            for item in items:
                self._update(item)
                stop.wait(PAUSE_SECONDS)

    def _update(self, item: str) -> None:
        """Add one more contact, so that a write that was lost stays so, whatever is written later."""
        self.written[item] += 1
        number = self.written[item]
        value = f"{CANARY} {number}"
        contact = {"kind": str(number), "email": value}
        typed = {"M": {name: {"S": text} for name, text in contact.items()}}
        client("dynamodb").update_item(
            TableName=self.deployment["TABLE"],
            Key={"tenant_id": {"S": self.tenant}, "item_id": {"S": item}},
            UpdateExpression="SET amount = :number, ssn = :value, contacts = list_append(contacts, :contacts)",
            ExpressionAttributeValues={
                ":number": {"N": str(number)},
                ":value": {"S": value},
                ":contacts": {"L": [typed]},
            },
        )
        contacts = [*self.model[item]["contacts"], contact]
        self.model[item] |= {"amount": number, "ssn": value, "contacts": contacts}


@pytest.fixture
def application(deployment: Deployment) -> Iterator[Application]:
    """With items in the table; no function but the adoption's seals them."""
    findings_before = deployment.findings()
    with deployment.paused(deployment["REENCRYPTOR"]):
        application = Application(deployment, unique("adopted"))
        for number in range(ITEMS):
            application.create(unique(f"item-{number}"))
        yield application
    deployment.wait_until_mended(findings_before)


def test_a_table_is_sealed_in_place_under_live_writes(deployment: Deployment, application: Application, tmp_path: Path):
    tenant, items = application.tenant, list(application.model)
    raw = {item: deployment.stored(tenant, item) for item in items}

    status, survey = _adopt(tmp_path, "--dry-run")

    assert (1, "in_clear") == (status, survey["verdict"])
    assert {(one["path"], one["data_class"]): one["values"] for one in survey["would_seal"]} == {
        ("ssn", "pii"): ITEMS,
        ("contacts[].email", "pii"): 2 * ITEMS,
        ("?.card_number", "pci"): ITEMS,
        ("?", "restricted"): ITEMS,
    }
    assert raw == {item: deployment.stored(tenant, item) for item in items}

    with application.going_on(items[:STILL_WRITTEN]):
        _, during = _adopt(tmp_path)
    assert all(application.written[item] > 1 for item in items[:STILL_WRITTEN])
    assert ITEMS - STILL_WRITTEN <= during["scans"]["sweep"]["counts"]["mended"]
    status, after = _adopt(tmp_path)

    assert (0, "nothing_in_clear") == (status, after["verdict"])
    for item in items:
        stored = deployment.stored(tenant, item)
        assert CANARY not in repr(stored)
        assert {"B": FOUND.to_bytes()} == stored["_src"]
        assert application.model[item] == deployment.opened(tenant, item)
    wait_until(lambda: _adopted(deployment, tenant) == Counter(items), ARRIVES_WITHIN_SECONDS, 0.5)

    deployment.put_json({"tenant_id": tenant, "id": items[0], "ssn": "by record"})
    deployment.wait_for_event(event="item.written", item_id=items[0])
    assert deployment.opened(tenant, items[0]) == {"ssn": "by record"}


def _adopt(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and last document of `sealstream adopt`."""
    output = folder / "adopt.log"
    status = sealstream("adopt", "--json", *options, output=output).wait(COMMAND_SECONDS)
    return status, printed(output)[-1]


def _adopted(deployment: Deployment, tenant: str) -> Counter[str]:
    return Counter(event["item_id"] for event in deployment.audit_events(event="item.adopted", tenant_id=tenant))
