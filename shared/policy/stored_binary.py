"""What may be known of a stored binary without a key: whether it can be a sealed value at all."""

from __future__ import annotations

from typing import Final

from shared.envelope.layout import KEY_ID_BYTES, NONCE_BYTES, TAG_BYTES, is_sealed
from shared.policy.sensitive import reads_as_text, scan_bytes

_HEADER_BYTES: Final = 1 + KEY_ID_BYTES
_RANDOM_BYTES: Final = NONCE_BYTES + TAG_BYTES
"""So many bytes at least stand behind the header of every sealed value, all of them random."""


def hides_text(raw: bytes) -> bool:
    """Whether text stands behind the header of a sealed value, where random bytes belong."""
    return reads_as_text(raw[_HEADER_BYTES : _HEADER_BYTES + _RANDOM_BYTES])


def passes_for_sealed(raw: bytes) -> bool:
    """Whether a binary has the form of a sealed value and shows nothing in clear, which random bytes never do."""
    return is_sealed(raw) and not hides_text(raw) and not scan_bytes(raw)
