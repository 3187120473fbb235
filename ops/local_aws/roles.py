"""What a role may do, asked where a service acts under it and makes no request that IAM would see."""

from __future__ import annotations

from collections.abc import Iterable

from ministack.core import iam_evaluator
from ministack.services import iam


def first_refused(role_arn: str, session: str, actions: Iterable[str], resource_arn: str) -> str | None:
    """The first of these actions that the role's own policies do not allow on the resource; None where all are.

    `session` is the name of the role's session, by which policies can know the principal. No role may nothing.
    """
    actions = list(actions)
    if ":role/" not in role_arn:
        return actions[0]
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    policies = iam_evaluator._gather_role_policies(name, account)  # noqa: SLF001 - only a look, as the next
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)  # noqa: SLF001
    for action in actions:
        context = iam_evaluator.EvalContext(
            principal_arn=session_arn(role_arn, session),
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource_arn,
            region=resource_arn.split(":")[3],
        )
        if iam_evaluator.evaluate(context, policies, *limits).decision != "Allow":
            return action
    return None


def session_arn(role_arn: str, session: str) -> str:
    """The principal that a session of the role is."""
    return f"arn:aws:sts::{role_arn.split(':')[4]}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/{session}"
