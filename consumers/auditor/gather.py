"""What a batch must know before it can be judged: states of data keys, and the policies of the past.

Both are read when the first change asks, so that a store that does not answer fails that change and those after it,
and no change before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from shared.errors import KeyStoreCorrupt, NeedsAttention, PolicyError
from shared.keys.ports import PolicyRow
from shared.model import POLICY, Attributes, ItemChange, KeyStatus
from shared.policy.compiled import DIGEST_BYTES, Policy
from shared.policy.load import parse_policy
from shared.policy.verify import PublishedPolicies, PublishedPolicy, key_ids
from shared.runtime.log import log_failure


class KeyStates(Protocol):
    """What may be known of data keys without a right to use any."""

    def statuses_of(self, key_ids: Mapping[str, Collection[int]]) -> Mapping[str, Mapping[int, KeyStatus]]:
        """By tenant, the states of these data keys, strongly consistent; an id without a row is absent."""


class KeyStatusReader(KeyStates, Protocol):
    """What may be read of the key store without such a right."""

    def published_policies(self) -> Iterable[PolicyRow | KeyStoreCorrupt]:
        """Every policy that was ever sealed under, strongly consistent; an error for each row that is not readable."""


class KnownPolicies:
    """The published policies, kept for the life of the process and read again when an unknown digest appears."""

    def __init__(self, reader: KeyStatusReader) -> None:
        self._reader = reader
        self._by_digest: dict[bytes, PublishedPolicy] = {}

    def including(self, digests: Collection[bytes]) -> PublishedPolicies:
        """All that are known, after one reading where any of these digests is not."""
        if not self._by_digest.keys() >= set(digests):
            for row in self._reader.published_policies():
                try:
                    self._learn(row)
                except NeedsAttention as error:
                    # what was sealed under it counts as sealed under an unknown policy, which is the stricter way
                    log_failure(error)
        return self._by_digest

    def _learn(self, row: PolicyRow | KeyStoreCorrupt) -> None:
        if isinstance(row, KeyStoreCorrupt):
            raise row
        if row.digest in self._by_digest:
            return
        file = f"policy#{row.digest.hex()}"
        policy = parse_policy(row.source, file)
        if policy.digest != row.digest:
            raise PolicyError(f"{file}: the published source has another digest")
        self._by_digest[row.digest] = PublishedPolicy(policy, row.created_at)


class BatchKnowledge:
    """Key states and past policies for the changes of one batch; each store is asked once, for all of them together.

    Every change is older than the reading, and a data key is stored before anything is sealed under it. So an id
    that this reading does not know exists nowhere: it needs no second look, and nothing is kept for the next batch.
    """

    def __init__(
        self, changes: Iterable[ItemChange], reader: KeyStates, policies: KnownPolicies, present: Policy
    ) -> None:
        self._reader = reader
        self._policies = policies
        self._present = present
        self._key_ids: defaultdict[str, set[int]] = defaultdict(set)
        self._digests: set[bytes] = set()
        self._statuses: Mapping[str, Mapping[int, KeyStatus]] | None = None
        self._published: PublishedPolicies | None = None
        for change in changes:
            if change.new is not None:
                self._key_ids[change.tenant_id] |= key_ids(change.new)
                self._digests |= {
                    digest for image in (change.old, change.new) if (digest := policy_digest(image or {}))
                }

    def key_states(self, tenant_id: str) -> Mapping[int, KeyStatus]:
        """The states of every data key that a new image of the tenant names."""
        if not self._key_ids.get(tenant_id):
            return {}
        if self._statuses is None:
            self._statuses = self._reader.statuses_of(self._key_ids)
        return self._statuses[tenant_id]

    def published_policies(self) -> PublishedPolicies:
        """Every published policy, where an image of a change names another than the present one."""
        if self._published is None:
            needed = self._digests - {self._present.digest}
            # the present one's row says since when another is out of date
            self._published = self._policies.including(needed | {self._present.digest}) if needed else {}
        return self._published


def policy_digest(attributes: Attributes) -> bytes | None:
    """The digest that `_policy` holds; None where it is not of a digest's form."""
    digest = attributes.get(POLICY, {}).get("B")
    return digest if isinstance(digest, bytes) and len(digest) == DIGEST_BYTES else None
