"""Realistic customer records of five tenants, from a fixed seed; and the sensitive values in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

TENANTS: Final = ("acme-bank", "borealis-health", "cobalt-cards", "delta-insurance", "evergreen-credit")
_FIRST: Final = ("Amélie", "Bilal", "Chiara", "Dmitri", "Eun-ji", "Fatoumata", "Göran", "Hana", "Iker", "Jürgen")
_LAST: Final = ("Ångström", "Baptiste", "Contreras", "Dlamini", "Eriksen", "Fujimoto", "García", "Hoxha", "Ivanova")
_STREETS: Final = ("Rue des Lilas", "Hauptstraße", "Camino Real", "Harbour Road", "Sakura-dōri")
_DIAGNOSES: Final = ("E11.9 type 2 diabetes", "I10 essential hypertension", "J45.909 asthma", "F41.1 anxiety disorder")
_CURRENCIES: Final = ("EUR", "USD", "JPY", "NOK")


@dataclass(frozen=True, slots=True)
class DemoRecord:
    """One record to send.

    Attributes:
        partition_key: the same for all records of one item, so that Kinesis keeps their order.
        sensitive: the values in it that must never be found in clear.
    """

    partition_key: str
    payload: bytes = field(repr=False)
    sensitive: tuple[str, ...] = field(repr=False)


def customer_records(count: int, *, seed: int) -> Iterator[DemoRecord]:
    """Records of customers; about one in ten brings news of a customer sent before."""
    random = Random(seed)  # noqa: S311 - reproducible data, no secret
    known: list[tuple[str, str]] = []
    for number in range(count):
        if known and random.randrange(10) == 0:
            tenant, customer = random.choice(known)
        else:
            tenant, customer = random.choice(TENANTS), f"customer-{number:06d}"
            known.append((tenant, customer))
        yield _record(random, tenant, customer)


def unusable_records(*, seed: int) -> list[DemoRecord]:
    """Records that can never be written: each is quarantined, its neighbours are not touched."""
    random = Random(seed)  # noqa: S311 - reproducible data, no secret
    card = card_number(random)
    payloads = (
        f'{{"tenant_id":"acme-bank","id":"cut-off","card_number":"{card}"'.encode(),
        f'{{"tenant_id":"acme-bank","card_number":"{card}"}}'.encode(),
        f'{{"tenant_id":"../etc","id":"1","card_number":"{card}"}}'.encode(),
        f'{{"tenant_id":"acme-bank","id":"1","id":"2","card_number":"{card}"}}'.encode(),
        f'{{"tenant_id":"acme-bank","id":"nan","card_number":"{card}","amount":NaN}}'.encode(),
        b'{"tenant_id":"acme-bank","id":"bytes","card_number":"' + card.encode() + b'\xff"}',
    )
    return [DemoRecord(f"unusable-{n}", payload, (card,)) for n, payload in enumerate(payloads)]


def card_number(random: Random) -> str:
    """A 16-digit number of a test range, with a right check digit."""
    digits = [4, 2, *(random.randrange(10) for _ in range(13))]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[0::2])
    check = -(doubled + sum(digits[1::2])) % 10
    return "".join(map(str, (*digits, check)))


def _record(random: Random, tenant: str, customer: str) -> DemoRecord:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    token = f"{random.getrandbits(48):012x}"
    ssn = f"{random.randrange(100, 666)}-{random.randrange(10, 100)}-{random.randrange(1000, 10000)}"
    emails = [f"{kind}.{token}@example.org" for kind in ("home", "work")[: random.randint(1, 2)]]
    street = f"{_STREETS[random.randrange(5)]} {token[:8]}"
    diagnosis = f"{random.choice(_DIAGNOSES)} (case {token})"
    card = card_number(random)
    note = f"called about case {token}, asked to be reached in the evening"
    record: dict[str, Any] = {
        "tenant_id": tenant,
        "id": customer,
        "created_at": f"2026-0{random.randint(1, 9)}-1{random.randint(0, 9)}T08:00:00Z",
        "amount": random.randrange(1, 10**9) / 100,
        "currency": random.choice(_CURRENCIES),
        "active": bool(random.randrange(10)),
        "name": f"{first} {last} {token[:6]}",
        "ssn": ssn,
        "contacts": [{"kind": email.partition(".")[0], "email": email} for email in emails],
        "address": {"street": street, "city": "Bergen", "floors": [1, 2]},
        "health": {"diagnosis": diagnosis, "visits": random.randrange(40)},
        "payment": {"card_number": card, "expires": "2031-05"},
        "note": note,
    }
    sensitive = (record["name"], ssn, *emails, street, diagnosis, card, note)
    return DemoRecord(f"{tenant}/{customer}", json.dumps(record, ensure_ascii=False).encode(), sensitive)
