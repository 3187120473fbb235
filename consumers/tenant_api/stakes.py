"""What of a standing item a write would destroy that its caller cannot see, or that may be read again one day."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.envelope.layout import key_id_of
from shared.errors import (
    CannotOpen,
    DoesNotOpen,
    KeyDenied,
    KeyDestroyed,
    KeyStoreCorrupt,
    NotSealed,
    RetryLater,
)
from shared.keys.keyring import Keyring
from shared.model import Attributes, AttributeValue, Path
from shared.policy.compiled import Policy, Rule, SealAs
from shared.policy.stored_walk import ItemWalk
from shared.sealed_table_keys import ItemKeys


@dataclass(slots=True)
class Stakes:
    """What was found.

    Attributes:
        denied: ids of data keys that the session may not open.
        exposed: data classes, by the policy's rules, of what stands in clear or is sealed and does not open.
        lies_fallow: whether something lies under a key that is retired, unknown or contradicts itself: that is mended.
        outage: why nobody can say now.
    """

    denied: set[int] = field(default_factory=set)
    exposed: set[str] = field(default_factory=set)
    lies_fallow: bool = False
    outage: RetryLater | None = None


def stakes(item: Attributes, keyring: Keyring, policy: Policy) -> Stakes:
    """Open what opens; what lies under a destroyed key is gone already."""
    found = Stakes()
    open_sealed = ItemKeys.fetch(keyring, policy.dataset, [item]).opener(item)

    def on_sealed(path: Path, sealed: bytes, rule: Rule | None) -> AttributeValue:
        try:
            open_sealed(path, sealed)
        except KeyDestroyed:
            pass
        except KeyDenied:
            found.denied.add(key_id_of(sealed))
        except (DoesNotOpen, NotSealed):
            found.exposed.add(_class_of(rule, policy))
        except (CannotOpen, KeyStoreCorrupt):
            found.lies_fallow = True
        except RetryLater as error:
            found.outage = error
        return {"B": sealed}

    def on_clear(_path: Path, value: AttributeValue, rule: Rule | None, _why: str) -> AttributeValue:
        found.exposed.add(_class_of(rule, policy))
        return value

    ItemWalk(policy, on_sealed, on_clear).read(item)
    return found


def _class_of(rule: Rule | None, policy: Policy) -> str:
    treatment = rule.treatment if rule else None
    return treatment.data_class if isinstance(treatment, SealAs) else policy.defaults.data_class
