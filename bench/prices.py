"""What AWS asks for the calls that are counted here, and how it counts a table's bytes."""

from __future__ import annotations

from typing import Final

from infra.prices import AS_OF, PER_MILLION

__all__ = ["AS_OF", "PER_MILLION", "READ_UNIT_BYTES", "WRITE_UNIT_BYTES"]

WRITE_UNIT_BYTES: Final = 1_024
READ_UNIT_BYTES: Final = 4_096
"""Strongly consistent; an eventually consistent read takes half a unit for them."""
