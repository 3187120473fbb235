"""What looks sensitive and is not: identifiers, times, digests and numbers that every system is full of."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from random import Random
from string import ascii_uppercase
from typing import Final
from uuid import UUID

from bench.detection.people import number

_PLACES: Final = ("", "reference", "order.number", "created_at", "lines[].sku", "trace_id", "customerId", "shipment")
_MISLEADING: Final = ("national_id_check", "taxId", "bsn", "personnummer", "identity_number", "nhs", "cpf", "pesel")
_MISLED: Final = 0.02
"""So often the names of a place promise what its value is not: an id of our own in `national_id`."""


def _day(draw: Random) -> str:
    return f"20{draw.randint(10, 29)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}"


def _fours(draw: Random, groups: int) -> str:
    return draw.choice(" -").join(number(draw, 4) for _ in range(groups))


def _sku(draw: Random) -> str:
    return f"{''.join(draw.choices(ascii_uppercase, k=2))}{number(draw, 6)}{draw.choice(ascii_uppercase)}"


def _iso_time(draw: Random) -> str:
    day = _day(draw)
    fraction = draw.choice(["", f".{number(draw, 3)}", f".{number(draw, 6)}"])
    hour, minute, second = draw.randrange(24), draw.randrange(60), draw.randrange(60)
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{hour:02}:{minute:02}:{second:02}{fraction}{draw.choice(['Z', '+01:00'])}"


LOOKALIKES: Final[dict[str, Callable[[Random], str]]] = {
    "order number": lambda draw: f"ORD-{draw.randint(2015, 2026)}-{number(draw, 6)}",
    "order number by day": lambda draw: f"{_day(draw)}-{number(draw, 4)}",
    "sequence number, 8 to 13 digits": lambda draw: number(draw, draw.randint(8, 13), "123456789"),
    "sequence number, 14 to 19 digits": lambda draw: number(draw, draw.randint(14, 19), "123456789"),
    "UUID": lambda draw: str(UUID(int=draw.getrandbits(128), version=4)),
    "seconds since the epoch": lambda draw: str(draw.randint(1_400_000_000, 1_800_000_000)),
    "milliseconds since the epoch": lambda draw: str(draw.randint(1_400_000_000_000, 1_800_000_000_000)),
    "nanoseconds since the epoch": lambda draw: str(draw.randint(14 * 10**17, 18 * 10**17)),
    "RFC 3339 time": _iso_time,
    "compact time": lambda draw: _day(draw) + f"{draw.randrange(24):02}{draw.randrange(60):02}{draw.randrange(60):02}",
    "SHA-256": lambda draw: sha256(draw.randbytes(8)).hexdigest(),
    "trace id": lambda draw: f"{draw.getrandbits(128):032x}",
    "base 64": lambda draw: b64encode(draw.randbytes(draw.randint(12, 60))).decode(),
    "snowflake id": lambda draw: str(draw.randint(10**18, 2 * 10**18)),
    "ISBN": lambda draw: f"978-{number(draw, 1)}-{number(draw, 2)}-{number(draw, 6)}-{number(draw, 1)}",
    "EAN of a product": lambda draw: draw.choice(["400", "501", "871", "300"]) + number(draw, 10),
    "tracking number in groups": lambda draw: f"{number(draw, 4)} {number(draw, 4)} {number(draw, 4)}",
    "number in groups of three": lambda draw: f"{number(draw, 3, '123456789')} {number(draw, 3)} {number(draw, 3)}",
    "number in groups of four": lambda draw: _fours(draw, draw.randint(4, 6)),
    "part number": lambda draw: f"{number(draw, 3)}-{number(draw, 3)}-{number(draw, 4)}",
    "article number": _sku,
    "decimal": lambda draw: f"{number(draw, 9, '123456789')}.{number(draw, 4)}",
    "position": lambda draw: f"{draw.uniform(-90, 90):.6f}, {draw.uniform(-180, 180):.6f}",
    "IP address": lambda draw: ".".join(str(draw.randrange(256)) for _ in range(4)),
    "version": lambda draw: f"package@{draw.randrange(20)}.{draw.randrange(100)}.{draw.randrange(100)}",
    "ARN": lambda draw: f"arn:aws:dynamodb:us-east-1:{number(draw, 12)}:table/orders",
}
"""A kind by its name, and what makes one."""


def lookalike(draw: Random, kind: str) -> tuple[str, str]:
    """One of a kind, alone or in a sentence, and the place in which it stands."""
    text = LOOKALIKES[kind](draw)
    if draw.random() < _MISLED:
        return text, draw.choice(_MISLEADING)
    return draw.choice([text, text, f"see {text} for more", f"ref={text};"]), draw.choice(_PLACES)
