"""Census of the items table: what each item holds, read from the item itself; nothing is opened or written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared.envelope.layout import is_sealed, key_id_of
from shared.identity import is_tenant_id
from shared.model import ITEM_ID, POLICY, SOURCE, TENANT_ID, Attributes, AttributeValue, KeyState, KeyStatus, Path
from shared.policy.compiled import Policy
from shared.policy.mend import MendPlan, plan_mend
from shared.reencrypt.model import left_without_tenant
from shared.runs.model import Example, Tally
from shared.scan.key_states import KeyStatesSince
from shared.scan.tally import MAX_EXAMPLES, merged, would_seal

KeyStates = Mapping[int, KeyStatus]
NOT_ACTIVE: Final = "sealed under a data key that is not active"
_OTHER_CLASS: Final = "sealed under another data class than the policy's"
_IN_CLEAR: Final = "in clear where the policy seals it"


@dataclass(frozen=True, slots=True)
class ItemCensus:
    """Counts pages of items.

    Attributes:
        states: made when the census began, or later.
        adopting: whether what someone else wrote is judged as data that is to be adopted.
        lists_places: whether it is counted by place what an adoption would seal.
    """

    policy: Policy
    states: KeyStatesSince
    adopting: bool = False
    lists_places: bool = False

    def visit(self, elements: Sequence[Attributes]) -> Tally:
        """Count the items of a page."""
        envelopes = [Counter(_named_keys(image)) for image in elements]
        named: defaultdict[str, set[int]] = defaultdict(set)
        for image, key_ids in zip(elements, envelopes, strict=True):
            named[image[TENANT_ID]["S"]].update(key_ids)  # be it a tenant's name or not: no key in use is retired
        states = self.states.statuses_of(named)
        return merged(
            self._count(image, key_ids, states[image[TENANT_ID]["S"]])
            for image, key_ids in zip(elements, envelopes, strict=True)
        )

    def _count(self, image: Attributes, envelopes: Mapping[int, int], states: KeyStates) -> Tally:
        is_strangers = not is_tenant_id(image[TENANT_ID]["S"])
        plan = plan_mend(self.policy, image, states, adopting=self.adopting and not is_strangers)
        lists_places = self.lists_places and not is_strangers
        tally = _tally(self.policy, image, plan, envelopes, states, lists_places=lists_places)
        if not is_strangers:
            return tally
        examples = (left_without_tenant(image), *tally.examples)
        return replace(tally, counts={**tally.counts, "left": 1}, examples=examples)


def _tally(
    policy: Policy,
    image: Attributes,
    plan: MendPlan,
    envelopes: Mapping[int, int],
    states: KeyStates,
    *,
    lists_places: bool,
) -> Tally:
    """What one item comes to: its envelopes, wherever they stand, by their keys; then what a sweep would do to it."""
    counts = Counter(visited=1, left=int(bool(plan.troubles)))
    keys: Counter[str] = Counter()
    found: list[tuple[Path, str]] = [(trouble.path, trouble.why) for trouble in plan.troubles]
    for key_id, number in envelopes.items():
        status = states.get(key_id)
        if status is None and plan.adopts:
            continue  # it only looks sealed: it is data, which the plan has as in clear
        counts["sealed_values"] += number
        counts["unknown_values"] += number * (status is None or status.state is None)
        if status is not None and status.state is not KeyState.ACTIVE:
            counts["stale_values"] += number * (status.state is not None)
            keys[f"{image[TENANT_ID]['S']}/{key_id:08x}"] += number
    counts["clear_values"] += len({trouble.path for trouble in plan.troubles if trouble.stood_in_clear})
    for mend in plan.mends:
        if mend.stood_in_clear:
            counts["clear_values"] += 1
            counts[would_seal(policy.notation(mend.path), mend.data_class)] += lists_places
            found.append((mend.path, _IN_CLEAR))
        elif all(states[key_id].state is KeyState.ACTIVE for key_id in mend.key_ids):
            counts["stale_values"] += 1
            found.append((mend.path, _OTHER_CLASS))
        else:
            found.append((mend.path, NOT_ACTIVE))
    tenant_id, item_id = image[TENANT_ID]["S"], image[ITEM_ID]["S"]
    examples = tuple(Example(tenant_id, item_id, policy.notation(path), why) for path, why in found[:MAX_EXAMPLES])
    return Tally(dict(+counts), dict(keys), examples=examples)


def _named_keys(image: Attributes) -> Iterator[int]:
    """The key id of everything that has the form of a sealed value, wherever it stands, in sets too."""
    for name, value in image.items():
        if name not in {SOURCE, POLICY}:  # binary by nature, and opened by nobody
            yield from (key_id_of(raw) for raw in _binaries(value) if is_sealed(raw))


def _binaries(value: AttributeValue) -> Iterator[bytes]:
    ((tag, content),) = value.items()
    if tag == "B":
        yield content
    elif tag == "BS":
        yield from content
    elif tag in {"M", "L"}:
        for member in content.values() if tag == "M" else content:
            yield from _binaries(member)
