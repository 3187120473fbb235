"""Whether an item, as it stands, shows what it never should have."""

from __future__ import annotations

from shared.model import Attributes, AttributeValue, Path
from shared.policy.compiled import Policy, Rule
from shared.policy.published import PublishedPolicies, digest_named, is_over
from shared.policy.stored_binary import passes_for_sealed
from shared.policy.stored_walk import ItemWalk


def exposes(item: Attributes, policy: Policy) -> bool:
    """Whether something stands in clear that this policy seals."""
    exposed: list[Path] = []

    def on_binary(path: Path, raw: bytes, _rule: Rule | None) -> AttributeValue:
        if not passes_for_sealed(raw):
            exposed.append(path)
        return {}

    def on_clear(path: Path, value: AttributeValue, rule: Rule | None, _why: str) -> AttributeValue:
        return on_binary(path, value.get("B", b""), rule)

    ItemWalk(policy, on_binary, on_clear).read(item)
    return bool(exposed)


def is_exposed(item: Attributes, policy: Policy, published: PublishedPolicies, *, since: float | None = None) -> bool:
    """Whether something stands in clear that neither the present policy allows nor the known one that the item names.

    Args:
        item: as it stands.
        policy: the present one.
        published: policies by digest, at least the one that the item names, where it was.
        since: when something was found in clear in it, seconds since the epoch: a policy whose time was over by then
            excuses nothing, whoever names it. None where nobody knows.
    """
    if not exposes(item, policy):
        return False
    named = published.get(digest_named(item))
    if named is None or (since is not None and is_over(named, policy, published, since)):
        return True
    return exposes(item, named.policy)
