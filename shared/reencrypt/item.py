"""One item from plan to update, and again where somebody else was faster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import KeyDenied, KeyStoreCorrupt, RecordRejected, SealstreamError
from shared.keys.keyring import Keyring
from shared.model import ITEM_ID, TENANT_ID, Attributes
from shared.policy.compiled import Policy
from shared.policy.mend import UNREADABLE_ROW, MendPlan, named_keys, plan_mend
from shared.policy.mend_system import Trouble
from shared.reencrypt.model import Candidate, Fate, Mended
from shared.reencrypt.page_keys import PageKeys
from shared.reencrypt.parts import Part, item_parts
from shared.reencrypt.ports import ItemUpdates
from shared.reencrypt.sealing import ItemStays, Resealed, Resealer
from shared.runs.model import Example

ATTEMPTS: Final = 4
"""Decisions about one item while others keep writing it, or while keys grow old before they are used."""
_MAY_PASS: Final = frozenset({KeyDenied.__name__, KeyStoreCorrupt.__name__, UNREADABLE_ROW})
EXAMPLES: Final = 10
"""A hostile item can have 100,000 troubles."""


@dataclass(slots=True)
class _Progress:
    """What was stored of one item so far; grows with each of its updates."""

    parts: int = 0
    reencrypted: int = 0
    sealed: int = 0

    def add(self, part: Part) -> None:
        self.parts += 1
        self.reencrypted += part.reencrypted
        self.sealed += part.sealed

    def fate(self, troubles: Sequence[Trouble]) -> Fate:
        """Of an item that nothing more can be done to."""
        if troubles:
            return Fate.LEFT
        return Fate.MENDED if self.parts else Fate.CLEAN


@dataclass(frozen=True, slots=True)
class ItemMending:
    """Mends single items of one page."""

    policy: Policy
    keyring: Keyring
    updates: ItemUpdates
    keys: PageKeys
    resealer: Resealer
    adopting: bool

    def plan(self, image: Attributes) -> MendPlan:
        """What the item needs.

        Raises:
            StoreUnavailable: states of its keys are not to be had.
        """
        states = self.keys.states(image[TENANT_ID]["S"], named_keys(image))
        return plan_mend(self.policy, image, states, adopting=self.adopting)

    def mend(self, candidate: Candidate, plan: MendPlan | None) -> Mended:
        """Mend one item.

        Args:
            candidate: as it was read.
            plan: made of it before; None: to be made.
        """
        progress = _Progress()
        troubles: Sequence[Trouble]
        try:
            fate, troubles = self._mend(candidate, plan, progress)
        except ItemStays as stays:
            fate, troubles = Fate.LEFT, (stays.trouble,)
        except RecordRejected as refused:
            fate, troubles = Fate.LEFT, (Trouble((), refused.reason),)
        except KeyStoreCorrupt as corrupt:
            fate, troubles = Fate.LEFT, (Trouble((), type(corrupt).__name__),)
        except SealstreamError as later:
            fate, troubles = Fate.RETRY, (Trouble((), type(later).__name__),)
        return Mended(
            candidate.image[TENANT_ID]["S"],
            candidate.image[ITEM_ID]["S"],
            fate,
            progress.reencrypted,
            progress.sealed,
            tuple(self._examples(candidate.image, troubles)),
            may_pass=fate is Fate.LEFT and any(trouble.why in _MAY_PASS for trouble in troubles),
        )

    def _mend(
        self, candidate: Candidate, plan: MendPlan | None, progress: _Progress
    ) -> tuple[Fate, tuple[Trouble, ...]]:
        image = candidate.image
        for _ in range(ATTEMPTS):
            plan = plan or self.plan(image)
            if plan.is_empty:
                return progress.fate(plan.troubles), plan.troubles
            resealed = self.resealer.reseal(image, plan)
            parts = item_parts(self.policy, image, plan, resealed.values, candidate.open_since)
            left_over = self._store(image, parts, resealed, progress)
            if left_over is None:
                troubles = (*plan.troubles, *resealed.troubles)
                return progress.fate(troubles), troubles
            image, plan = left_over, None
        return Fate.RETRY, (Trouble((), f"written by others {ATTEMPTS} times, or its keys too old by then"),)

    def _store(
        self, image: Attributes, parts: Iterable[Part], resealed: Resealed, progress: _Progress
    ) -> Attributes | None:
        """Make the updates; gives the item as it stands where more is to be decided about it, None at the end."""
        for part in parts:
            if not resealed.is_fresh(self.keyring):
                return image
            result = self.updates.update(part.update)
            if not result.stored:
                return result.found
            progress.add(part)
            image = part.applied_to(image)
        return None

    def _examples(self, image: Attributes, troubles: Sequence[Trouble]) -> Iterator[Example]:
        for trouble in troubles[:EXAMPLES]:
            where = self.policy.notation(trouble.path)
            yield Example(image[TENANT_ID]["S"], image[ITEM_ID]["S"], where, trouble.why)
