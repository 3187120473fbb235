"""Puts and deletes of one tenant's items: each hangs on just that still standing there which it was decided on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from consumers.tenant_api.contract import Operation
from consumers.tenant_api.etag import check_preconditions, etag_of
from consumers.tenant_api.keys import TenantKeys
from consumers.tenant_api.problems import ProblemType, Refused
from consumers.tenant_api.session import TenantSession
from shared.aws.item_reader import ItemKey
from shared.decode import decode
from shared.errors import ConflictError, StoreDenied, StoreUnavailable
from shared.identity import check_item_id
from shared.model import AttributeValue
from shared.policy.compiled import ItemRules, Policy
from shared.policy.plan import SealingPlan, plan
from shared.sealed_table_positions import Follows, delete_position, follows, position_of, put_position
from shared.sealed_table_writing import Standing
from shared.sealing import data_classes, tombstone
from shared.source_position import SourcePosition

_ATTEMPTS: Final = 4
"""Looks at an item that others keep writing."""
_NANOSECONDS: Final = 1_000_000_000
_WHY: Final[Mapping[Follows, str]] = {
    Follows.OLDER: "by the policy's order what stands there is newer",
    Follows.UNKNOWN: "one is ordered by a time and the other by an integer",
}


class WriteUnanswered(StoreUnavailable):
    """The table did not answer: whether the item was written is not known."""


@dataclass(frozen=True, slots=True)
class Put:
    """What a put did."""

    created: bool
    etag: str | None


@dataclass(frozen=True, slots=True)
class ItemChanges:
    """Changes items as the policy says.

    Attributes:
        now_ns: since the epoch.
    """

    policy: Policy
    keys: TenantKeys
    now_ns: Callable[[], int]

    def put(
        self,
        session: TenantSession,
        item_id: str,
        attributes: Mapping[str, AttributeValue],
        preconditions: Mapping[str, Any],
    ) -> Put:
        """Create the item or replace it whole.

        Raises:
            Refused: precondition-failed, classes-closed, unreadable, superseded or conflict; nothing was written.
            RecordRejected: the policy or the table refuses the item.
            RetryLater: something that it takes is not available.
            WriteUnanswered: perhaps it was written all the same.
        """
        key = (session.tenant_id, check_item_id(item_id))
        planned = plan(self.policy, attributes)
        self.keys.have(session, data_classes(planned))
        for _ in range(_ATTEMPTS):
            standing = self._look(session, key, preconditions)
            position = put_position(self.policy.item, attributes, standing=standing.item, now_ns=self.now_ns())
            _check_order(position, standing)
            if _is_written(session, key, planned, position, replaces=standing):
                return Put(not standing.is_live, etag_of(position))
        raise _conflict()

    def delete(self, session: TenantSession, item_id: str, preconditions: Mapping[str, Any]) -> None:
        """Leave a tombstone in the item's place; raises as `put`, and Refused not-found."""
        key = (session.tenant_id, check_item_id(item_id))
        for _ in range(_ATTEMPTS):
            standing = self._look(session, key, preconditions)
            if standing.item is None or not standing.is_live:
                raise Refused(ProblemType.NOT_FOUND, "there is no such item")
            self.keys.have(session, ())
            now_ns = self.now_ns()
            position = delete_position(self.policy.item, standing=standing.item, now_ns=now_ns)
            _check_order(position, standing)
            system = tombstone(now_ns // _NANOSECONDS)
            if _is_written(session, key, plan(self.policy, {}), position, replaces=standing, system=system):
                return
        raise _conflict()

    def _look(self, session: TenantSession, key: tuple[str, str], preconditions: Mapping[str, Any]) -> Standing:
        """What stands there, which this request may replace."""
        standing = session.table.writer.standing(key)
        check_preconditions(preconditions, standing)
        self.keys.check_open(session, standing, self.policy)
        return standing


def own_attributes(
    raw: bytes, operation: Operation, rules: ItemRules, *, tenant_id: str, item_id: str
) -> dict[str, AttributeValue]:
    """The attributes of a body, without those that say whose and which item it is.

    Raises:
        RecordRejected: it is no JSON object that an item could be.
        Refused: invalid-item, where it breaks the operation's schema or is about another item.
    """
    attributes = decode(raw)
    operation.check_body(json.loads(raw))
    for name, expected in ((rules.tenant, tenant_id), (rules.id, item_id)):
        if attributes.pop(name, {"S": expected}) != {"S": expected}:
            raise Refused(ProblemType.INVALID_ITEM, f"its {name} is not that of the path")
    return attributes


def _is_written(
    session: TenantSession, key: ItemKey, planned: SealingPlan, position: SourcePosition, **more: Any
) -> bool:
    """Write once; False where somebody else wrote meanwhile."""
    try:
        session.table.writer.write(key, planned, position, **more)
    except ConflictError:
        return False
    except StoreDenied:
        raise
    except StoreUnavailable as error:
        raise WriteUnanswered(str(error)) from None
    return True


def _check_order(position: SourcePosition, standing: Standing) -> None:
    relation = follows(position, position_of(standing.item))
    if relation is not Follows.NEWER:
        raise Refused(ProblemType.SUPERSEDED, _WHY[relation])


def _conflict() -> Refused:
    return Refused(ProblemType.CONFLICT, "nothing was written; try again")
