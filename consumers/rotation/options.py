"""What a run may be asked for, checked before anything is begun; every refusal says what to say instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from math import isfinite
from typing import Any, Final
from urllib.parse import urlsplit

from shared.errors import RunRefused
from shared.identity import is_tenant_id
from shared.keys.barrier import BARRIER_SECONDS
from shared.keys.rotation.decide import DESTRUCTION_SECONDS
from shared.model import QUARANTINE_CLASS, SYSTEM_TENANT
from shared.policy.compiled import Policy
from shared.runs.model import PHASES, Phase, RunKind, Scope

MAX_SEGMENTS: Final = 1_000
MAX_WORKERS: Final = 40
"""So many workers at a time; they share the account's concurrent functions with encryptor and auditor."""
DEFAULT_WORKERS: Final = 4
MAX_SECONDS_PER_ITEM: Final = 60
"""Of one worker, so that it pauses for much less than an invocation lasts."""

_SCAN: Final = frozenset({"workers", "segments", "items_per_second"})
_SCOPE: Final = frozenset({"tenant_id", "data_class", "key_id"})
_END: Final = frozenset({"retire", "barrier_seconds"})
_ALLOWED: Final[Mapping[RunKind, frozenset[str]]] = {
    RunKind.ROTATION: _SCAN | _SCOPE | _END | {"due"},
    RunKind.RETIREMENT: _SCAN | _END,
    RunKind.ADOPTION: _SCAN,
    RunKind.SURVEY: _SCAN,
    RunKind.DESTRUCTION: _SCAN | _SCOPE | _END | {"abandon_backups"},
    RunKind.RECONCILIATION: _SCAN,
}
_KEY_ID: Final = re.compile(r"(?!00000000)[0-9a-f]{8}")
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_CALL: Final = frozenset({"operation", "kind"})


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, checked; None where nothing was said.

    Attributes:
        scope: with a key id and no tenant yet, where only the key was named.
    """

    kind: RunKind
    scope: Scope
    retire: bool
    abandon_backups: bool
    barrier_seconds: float
    workers: int
    segments: int | None
    items_per_second: float | None


def read_options(event: Mapping[str, Any], policy: Policy, *, is_local: bool) -> Options:
    """Check what a run is asked for; an option that is null counts as not given.

    Args:
        event: `kind`, and the options that this kind knows. What is narrowed to a tenant, a class or one key takes in
            all that these name, whatever their age, unless it says `due`.
        policy: whose data classes can be named.
        is_local: whether this is the local AWS, where a barrier may be shorter.

    Raises:
        RunRefused: an option is unknown, of another type or out of range, or contradicts another.
    """
    kind = _kind(event.get("kind"))
    given = _Given(kind, {name: value for name, value in event.items() if value is not None and name not in _CALL})
    given.check_names()
    workers = given.whole("workers", MAX_WORKERS) or DEFAULT_WORKERS
    return Options(
        kind=kind,
        scope=_scope(given, policy),
        retire=given.flag("retire", default=True),
        abandon_backups=given.flag("abandon_backups", default=False),
        barrier_seconds=_barrier_seconds(given, is_local=is_local),
        workers=workers,
        segments=given.whole("segments", MAX_SEGMENTS),
        items_per_second=_items_per_second(given, workers),
    )


def read_run_id(event: Mapping[str, Any]) -> str:
    """The `run_id` of an event; raises RunRefused."""
    run_id = event.get("run_id")
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise RunRefused("'run_id' must be a run's id, 32 small hex digits")
    return run_id


def is_loopback(endpoint_url: str) -> bool:
    """Whether an endpoint is on this very machine: no AWS, so nothing of worth can be lost there."""
    try:
        host = urlsplit(endpoint_url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Given:
    """Options as they came."""

    kind: RunKind
    values: Mapping[str, Any]

    def check_names(self) -> None:
        known = _ALLOWED[self.kind]
        unknown = sorted(self.values.keys() - known)
        if unknown:
            raise RunRefused(f"a run of kind {self.kind} knows no option {unknown[0]!r}: {', '.join(sorted(known))}")

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._checked(name, lambda value: isinstance(value, bool), "true or false")
        return default if value is None else bool(value)

    def whole(self, name: str, most: int) -> int | None:
        found = self._checked(name, lambda value: _is_whole(value, most), f"a whole number from 1 to {most}")
        return None if found is None else int(found)

    def positive(self, name: str) -> float | None:
        found = self._checked(name, lambda value: _is_number(value) and value > 0, "a number above 0")
        return None if found is None else float(found)

    def text(self, name: str, accept: Callable[[str], bool], wanted: str) -> str:
        return self._checked(name, lambda value: isinstance(value, str) and accept(value), wanted) or ""

    def _checked(self, name: str, accept: Callable[[Any], bool], wanted: str) -> Any:
        value = self.values.get(name)
        if value is not None and not accept(value):
            raise RunRefused(f"option {name!r} must be {wanted}")
        return value


def _kind(value: object) -> RunKind:
    if not isinstance(value, str) or value not in set(RunKind):
        raise RunRefused(f"a run's kind is one of: {', '.join(RunKind)}")
    return RunKind(value)


def _scope(given: _Given, policy: Policy) -> Scope:
    tenant_id = given.text("tenant_id", lambda value: value == SYSTEM_TENANT or is_tenant_id(value), "a tenant's name")
    classes = {*policy.classes, QUARANTINE_CLASS}
    data_class = given.text("data_class", classes.__contains__, f"a data class: {', '.join(sorted(classes))}")
    key_id = given.text("key_id", lambda value: bool(_KEY_ID.fullmatch(value)), "a data key's id, 8 small hex digits")
    if key_id and data_class:
        raise RunRefused("option 'key_id' names one key, whose class is known: leave 'data_class' out")
    return Scope(
        due=given.flag("due", default=not (tenant_id or data_class or key_id)),
        tenant_id=tenant_id,
        data_class=data_class,
        key_id=int(key_id, 16) if key_id else None,
    )


def _barrier_seconds(given: _Given, *, is_local: bool) -> float:
    if given.kind is RunKind.DESTRUCTION:
        usual = DESTRUCTION_SECONDS
    else:
        usual = float(BARRIER_SECONDS) if Phase.BARRIER in PHASES[given.kind] else 0.0
    seconds = given.values.get("barrier_seconds", usual)
    if not _is_number(seconds) or seconds < 0:
        raise RunRefused("option 'barrier_seconds' must be a number from 0")
    if seconds < usual and not is_local:
        raise RunRefused(
            f"option 'barrier_seconds' must be {usual:.0f} or more: a shorter one lets a late write be missed, so it "
            "is for the local AWS only (AWS_ENDPOINT_URL on a loopback address)"
        )
    return float(seconds)


def _items_per_second(given: _Given, workers: int) -> float | None:
    rate = given.positive("items_per_second")
    if rate is not None and rate * MAX_SECONDS_PER_ITEM < workers:
        least = f"{workers / MAX_SECONDS_PER_ITEM:.3f}"
        raise RunRefused(
            f"option 'items_per_second' must be about {least} or more for {workers} workers "
            "(one item a minute for each): take fewer 'workers', or a higher rate"
        )
    return rate


def _is_whole(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and isfinite(value)  # type: ignore[arg-type]
