"""What goes through each door as one item of which all is known: as it was sent, and what of it is sensitive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from ops.demo.records import TENANTS, DemoRecord, card_number
from shared.model import TENANT_ID

FILE: Final = (
    b'{"id": "abc123", "encrypt": "I will be encrypted one day!", "secret_item": {"nested_attribute": "Encrypt me!", '
    b'"other": 7}, "list": [{"encrypt": "x"}]}\n'
    b'{"id": "efg456", "encrypt": "I am sensitive data!"}\n'
)
FILE_SENSITIVE: Final = ("I will be encrypted one day!", "Encrypt me!", "I am sensitive data!")
CALLERS: Final = TENANTS[1:3]
API_ITEM: Final = "by-api"


@dataclass(frozen=True, slots=True)
class Sample:
    """One item as it was sent, and through which door."""

    door: str
    tenant_id: str
    item_id: str
    attributes: Mapping[str, Any] = field(repr=False)
    sensitive: tuple[str, ...] = field(repr=False)


def of_stream(record: DemoRecord) -> Sample:
    """A record that was put on the stream."""
    attributes = json.loads(record.payload)
    tenant, item = attributes.pop(TENANT_ID), attributes.pop("id")
    return Sample("stream", tenant, item, attributes, record.sensitive)


def of_file() -> Sample:
    """The file's first record."""
    attributes = json.loads(FILE.splitlines()[0])
    return Sample("file", TENANTS[0], attributes.pop("id"), attributes, FILE_SENSITIVE)


def of_api(*, seed: int) -> dict[str, Sample]:
    """What each of the two tenants puts."""
    random = Random(seed)  # noqa: S311 - reproducible data, no secret
    return {tenant: _api_sample(tenant, random) for tenant in CALLERS}


def _api_sample(tenant: str, random: Random) -> Sample:
    name, card = f"Ada Lovelace {random.getrandbits(32):08x}", card_number(random)
    attributes = {"name": name, "amount": 12.5, "payment": {"card_number": card}}
    return Sample("API", tenant, API_ITEM, attributes, (name, card))
