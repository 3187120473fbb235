"""From a plan and the values sealed by it to the updates of the item, each small enough for one request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.model import ITEM_ID, SOURCE, TENANT_ID, Attributes, AttributeValue
from shared.policy.compiled import Policy
from shared.policy.mend import MendPlan
from shared.policy.mend_system import system_changes
from shared.reencrypt.model import Change, ItemUpdate

ATTRIBUTES_PER_UPDATE: Final = 100
"""DynamoDB takes 300 operators and 4 KB an expression; the condition has two operators and 20 bytes an attribute."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of an item's updates, and how many values it brings that had been sealed before, or in clear."""

    update: ItemUpdate
    reencrypted: int
    sealed: int

    def applied_to(self, image: Attributes) -> Attributes:
        """The item after the update."""
        after = {name: change.after for name, change in self.update.changes.items()}
        return {name: value for name, value in {**image, **after}.items() if value is not None}


def item_parts(
    policy: Policy, image: Attributes, plan: MendPlan, sealed: Sequence[bytes | None], open_since: float | None
) -> Iterator[Part]:
    """The updates that mend an item, to be made in this order; none where nothing was sealed or goes.

    The system attributes come with the last one, and what stood in clear after what was sealed: who is killed between
    two updates leaves an item from which the rest can still be told.

    Args:
        policy: the present one.
        image: the item as it was read.
        plan: the one made of it.
        sealed: for each mend of the plan its sealed value; None where it stays as it is.
        open_since: of the candidate.
    """
    filled = sorted(plan.fill(sealed).items(), key=lambda one: one[1].sealed)
    system: dict[str, AttributeValue | None] = dict.fromkeys(plan.strays)
    if filled or plan.adopts:
        system |= system_changes(
            policy,
            image,
            sealed=any(one.sealed for _, one in filled),
            leaves_clear=any(trouble.stood_in_clear for trouble in plan.troubles)
            or any(mend.stood_in_clear and new is None for mend, new in zip(plan.mends, sealed, strict=True)),
            adopts=plan.adopts,
            open_since=open_since,
        )
    if not filled and not system:
        return
    for start in range(0, max(1, len(filled)), ATTRIBUTES_PER_UPDATE):
        here = filled[start : start + ATTRIBUTES_PER_UPDATE]
        is_last = start + ATTRIBUTES_PER_UPDATE >= len(filled)
        after = {name: one.value for name, one in here} | (system if is_last else {})
        changes = {name: Change(image.get(name), value) for name, value in after.items()}
        update = ItemUpdate(image[TENANT_ID]["S"], image[ITEM_ID]["S"], image.get(SOURCE), changes)
        yield Part(update, sum(one.reencrypted for _, one in here), sum(one.sealed for _, one in here))
