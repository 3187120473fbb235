"""Made-up customers of many tenants, every version of whom can be computed: what a table must hold is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

CLASSES: Final = ("pii", "phi", "pci")
"""The data classes that each of these items is sealed under."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The n-th customer of a table with so many tenants."""

    number: int
    tenants: int

    @property
    def tenant_id(self) -> str:
        """Customers are spread over the tenants in turn."""
        return f"tenant-{self.number % self.tenants:03d}"

    @property
    def item_id(self) -> str:
        """Also the Kinesis partition key, so that a customer's records stay in order."""
        return f"customer-{self.number:07d}"

    def record(self, version: int) -> dict[str, Any]:
        """The JSON record of one version; about 400 bytes, four values of three classes to be sealed."""
        word = sha256(f"{self.number}/{version}".encode()).hexdigest()
        return {
            "tenant_id": self.tenant_id,
            "id": self.item_id,
            "amount": version,
            "currency": "EUR",
            "active": version % 2 == 0,
            "name": f"Customer {word[:12]}",
            "ssn": f"{word[12:15]}-{word[15:17]}-{word[17:21]}",
            "health": {"diagnosis": f"case {word[21:40]}", "visits": version % 40},
            "payment": {"card_number": f"{int(word[40:54], 16):016d}"[:16]},
        }

    def payload(self, version: int) -> bytes:
        """The record as a producer puts it."""
        return json.dumps(self.record(version)).encode()


def customers(count: int, *, tenants: int) -> Iterator[Customer]:
    """The first `count` customers."""
    return (Customer(number, tenants) for number in range(count))
