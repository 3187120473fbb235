"""What only a deployment may change: whatever else may do it, by IAM, is denied by a policy of the resource itself."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct


def other_than_deployments(scope: Construct) -> dict[str, dict[str, str]]:
    """A denial's condition: whoever does not act under the role that CloudFormation has from the CDK's bootstrap.

    Nobody but CloudFormation can take that role while its trust stays as it is. Key `aws:CalledVia` would not do: it
    is absent where CloudFormation works under a role.
    """
    stack = cdk.Stack.of(scope)
    role_name = f"cdk-{stack.synthesizer.bootstrap_qualifier}-cfn-exec-role-{stack.account}-{stack.region}"
    role_arn = stack.format_arn(service="iam", region="", resource="role", resource_name=role_name)
    return {"StringNotEquals": {"aws:PrincipalArn": role_arn}}
