"""Who is asking: read from the claims that API Gateway verified, and from nothing else of the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consumers.tenant_api.problems import ProblemType, Refused
from shared.identity import is_tenant_id

ALL_CLASSES: Final = "classes.all"
"""The scope of those who may open every data class."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is and what it gives."""

    tenant_id: str
    scopes: frozenset[str]

    @property
    def opens_all_classes(self) -> bool:
        """Whether its sessions may."""
        return ALL_CLASSES in self.scopes

    def demand(self, scope: str, tenant_id: str | None) -> None:
        """See that the token gives a scope, and is of the tenant whose items are asked for.

        Raises:
            Refused: tenant-mismatch or scope-missing.
        """
        if tenant_id != self.tenant_id:
            raise Refused(ProblemType.TENANT_MISMATCH, "its claim names another one")
        if scope not in self.scopes:
            raise Refused(ProblemType.SCOPE_MISSING, f"it needs {scope}")


def caller_of(claims: Mapping[str, str], tenant_claim: str) -> Caller:
    """The token's tenant and scopes.

    Raises:
        Refused: tenant-missing, also where the claim's value can be no tenant's name.
    """
    tenant_id = claims.get(tenant_claim)
    if not is_tenant_id(tenant_id):
        raise Refused(ProblemType.TENANT_MISSING, f"its claim {tenant_claim} names none")
    return Caller(tenant_id, _scopes(claims))


def _scopes(claims: Mapping[str, str]) -> frozenset[str]:
    """Of `scope`, or of `scp` as other issuers call it; API Gateway writes a list as `[a b]`."""
    text = claims.get("scope") or claims.get("scp") or ""
    return frozenset(text.strip("[]").replace(",", " ").split()) if isinstance(text, str) else frozenset()
