"""What a deployment of the tenant API may choose, read from the CDK context; without an issuer there is no such API."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from infra.context import ContextError

DEFAULTS: Final[Mapping[str, str]] = {
    "jwt_issuer": "",
    "jwt_audience": "",
    "tenant_claim": "tenant_id",
    "limited_classes": "pii",
    "api_rate": "100",
    "api_burst": "200",
    "api_concurrency": "100",
}
MAX_RATE: Final = 10_000
"""What API Gateway gives an account in a region, unless it was asked for more."""
MAX_BURST: Final = 5_000

_ISSUER: Final = re.compile(r"https://[\w.-]+(:\d+)?(/[\w.~/-]*)?")
_LOCAL_ISSUER: Final = re.compile(r"http://127\.0\.0\.1:\d+(/[\w.~/-]*)?")
_AUDIENCE: Final = re.compile(r"[\w.:/@-]{1,255}")
_CLAIM: Final = re.compile(r"[\w.:/-]{1,128}")
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Whom the tenant API believes, and how much it takes.

    Attributes:
        issuer: of the tokens: exactly their claim `iss`.
        audience: a token is for one of these.
        tenant_claim: the claim that says whose tenant's a token is.
        limited_classes: what a token without the scope `classes.all` may open.
        rate: requests a second, of all callers together.
        burst: how many may come at once.
        concurrency: how many requests are worked on at once, of the account's Lambda concurrency; None: all of it.
    """

    issuer: str
    audience: tuple[str, ...]
    tenant_claim: str
    limited_classes: tuple[str, ...]
    rate: int
    burst: int
    concurrency: int | None

    @classmethod
    def of(cls, context: Mapping[str, str], *, local: bool, classes: Collection[str]) -> ApiSettings | None:
        """The choices, or None where no API is wanted; a value that cannot be deployed ends the synthesis.

        Args:
            context: of each name in `DEFAULTS`.
            local: whether an issuer on this machine will do.
            classes: the policy's data classes.
        """
        issuer = context["jwt_issuer"]
        if not issuer:
            if context["jwt_audience"]:
                raise ContextError("context jwt_audience: without jwt_issuer nobody could have issued a token for it")
            return None
        if not (_ISSUER.fullmatch(issuer) or (local and _LOCAL_ISSUER.fullmatch(issuer))):
            raise ContextError(f"context jwt_issuer: {issuer!r} is no https://… URL without query and fragment")
        if not _CLAIM.fullmatch(context["tenant_claim"]):
            raise ContextError(f"context tenant_claim: {context['tenant_claim']!r} is no claim's name")
        limited = _names(context, "limited_classes", _CLAIM)
        unknown = sorted(set(limited) - set(classes))
        if unknown:
            known = ", ".join(sorted(classes))
            raise ContextError(f"context limited_classes: {unknown[0]!r} is none of the policy's classes: {known}")
        return cls(
            issuer=issuer,
            audience=_names(context, "jwt_audience", _AUDIENCE),
            tenant_claim=context["tenant_claim"],
            limited_classes=limited,
            rate=_whole(context, "api_rate", MAX_RATE),
            burst=_whole(context, "api_burst", MAX_BURST),
            concurrency=_whole(context, "api_concurrency", MAX_RATE) if context["api_concurrency"] != "0" else None,
        )


def _names(context: Mapping[str, str], name: str, form: re.Pattern[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in context[name].split(",")))
    if not all(map(form.fullmatch, names)):
        raise ContextError(f"context {name}: {context[name]!r} is no list of names with commas between them")
    return names


def _whole(context: Mapping[str, str], name: str, most: int) -> int:
    if not _WHOLE.fullmatch(context[name]) or int(context[name]) > most:
        raise ContextError(f"context {name}: {context[name]!r} is no whole number of 1 to {most}")
    return int(context[name])
