"""Data keys to seal under, made on demand by a function that may; and which of an item's the session cannot open."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from consumers.tenant_api.problems import ProblemType, Refused
from consumers.tenant_api.session import TenantSession
from consumers.tenant_api.stakes import stakes
from shared.errors import KeyDenied, SealstreamError
from shared.policy.compiled import Policy
from shared.sealed_table_writing import Standing

Ensure = Callable[[str, Collection[str]], None]


@dataclass(slots=True)
class TenantKeys:
    """Sees to it that sessions can seal what they are asked to; one per process.

    Attributes:
        ensure: has a tenant's active keys of some classes there; see `shared.aws.ensure_keys_function`.
    """

    ensure: Ensure
    _is_published: bool = field(default=False, init=False)

    def have(self, session: TenantSession, data_classes: Collection[str]) -> None:
        """Have the active keys of these classes at hand.

        Before a process seals for the first time it asks in any case: nothing is sealed before the policy is published
        (docs/decisions/0007-encryptor-publishes-the-policy.md), and no session may do that.

        Raises:
            Refused: classes-closed, where the session may not open one of them.
            RetryLater: key store, KMS or the function do not answer.
        """
        if not self._is_published:
            self.ensure(session.tenant_id, data_classes)
            self._is_published = True
        failures = _prefetch(session, data_classes)
        absent = [one for one in failures if session.store.active_key_id(session.tenant_id, one) is None]
        if absent:
            self.ensure(session.tenant_id, absent)
            failures = _prefetch(session, data_classes)
        closed = [one for one in sorted(failures) if _is_closed(session, one)]
        if closed:
            raise _closed(closed)
        for failure in failures.values():
            raise failure

    def check_open(self, session: TenantSession, standing: Standing, policy: Policy) -> None:
        """See that nothing would be destroyed which the session may not open, or which is only not readable for now.

        What is in clear, or is sealed and does not open, is for those to replace who may open its class.

        Raises:
            Refused: classes-closed or unreadable.
            RetryLater: nobody can say now.
        """
        if standing.item is None:
            return
        found = stakes(standing.item, session.keyring, policy)
        if found.denied:
            statuses = session.statuses.statuses(session.tenant_id, found.denied)
            raise _closed(sorted({status.data_class for status in statuses.values()}))
        if found.outage:
            raise found.outage
        if found.lies_fallow:
            raise Refused(ProblemType.UNREADABLE, "its operator can mend the data keys that it names, or replace it")
        if found.exposed:
            self.have(session, found.exposed)


def _prefetch(session: TenantSession, data_classes: Collection[str]) -> dict[str, SealstreamError]:
    failures = session.keyring.prefetch_active([(session.tenant_id, one) for one in sorted(data_classes)])
    return {data_class: error for (_, data_class), error in failures.items()}


def _is_closed(session: TenantSession, data_class: str) -> bool:
    """Whether the active key is there and the session may not open it, which the keyring takes for an outage."""
    key_id = session.store.active_key_id(session.tenant_id, data_class)
    if key_id is None:
        return False
    return isinstance(session.keyring.prefetch(session.tenant_id, [key_id]).get(key_id), KeyDenied)


def _closed(data_classes: list[str]) -> Refused:
    return Refused(
        ProblemType.CLASSES_CLOSED,
        "it has values that this token can neither read nor replace",
        data_classes=data_classes,
    )
