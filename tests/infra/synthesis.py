"""The synthesised templates, with their references resolved as a deployment in one account would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "111122223333"
REGION = "eu-central-1"
STACKS = ("SealstreamKeys", "SealstreamData", "SealstreamPipeline", "SealstreamApi")

_NAMED = (
    "TopicName",
    "TableName",
    "QueueName",
    "RoleName",
    "FunctionName",
    "LogGroupName",
    "BucketName",
    "StateMachineName",
)
_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}",
    "AWS::Kinesis::Stream": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{}}",
}
_REFERRED_TO_BY_ARN = ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}


def start_synthesis(folder: Path, *, program: Sequence[str] = ("app.py",), **context: Any) -> subprocess.Popen[str]:
    """Run the app as the CDK does, but with nothing around it that could lead to an AWS account."""
    settings = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    # an asset is used where it lies instead of being copied into each synthesis
    settings |= {"aws:cdk:disable-asset-staging": True, **context}
    return subprocess.Popen(
        [sys.executable, *program],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        | {
            "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}",
            "AWS_CONFIG_FILE": str(folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps(settings),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a template, references resolved."""

    stack: str
    logical_id: str
    type: str
    arn: str
    properties: Mapping[str, Any]
    deletion_policy: str
    replace_policy: str


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What one synthesis left in its folder."""

    folder: Path
    status: int
    output: str

    @property
    def stacks(self) -> list[str]:
        """Those that were synthesised: the API's only where there is an issuer of tokens."""
        return [stack for stack in STACKS if (self.folder / f"{stack}.template.json").exists()]

    def template(self, stack: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{stack}.template.json").read_text(encoding="utf-8"))

    def one(self, type_: str, *, under: str = "") -> Resource:
        """The one resource of this type whose logical id begins so."""
        (found,) = (r for r in self.resources(type_) if r.logical_id.startswith(under))
        return found

    def resources(self, type_: str | None = None) -> list[Resource]:
        """Every resource of every stack, or those of one CloudFormation type."""
        templates = {stack: self.template(stack) for stack in self.stacks}
        resolver = _Resolver(templates)
        return [
            Resource(
                stack=stack,
                logical_id=logical_id,
                type=resource["Type"],
                arn=resolver.arn(stack, logical_id),
                properties=resolver.resolve(stack, resource.get("Properties", {})),
                deletion_policy=resource.get("DeletionPolicy", ""),
                replace_policy=resource.get("UpdateReplacePolicy", ""),
            )
            for stack, template in templates.items()
            for logical_id, resource in template["Resources"].items()
            if type_ in {None, resource["Type"]}
        ]

    def outputs(self) -> dict[str, str]:
        """The outputs that a user sees; the exports between the stacks are left out."""
        templates = {stack: self.template(stack) for stack in self.stacks}
        resolver = _Resolver(templates)
        return {
            name: resolver.resolve(stack, output["Value"])
            for stack, template in templates.items()
            for name, output in template["Outputs"].items()
            if "Export" not in output
        }


class _Resolver:
    def __init__(self, templates: Mapping[str, Any]) -> None:
        self._templates = templates
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template["Outputs"].values()
            if "Export" in output
        }

    def resolve(self, stack: str, value: Any) -> Any:
        match value:
            case {"Ref": str(name), **rest} if not rest:
                return _PSEUDO[name] if name in _PSEUDO else self._reference(stack, name)
            case {"Fn::GetAtt": [str(logical_id), str(attribute)], **rest} if not rest:
                return self._attribute(stack, logical_id, attribute)
            case {"Fn::Join": [str(separator), list(parts)], **rest} if not rest:
                return separator.join(self.resolve(stack, part) for part in parts)
            case {"Fn::ImportValue": str(name), **rest} if not rest:
                return self.resolve(*self._exports[name])
            case {"Fn::Sub": str(text), **rest} if not rest:
                for name, replacement in _PSEUDO.items():
                    text = text.replace(f"${{{name}}}", str(replacement))
                return text
            case dict():
                return {key: self.resolve(stack, inner) for key, inner in value.items()}
            case list():
                return [self.resolve(stack, inner) for inner in value]
        return value

    def _reference(self, stack: str, name: str) -> str:
        type_ = self._templates[stack]["Resources"][name]["Type"]
        return self.arn(stack, name) if type_ in _REFERRED_TO_BY_ARN else self._name(stack, name)

    def _name(self, stack: str, logical_id: str) -> str:
        properties = self._templates[stack]["Resources"][logical_id].get("Properties", {})
        name = next((properties[key] for key in _NAMED if key in properties), logical_id)
        return name if isinstance(name, str) else logical_id

    def _attribute(self, stack: str, logical_id: str, attribute: str) -> str:
        match attribute:
            case "Arn":
                return self.arn(stack, logical_id)
            case "StreamArn":
                return f"{self.arn(stack, logical_id)}/stream/2026-01-01T00:00:00.000"
            case "QueueName" | "Name":
                return self._name(stack, logical_id)
            case "ApiEndpoint":
                return f"https://{logical_id}.execute-api.{REGION}.amazonaws.com"
        raise KeyError(attribute)

    def arn(self, stack: str, logical_id: str) -> str:
        """The ARN that a resource would get, or "" where none is asked for."""
        type_ = self._templates[stack]["Resources"][logical_id]["Type"]
        return _ARNS.get(type_, "").format(self._name(stack, logical_id))
