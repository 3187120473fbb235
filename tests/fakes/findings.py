"""A findings queue in memory; what is sent lies in messages of the real form."""

from __future__ import annotations

from collections.abc import Iterable

from shared.findings import ItemReference, from_message, to_messages


class FakeFindingsQueue:
    """Message bodies in their order; `fail_with` is raised by every call while it is set."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.fail_with: Exception | None = None

    def send(self, references: Iterable[ItemReference]) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        self.bodies += to_messages(references)

    def references(self) -> list[ItemReference]:
        """Everything that was sent and not taken."""
        return [reference for body in self.bodies for reference in from_message(body)]

    def take(self) -> list[str]:
        """All messages, which are gone then."""
        taken, self.bodies = self.bodies, []
        return taken
