"""What a scan goes through, and what is done with each page of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from shared.runs.model import Tally

Element = TypeVar("Element")
Element_co = TypeVar("Element_co", covariant=True)
Element_contra = TypeVar("Element_contra", contravariant=True)


class Source(Protocol[Element_co]):
    """Something large that is read in pages, in an order of its own."""

    def page(self, *, segment: int, total: int, cursor: str, limit: int) -> tuple[Sequence[Element_co], str]:
        """At most `limit` elements after the cursor ("": from the beginning), and the next cursor, "" at the end.

        Raises:
            StoreUnavailable: it does not answer.
            RunsCorrupt: the cursor is none that it gave.
        """


class Visitor(Protocol[Element_contra]):
    """What a scan is for; called with one page after the other, some of them again after a process was killed."""

    def visit(self, elements: Sequence[Element_contra]) -> Tally:
        """What this page came to. An element's own trouble is counted, not raised.

        Raises:
            RetryLater: the page must be visited again.
        """


@dataclass(frozen=True, slots=True)
class HeldObject:
    """An object in the quarantine's bucket, or one version of it.

    Attributes:
        size: bytes.
        version_id: "" for the object as it stands now.
    """

    key: str
    size: int
    version_id: str = ""

    @property
    def quarantine_id(self) -> str:
        """The id of the entry whose content it is."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class HeldContent:
    """An object's sealed content, and the tag that tells whether it is still the same."""

    content: bytes = field(repr=False)
    etag: str


class HeldObjects(Protocol):
    """The quarantine's bucket, object by object. Every method raises StoreUnavailable where S3 does not answer."""

    def head(self, held: HeldObject) -> bytes | None:
        """The first bytes, as many as name the data key, or all where there are fewer; None where it is gone."""

    def read(self, held: HeldObject) -> HeldContent | None:
        """The whole content as it stands now; None where it is gone."""

    def replace(self, held: HeldObject, content: bytes, *, etag: str) -> bool:
        """Put other content in its place; False where it no longer is what had this tag, or is gone."""
