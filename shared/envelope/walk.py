"""Where an item's sealed values are: at every binary, at any depth.

Apart from `seal`, so that who may not open anything need not carry a cipher library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from shared.model import ELEMENT, POLICY, SOURCE, Attributes, AttributeValue, Path

Opener = Callable[[Path, bytes], AttributeValue]
_NEVER_SEALED: Final = frozenset({SOURCE, POLICY})  # binary by nature


def sealed_values(attributes: Attributes) -> Iterator[tuple[Path, bytes]]:
    """Every binary value at any depth, with its path, in item order; `_src` and `_policy` are none of them."""
    for name, value in attributes.items():
        if name not in _NEVER_SEALED:
            yield from _binaries((name,), value)


def open_attributes(attributes: Attributes, open: Opener) -> dict[str, AttributeValue]:  # noqa: A002 - its word
    """A new tree in which every sealed value is what `open` gives for it; what it raises passes through."""
    return {
        name: value if name in _NEVER_SEALED else open_within((name,), value, open)
        for name, value in attributes.items()
    }


def open_within(path: Path, value: AttributeValue, open: Opener) -> AttributeValue:  # noqa: A002 - its word
    """The same for one value and its path."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return open(path, content)
        case "M":
            return {"M": {key: open_within((*path, key), member, open) for key, member in content.items()}}
        case "L":
            return {"L": [open_within((*path, ELEMENT), member, open) for member in content]}
        case _:
            return value


def _binaries(path: Path, value: AttributeValue) -> Iterator[tuple[Path, bytes]]:
    ((kind, content),) = value.items()
    if kind == "B":
        yield path, content
    elif kind == "M":
        for key, member in content.items():
            yield from _binaries((*path, key), member)
    elif kind == "L":
        for member in content:
            yield from _binaries((*path, ELEMENT), member)
