"""A function of another application: docs/reading.md's example, on the layer, with the rights that the page names."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.bundling import Bundler, this_machine
from tests.integration.support import Deployment
from tests.local_aws.support import LocalAws, invoke, make_function, make_role, unique
from tests.unit.docs.pages import ROOT, blocks, table

PAGE = ROOT / "docs" / "reading.md"
POLICY_IN_THE_LAYER = '"/opt/sealstream/policy.toml"'
POLICY_IN_A_LOCAL_WORKER = 'os.environ["_LAMBDA_LAYERS_DIRS"] + "/sealstream/policy.toml"'
"""The local AWS lays a layer out elsewhere than under /opt."""
RECORD = {"tenant_id": "acme", "ssn": "078-05-1120", "amount": 9.5}


@pytest.fixture
def aws(deployment: Deployment) -> Iterator[LocalAws]:
    local = LocalAws(deployment.environment["AWS_ENDPOINT_URL"])
    yield local
    local.close()


@pytest.fixture
def role(aws: LocalAws, deployment: Deployment) -> str:
    """The ARN of a role with the rights in the page's table, and no other."""
    dynamodb = "arn:aws:dynamodb:*:*:table/"
    resources = {
        "items table": dynamodb + deployment["TABLE"],
        "key store": dynamodb + deployment["KEY_STORE"],
        "attribute key": deployment["ATTRIBUTE_KEY"],
    }
    statements = [
        {"Effect": "Allow", "Action": re.findall(r"`(\w+:\w+)`", actions), "Resource": resources[on.partition(",")[0]]}
        for _, actions, on in table(PAGE, "for")[1:]
    ]
    return make_role(aws, {"Version": "2012-10-17", "Statement": statements}, unique("support-reader"))


@pytest.fixture
def read(aws: LocalAws, deployment: Deployment, role: str) -> Callable[[str], dict[str, Any]]:
    """Reads an item by the deployed example."""
    (example,) = blocks(PAGE, "python")
    assert example.count(POLICY_IN_THE_LAYER) == 1
    layer = aws.client("lambda").publish_layer_version(
        LayerName=unique("reader"), Content={"ZipFile": zipped_layer()}, CompatibleRuntimes=["python3.13"]
    )
    function = make_function(
        aws,
        example.replace(POLICY_IN_THE_LAYER, POLICY_IN_A_LOCAL_WORKER),
        role=role,
        environment={f"SEALSTREAM_{name}": deployment[name] for name in ("TABLE", "KEY_STORE", "ATTRIBUTE_KEY")},
        timeout_seconds=60,
        Layers=[layer["LayerVersionArn"]],
    )
    return lambda item: invoke(aws, function, {"tenant_id": "acme", "item_id": item})


def zipped_layer() -> bytes:
    folder = Bundler(target=this_machine()).layer("reader_layer").path
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        for file in sorted(folder.rglob("*")):
            zipped.write(file, file.relative_to(folder))
    return archive.getvalue()


@pytest.fixture
def name_in_key_policy(aws: LocalAws, deployment: Deployment, role: str) -> Iterator[Callable[[], None]]:
    """Lets the role open, as the runbook does; undone at the end."""
    kms, key = aws.client("kms"), deployment["ATTRIBUTE_KEY"]
    before = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]

    def name_it() -> None:
        policy = json.loads(before)
        by_id = {statement["Sid"]: statement for statement in policy["Statement"]}
        use = json.loads(json.dumps(by_id["UseBySealstreamEncryptor"]))
        use |= {"Sid": "UseBySupportReader", "Action": "kms:Decrypt"}
        use["Condition"]["StringEquals"]["aws:PrincipalArn"] = role
        by_id["NoUseByOthers"]["Condition"]["StringNotEquals"]["aws:PrincipalArn"].append(role)
        policy["Statement"].append(use)
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))

    yield name_it
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=before)


def test_a_function_on_the_layer_opens_what_its_role_may(deployment: Deployment, read, name_in_key_policy):
    item = unique("read")
    deployment.put_json({**RECORD, "id": item})
    deployment.wait_for_item("acme", item)

    assert {"tenant_id": "acme", "item_id": item, "ssn": "(sealed)", "amount": "9.5"} == read(item)

    name_in_key_policy()

    assert {"tenant_id": "acme", "item_id": item, "ssn": "078-05-1120", "amount": "9.5"} == read(item)
