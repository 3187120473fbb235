"""What a resource's own policy denies to everybody, administrators included; but for whom a condition leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam


def denied(
    sid: str, actions: Sequence[str], resource: str = "*", conditions: Mapping[str, Any] | None = None
) -> iam.PolicyStatement:
    """The statement; in a key's policy its resource is `*`, the key itself."""
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=[*actions],
        resources=[resource],
        conditions={**(conditions or {})},
    )
