"""The CDK context as text: the command line gives text, cdk.json what JSON says."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import IConstruct


class ContextError(ValueError):
    """A context value that cannot be deployed."""


def context_of(scope: IConstruct, defaults: Mapping[str, str]) -> dict[str, str]:
    """The context's value for each of these names; only what is absent has its default."""
    given = {name: scope.node.try_get_context(name) for name in defaults}
    return {name: defaults[name] if value is None else str(value) for name, value in given.items()}
