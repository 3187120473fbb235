"""The bytes that the cipher binds to one sealed value: where it belongs.

Format version (1 byte, `0x01`), then dataset, tenant_id and item_id, each as length (4 bytes, big-endian) and UTF-8;
then the path: per map key `k`, length and UTF-8, per list element `e`. Every part says its own length or has
none, so no two places give the same bytes. All up to the path is the same for all attributes of a record: its prefix.
"""

from __future__ import annotations

from typing import Final

from shared.model import ELEMENT, Path

FORMAT_VERSION: Final = b"\x01"
_LENGTH_BYTES: Final = 4


def record_prefix(*, dataset: str, tenant_id: str, item_id: str) -> bytes:
    """The part that all attributes of one record share.

    Raises:
        ValueError: a lone surrogate in one of the three.
    """
    return FORMAT_VERSION + _sized(dataset) + _sized(tenant_id) + _sized(item_id)


def associated_data(prefix: bytes, path: Path) -> bytes:
    """The whole, for the attribute at this path of the record that the prefix is of.

    Raises:
        ValueError: a lone surrogate in a key of the path.
    """
    return prefix + b"".join([b"e" if component is ELEMENT else b"k" + _sized(component) for component in path])


def _sized(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise ValueError("a name holds a lone surrogate") from None
    return len(raw).to_bytes(_LENGTH_BYTES, "big") + raw
