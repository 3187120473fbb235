"""The system attributes of an item that is mended.

What has no form that sealstream writes is never touched, but for what nothing depends on, which is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shared.model import OPEN_FROM_UNKNOWN, OPEN_SINCE, POLICY, SOURCE, Attributes, AttributeValue, Path, VerdictKind
from shared.policy.compiled import DIGEST_BYTES, Policy
from shared.policy.verify_system import strays, system_findings
from shared.source_position import FOUND


class Trouble(NamedTuple):
    """Something that cannot be mended: where, and a static sentence fragment, never a value.

    `stood_in_clear` as that of a `Mend`.
    """

    path: Path
    why: str
    stood_in_clear: bool = False


def system_troubles(item: Attributes) -> Iterator[Trouble]:
    """What is wrong with the system attributes that the item has, and stays so."""
    digest = item.get(POLICY, {}).get("B", b"")
    for finding in system_findings(item, policy_is_known=len(digest) == DIGEST_BYTES):
        if finding.where in item.keys() - strays(item):
            yield Trouble((finding.where,), finding.why, stood_in_clear=finding.kind is VerdictKind.PLAINTEXT)


def system_changes(
    policy: Policy, item: Attributes, *, sealed: bool, leaves_clear: bool, adopts: bool, open_since: float | None
) -> dict[str, AttributeValue | None]:
    """What the system attributes of a mended item become; None: absent. Only those that change.

    Args:
        policy: the present one.
        item: before it is mended.
        sealed: whether something is sealed in it that stood in clear.
        leaves_clear: whether something stays in clear in it. Then it keeps the policy that it names: that one alone
            says what of it is no exposure.
        adopts: whether it is taken over.
        open_since: since when it stood in clear, seconds since the epoch; None where nobody knows. Of what somebody
            else wrote that is said, too, or it would look adopted.
    """
    wanted: dict[str, AttributeValue | None] = {OPEN_SINCE: None}
    if not leaves_clear:
        wanted[POLICY] = {"B": policy.digest}
    if SOURCE not in item and (sealed or adopts):
        wanted[SOURCE] = {"B": FOUND.to_bytes()}
    is_foreign = SOURCE not in item and not adopts
    if sealed and (open_since is not None or is_foreign):
        wanted[OPEN_SINCE] = {"N": str(int(open_since or OPEN_FROM_UNKNOWN))}
    untouchable = {trouble.path[0] for trouble in system_troubles(item)}
    return {name: value for name, value in wanted.items() if name not in untouchable and value != item.get(name)}
