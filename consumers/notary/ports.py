"""What the notary works with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Protocol

from shared.aws.audit_bucket import Listed
from shared.aws.trail_end import Start
from shared.trail.manifest import Link, NextKey, Sign, SigningKey
from shared.trail.public_key import PublicKey

NOT_GIVEN: Final = "is given to nobody by the bucket, though others are"


class Bucket(Protocol):
    """The audit bucket; every call raises StoreUnavailable where it gets no answer."""

    def put_once(self, key: str, content: bytes) -> bool:
        """Write an object where nothing is; False where something is there already."""

    def listed(self, prefix: str, start_after: str = "") -> Iterator[Listed]:
        """The objects whose keys begin so and come after `start_after`, by key, ascending."""

    def now(self) -> float:
        """The bucket's own time, seconds since the epoch."""

    def read(self, key: str, version_id: str | None = None) -> bytes:
        """The bytes of an object, or of one version of it."""


class End(Protocol):
    """How far the trail goes, by another authority than the bucket; every call raises StoreUnavailable."""

    def noted(self) -> Link | None:
        """The last manifest that was noted, None where none was; raises TrailBroken where others wrote there."""

    def start(self) -> Start | None:
        """Where the search for segments begins behind it, None where that was not noted; raises as `noted`."""

    def note(self, last: Link, start: Start) -> bool:
        """Note a manifest; False where one of its number or a later one is noted."""


@dataclass(frozen=True)
class Key:
    """A signing key.

    Attributes:
        ask: for its public half; like `sign` raises RetryLater where it gets no answer. One that is not needed any more
            is not asked for, so that its key may be disabled.
    """

    arn: str
    ask: Callable[[], PublicKey] = field(repr=False)
    sign: Sign = field(repr=False)

    @cached_property
    def public(self) -> PublicKey:
        """Its public half; raises as `ask`."""
        return self.ask()

    @property
    def name(self) -> SigningKey:
        """How a manifest names the key that signs it."""
        return SigningKey(self.arn, self.public.sha256)

    @property
    def as_next(self) -> NextKey:
        """How a manifest hands over to it."""
        return NextKey(self.arn, self.public.pem)
