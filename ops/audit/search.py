"""`sealstream audit search` and `export`: events of the past."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ops.audit import telling
from ops.audit.reading import Trail
from ops.audit.selection import Selection
from ops.telling import for_programs
from ops.text import plural
from shared.trail.canonical import canonical_json


def search(trail: Trail, selection: Selection, since: float, until: float, *, as_json: bool = False) -> int:
    """Print the events that happened then; ends as `telling.ended` says.

    Raises:
        StoreUnavailable: the bucket does not answer.
    """
    as_json = for_programs(as_json=as_json)
    found, is_ambiguous = 0, False
    for event in trail.events(since, until, wanted=selection.wants):
        telling.tell(event, as_json=as_json)
        found += 1
        is_ambiguous = is_ambiguous or selection.may_mean_others(event)
    if not as_json:
        print(plural(found, "event") if found else "no events")
    if is_ambiguous:
        print("some events do not show the whole id that was asked for: they may be about others", file=sys.stderr)
    return telling.ended(trail)


def export(trail: Trail, selection: Selection, since: float, until: float) -> int:
    """Print the events as the OCSF documents that were written, one a line; ends and raises as `search`."""
    documents: Iterator[Mapping[str, Any]] = trail.documents(since, until, wanted=selection.wants)
    for document in documents:
        print(canonical_json(document).decode("ascii"))
    return telling.ended(trail)
