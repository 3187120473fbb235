"""Tallies that stay small, however much is counted; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from shared.public_ids import is_withheld, public_item_id, public_owner
from shared.runs.model import Example, Tally

MAX_KEYS: Final = 1_000
MAX_EXAMPLES: Final = 20
MAX_PLACES: Final = 200
MAX_PLACE_CHARACTERS: Final = 200
"""A path has up to 32 components, whose names may be long; a row of the runs table holds 400 KB."""

WOULD_SEAL: Final = "would_seal:"
_OTHER_PLACES: Final = f"{WOULD_SEAL}other places"


def merged(tallies: Iterable[Tally]) -> Tally:
    """All together, in their order, within the bounds."""
    counts: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    overflow = False
    examples: list[Example] = []
    for tally in tallies:
        for name, number in tally.counts.items():
            counts[_name(name, counts)] += number
        if not keys and len(tally.keys) <= MAX_KEYS:
            keys = Counter(tally.keys)  # the whole of a segment, with one page after the other
            more: Mapping[str, int] = {}
        else:
            more = tally.keys
        for key, number in more.items():
            if key in keys or len(keys) < MAX_KEYS:
                keys[key] += number
            else:
                overflow = True
        overflow |= tally.keys_overflow
        examples += tally.examples[: MAX_EXAMPLES - len(examples)]
    return Tally(dict(counts), dict(keys), overflow, tuple(examples))


def shown(tally: Tally) -> Tally:
    """The same as it may be stored and printed: ids in examples that look sensitive do not read. Once, not again."""
    return replace(tally, examples=tuple(map(_shown, tally.examples[:MAX_EXAMPLES])))


def shown_keys(tally: Tally) -> Mapping[str, int]:
    """Its data keys as they may be printed: a tenant's name that looks sensitive does not read."""
    keys: Counter[str] = Counter()
    for name, number in tally.keys.items():
        tenant_id, _, key_id = name.rpartition("/")
        keys[f"{public_owner(tenant_id)}/{key_id}"] += number
    return dict(keys)


def would_seal(where: str, data_class: str) -> str:
    """The name under which values are counted that an adoption would seal."""
    return f"{WOULD_SEAL}{where[:MAX_PLACE_CHARACTERS]} ({data_class})"


def _name(name: str, counts: Collection[str]) -> str:
    if not name.startswith(WOULD_SEAL) or name in counts:
        return name
    places = sum(counted.startswith(WOULD_SEAL) for counted in counts)
    return name if places < MAX_PLACES - 1 else _OTHER_PLACES


def _shown(example: Example) -> Example:
    return replace(
        example,
        tenant_id=_public(example.tenant_id, public_owner),
        item_id=_public(example.item_id, public_item_id),
        where=example.where[:MAX_PLACE_CHARACTERS],
    )


def _public(key: str, show: Callable[[str], str]) -> str:
    """As `show` has it, unless it was shown so already: a tally is stored more than once."""
    return key if is_withheld(key) else show(key)
