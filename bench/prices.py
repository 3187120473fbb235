"""What AWS asks for the calls that are counted here: on-demand list prices of us-east-1, US dollars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

AS_OF: Final = "2025-06"
"""Look them up again before you rely on them: they change, and other regions have others."""

PER_MILLION: Final[Mapping[str, float]] = {
    "KMS request": 3.00,
    "DynamoDB write request unit": 0.625,
    "DynamoDB read request unit": 0.125,
    "Lambda GB-second, arm64": 13.3334,
}
WRITE_UNIT_BYTES: Final = 1_024
READ_UNIT_BYTES: Final = 4_096
"""Strongly consistent; an eventually consistent read takes half a unit for them."""
