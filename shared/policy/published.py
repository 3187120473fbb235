"""The policies of the past: which one an item was sealed under, and when something still could be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from shared.model import POLICY, Attributes
from shared.policy.compiled import Policy

_CHANGEOVER_SECONDS: Final = 3_600
"""How long after a policy's publication functions may still run that seal under the one before; also, clocks differ."""


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """A policy that something may have been sealed under.

    Attributes:
        published_at: for the first time; seconds since the epoch.
    """

    policy: Policy
    published_at: float


PublishedPolicies = Mapping[bytes, PublishedPolicy]


def digest_named(item: Attributes) -> bytes:
    """The digest that `_policy` holds; empty where it holds none."""
    digest = item.get(POLICY, {}).get("B")
    return digest if isinstance(digest, bytes) else b""


def may_have_sealed(item: Attributes, present: Policy, published: PublishedPolicies) -> tuple[Policy, ...]:
    """The policies that a mending of the item may have followed: the present one, and the known one that it names.

    Its function may be newer or older than who asks; and an item in which something is left in clear keeps its policy.
    """
    named = published.get(digest_named(item))
    return (present,) if named is None else (present, named.policy)


def is_in_its_time(named: PublishedPolicy, present: Policy, published: PublishedPolicies, at: float) -> bool:
    """Whether a function could seal under the policy at this time."""
    began = named.published_at - _CHANGEOVER_SECONDS
    return began <= at and not is_over(named, present, published, at)


def is_over(named: PublishedPolicy, present: Policy, published: PublishedPolicies, at: float) -> bool:
    """Whether no function sealed under the policy any more at this time.

    One that was published after the present one was withdrawn, and nobody can say when: it has no time.
    """
    of_present = published.get(present.digest)
    if of_present is not None and named.published_at >= of_present.published_at:
        return True
    later = (one.published_at for one in published.values() if one.published_at > named.published_at)
    return at >= min(later, default=inf) + _CHANGEOVER_SECONDS
