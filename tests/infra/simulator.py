"""Asks a policy simulator what the synthesised policies allow."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infra.synthesis import ACCOUNT, REGION, ROOT, Resource, Synthesis

_POLICY_PROPERTY = {
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
}
ADMINISTRATOR = "administrator"
"""A role outside of this project with every right that a policy of its own can give."""
DEPLOYER = f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"
"""The role of the CDK's bootstrap under which CloudFormation works; it has every right, too."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to do what to which resource, in what context; roles are named without the deployment's prefix."""

    role: str
    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Account:
    """An account in which the stacks are deployed: role policies, and the policies of keys, buckets and queues."""

    def __init__(self, synthesis: Synthesis) -> None:
        self._resources = synthesis.resources()
        self._resource_policies = dict(self._find_resource_policies())

    def decide(self, requests: Sequence[Request]) -> list[str]:
        """For each request: Allowed, ImplicitlyDenied or ExplicitlyDenied."""
        node = Path(sysconfig.get_path("scripts")) / "node"
        done = subprocess.run(
            [node if node.exists() else "node", "tests/infra/simulate.mjs"],
            check=False,
            cwd=ROOT,
            input=json.dumps([self._simulation(request) for request in requests]),
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _simulation(self, request: Request) -> dict[str, Any]:
        prefix = "" if request.role == DEPLOYER else "sealstream-"
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{prefix}{request.role}"
        return {
            "request": {
                "principal": role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/session",
                "action": request.action,
                "resource": {"resource": request.resource, "accountId": ACCOUNT},
                "contextVariables": {
                    "aws:PrincipalArn": role_arn,
                    "aws:PrincipalAccount": ACCOUNT,
                    "aws:SecureTransport": "true",
                    **request.context,
                },
            },
            "identityPolicies": [{"name": request.role, "policy": self._identity_policy(request.role)}],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
            "resourcePolicy": self._resource_policies.get(_policy_holder(request.resource)),
        }

    def _identity_policy(self, role: str) -> dict[str, Any]:
        if role in {ADMINISTRATOR, DEPLOYER}:
            return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        documents = [
            resource.properties["PolicyDocument"]
            for resource in self._resources
            if resource.type == "AWS::IAM::Policy" and f"sealstream-{role}" in resource.properties["Roles"]
        ]
        assert len(documents) == 1, f"{role} has {len(documents)} policies"
        return documents[0]

    def _find_resource_policies(self):
        for resource in self._resources:
            policy = resource.properties.get(_POLICY_PROPERTY.get(resource.type, ""))
            if policy:
                yield _guarded(resource), policy


def _guarded(resource: Resource) -> str:
    """The ARN of what a resource policy guards."""
    if resource.type in {"AWS::KMS::Key", "AWS::IAM::Role"}:
        return resource.arn
    (statement, *_) = resource.properties["PolicyDocument"]["Statement"]
    guarded = statement["Resource"]
    return guarded if isinstance(guarded, str) else guarded[0]


def _policy_holder(arn: str) -> str:
    """The ARN that a request's resource policy hangs on: an object's is its bucket's."""
    return arn.split("/", maxsplit=1)[0] if arn.startswith("arn:aws:s3:") else arn
