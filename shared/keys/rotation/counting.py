"""A wrapping service that counts what comes to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.errors import KeyDenied, KeyServiceUnavailable
from shared.keys.counts import Tally
from shared.keys.ports import EncryptionContext
from shared.keys.rotation.ports import WrappedKey, WrappingService


@dataclass(frozen=True, slots=True)
class CountedWrapping:
    """Another service, whose calls that it refused or left unanswered are counted; used by several threads."""

    service: WrappingService
    tally: Tally = field(default_factory=Tally)

    def current_material_id(self, kms_key_arn: str) -> str:
        """As the service gives it."""
        with self._counted():
            return self.service.current_material_id(kms_key_arn)

    def generate_wrapped(self, context: EncryptionContext) -> WrappedKey:
        """As the service gives it."""
        with self._counted():
            return self.service.generate_wrapped(context)

    def rewrap(self, encrypted: bytes, kms_key_arn: str, context: EncryptionContext) -> WrappedKey:
        """As the service gives it."""
        with self._counted():
            return self.service.rewrap(encrypted, kms_key_arn, context)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except (KeyDenied, KeyServiceUnavailable):
            self.tally.add(kms_failed=1)
            raise
