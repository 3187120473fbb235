"""What may go wrong with a function that is invoked from here."""

from __future__ import annotations

from shared.errors import NeedsAttention, RetryLater


class FunctionFailed(RetryLater):
    """An invocation failed, or was cut off; the same may succeed later, since every step is safe to repeat."""


class FunctionRefused(NeedsAttention):
    """The function will not do what was asked, whenever it is asked."""


class NotHeld(NeedsAttention):
    """A message is not this command's any more: it was worked on for so long that others may have it by now."""


class NoProgress(NeedsAttention):
    """For longer than is borne, nothing that was tried succeeded."""
