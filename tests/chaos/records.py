"""What producers send: sound records, records of every reason why one can never be written, and what they become."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import Reason

CANARY: Final = "canary-4111"
"""Stands in every value that is to be sealed, and in every payload that is to be kept sealed."""
SPOILED_TENANT: Final = "spoiled"
"""Its data keys cannot be used: a pointer of the key store names a row that is not there."""
REFUSED_ITEM: Final = "refused"
"""The table refuses whatever is put under this id."""
ORDER: Final = "rev"

_AHEAD: Final = "2999-01-01T00:00:00Z"


@dataclass(frozen=True)
class Record:
    """One user record.

    Attributes:
        number: of all records that were ever made; what tells one content from another.
        order: the order attribute, an integer.
        poison: why it can never be written, whatever stands in the table.
    """

    number: int
    tenant_id: str = "acme"
    item_id: str = "1"
    is_delete: bool = False
    order: int = 0
    poison: Reason | None = None

    @property
    def payload(self) -> bytes:
        """As the producer puts it."""
        if self.poison in _BYTES:
            return _BYTES[self.poison]
        document: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            "id": self.item_id,
            ORDER: self.order,
            "amount": self.number,
            "ssn": f"{CANARY}-{self.number}",
            "contacts": [{"kind": "home", "card": f"{CANARY}-{self.number}"}],
        }
        if self.is_delete:
            document["_op"] = "delete"
        if self.poison is not None:
            _SPOIL[self.poison](document)
        return json.dumps(document).encode()

    @property
    def content(self) -> dict[str, Any]:
        """What its item holds, opened."""
        if self.is_delete:
            return {}
        card = {"M": {"kind": {"S": "home"}, "card": {"S": f"{CANARY}-{self.number}"}}}
        return {
            ORDER: {"N": str(self.order)},
            "amount": {"N": str(self.number)},
            "ssn": {"S": f"{CANARY}-{self.number}"},
            "contacts": {"L": [card]},
        }


def _deep() -> str:
    return "[" * 40 + "]" * 40


_BYTES: Final[dict[Reason | None, bytes]] = {
    Reason.INVALID_UTF8: CANARY.encode() + b"\xff",
    Reason.NOT_JSON: f'{{"ssn": "{CANARY}'.encode(),
    Reason.NOT_AN_OBJECT: f'["{CANARY}"]'.encode(),
    Reason.DUPLICATE_KEY: f'{{"ssn": "{CANARY}", "ssn": 1}}'.encode(),
    Reason.INVALID_NUMBER: f'{{"ssn": "{CANARY}", "amount": NaN}}'.encode(),
    Reason.NUMBER_OUT_OF_RANGE: f'{{"ssn": "{CANARY}", "amount": 1e999}}'.encode(),
    Reason.LONE_SURROGATE: f'{{"ssn": "{CANARY}\\ud800"}}'.encode(),
    Reason.TOO_DEEP: f'{{"ssn": "{CANARY}", "deep": {_deep()}}}'.encode(),
    Reason.NAME_INVALID: f'{{"ssn": "{CANARY}", "": 1}}'.encode(),
}
_SPOIL: Final[dict[Reason, Any]] = {
    Reason.TENANT_MISSING: lambda document: document.pop("tenant_id"),
    Reason.TENANT_INVALID: lambda document: document.update(tenant_id=f"no tenant {CANARY}"),
    Reason.ID_MISSING: lambda document: document.pop("id"),
    Reason.ID_INVALID: lambda document: document.update(id=""),
    Reason.OPERATION_UNKNOWN: lambda document: document.update(_op=CANARY),
    Reason.RESERVED_NAME: lambda document: document.update(_src=CANARY),
    Reason.ITEM_TOO_LARGE: lambda document: document.update(ssn=CANARY * 40_000),
    Reason.UNDECLARED_ATTRIBUTE: lambda document: document.update(undeclared=CANARY),
    Reason.ORDER_MISSING: lambda document: document.pop(ORDER),
    Reason.ORDER_INVALID: lambda document: document.update({ORDER: CANARY}),
    Reason.ORDER_AHEAD: lambda document: document.update({ORDER: _AHEAD}),
}
POISONS: Final = (*(reason for reason in _BYTES if reason is not None), *_SPOIL)
"""What a payload alone can be."""
ONLY_UNDER_ORDER: Final = frozenset({Reason.ORDER_MISSING, Reason.ORDER_INVALID, Reason.ORDER_AHEAD})
KNOWN_AFTER_THE_PLACE: Final = frozenset({Reason.RESERVED_NAME, Reason.ITEM_TOO_LARGE, Reason.UNDECLARED_ATTRIBUTE})
"""Of a record that is misplaced too, that is said."""
