"""Which events are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ops.audit.distinct import Event
from shared.public_ids import is_withheld, public_owner, withheld
from shared.runtime.audit_log import AuditEvent

NAMES: Final = (*dict.fromkeys(event.partition(".")[0] for event in AuditEvent), *(event.value for event in AuditEvent))
"""What events can be chosen by: what stands before the dot in their names, and these."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Events of a tenant, about an item, of some names or families; what is empty chooses nothing.

    Attributes:
        tenant: whose it is, or who was asked for by somebody who was turned away.
        item: its id, as it is or as events show it.
    """

    tenant: str = ""
    item: str = ""
    events: Sequence[str] = ()

    def wants(self, event: Event) -> bool:
        """Whether an event is of these."""
        return self._by_name(event) and self._of_tenant(event) and self._about_item(event)

    def may_mean_others(self, event: Event) -> bool:
        """Whether an event that is wanted shows of an id that was asked for only what other ids have too."""
        asked = [event.get("item_id")] if self.item else []
        asked += [event.get("tenant_id"), event.get("asked_tenant_id")] if self.tenant else []
        return any(isinstance(one, str) and is_withheld(one) for one in asked)

    def _by_name(self, event: Event) -> bool:
        name = str(event["event"])
        return not self.events or name in self.events or name.partition(".")[0] in self.events

    def _of_tenant(self, event: Event) -> bool:
        named = (event.get("tenant_id"), event.get("asked_tenant_id"))
        return not self.tenant or not {self.tenant, public_owner(self.tenant), withheld(self.tenant)}.isdisjoint(named)

    def _about_item(self, event: Event) -> bool:
        return not self.item or event.get("item_id") in {self.item, withheld(self.item)}
