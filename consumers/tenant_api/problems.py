"""Errors as RFC 9457's problem details; none holds an attribute's value or a name of the producer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from shared.errors import SealstreamError


class ProblemType(StrEnum):
    """What can go wrong, by the last part of its URI."""

    INVALID_REQUEST = "invalid-request"
    TENANT_MISSING = "tenant-missing"
    TENANT_MISMATCH = "tenant-mismatch"
    SCOPE_MISSING = "scope-missing"
    CLASSES_CLOSED = "classes-closed"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"
    UNREADABLE = "unreadable"
    PRECONDITION_FAILED = "precondition-failed"
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    INVALID_ITEM = "invalid-item"
    UNFORESEEN = "unforeseen"
    UNAVAILABLE = "unavailable"


_SAYS: Final[Mapping[ProblemType, tuple[int, str]]] = {
    ProblemType.INVALID_REQUEST: (400, "The request is not as the API's document says"),
    ProblemType.TENANT_MISSING: (403, "The token names no tenant"),
    ProblemType.TENANT_MISMATCH: (403, "The token is not of this tenant"),
    ProblemType.SCOPE_MISSING: (403, "The token lacks the scope"),
    ProblemType.CLASSES_CLOSED: (403, "The token does not open all data classes of the item"),
    ProblemType.NOT_FOUND: (404, "There is nothing"),
    ProblemType.CONFLICT: (409, "Others keep writing the item"),
    ProblemType.SUPERSEDED: (409, "What stands there is newer, or does not compare"),
    ProblemType.UNREADABLE: (409, "The item has values that nobody can read for now"),
    ProblemType.PRECONDITION_FAILED: (412, "The item is not the one that the request is about"),
    ProblemType.TOO_LARGE: (413, "The body is too large"),
    ProblemType.NOT_JSON: (415, "The body is not declared as JSON"),
    ProblemType.INVALID_ITEM: (422, "The item cannot be stored so"),
    ProblemType.UNFORESEEN: (500, "A fault of this service"),
    ProblemType.UNAVAILABLE: (503, "Not available for now"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer that is none.

    Attributes:
        detail: a fixed sentence, with names of the document or the policy at most.
        more: further members, of `components/schemas/Problem`.
    """

    type: ProblemType
    detail: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """HTTP's."""
        return _SAYS[self.type][0]

    def document(self, request_id: str) -> dict[str, Any]:
        """The problem details; the type's URI is relative to the API."""
        status, title = _SAYS[self.type]
        detail = {"detail": self.detail} if self.detail else {}
        return {
            "type": f"/problems/{self.type}",
            "title": title,
            "status": status,
            **detail,
            **self.more,
            "request_id": request_id,
        }


class Refused(SealstreamError):
    """The request is answered with a problem."""

    def __init__(self, type_: ProblemType, detail: str = "", **more: Any) -> None:
        super().__init__(f"{type_}: {detail}")
        self.problem = Problem(type_, detail, more)
