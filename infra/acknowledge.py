"""Findings of cdk-nag that are meant to be so, each with its reason."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from constructs import Construct


def acknowledge(construct: Construct, finding: str, *, reason: str) -> None:
    """Accept one finding of the AWS Solutions rules on this construct, as in `IAM5[Resource::*]`."""
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason))


def imported(producer: cdk.Stack, value: str) -> str:
    """How a finding in another stack names this value of the producer: by its export."""
    reference: dict[str, str] = producer.resolve(producer.export_value(value))
    return reference["Fn::ImportValue"]


def own(construct: Construct, attribute: str) -> str:
    """How a finding in the construct's own stack names its attribute: by its logical id."""
    element = cast("cdk.CfnElement", construct.node.default_child)
    return f"<{cdk.Stack.of(construct).get_logical_id(element)}.{attribute}>"
