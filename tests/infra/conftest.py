"""The syntheses that all tests of the infrastructure look at, made once and side by side."""

from __future__ import annotations

import pytest

from tests.infra.synthesis import Synthesis, start_synthesis

API = {"jwt_issuer": "https://issuer.example", "jwt_audience": "sealstream"}
MAIL = {"alarm_email": "oncall@example.com"}
LOCAL_API = API | {"jwt_issuer": "http://127.0.0.1:4566/_issuer"}
OTHER = {"attribute_keys": "2", "audit_keys": "2", "reader_layer": "python3.13-arm64"} | {
    "runbook_url": "https://git.example/runbook.md"
}
BREAKS_A_RULE = """
import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from app import build
app = cdk.App()
build(app)
sqs.Queue(cdk.Stack(app, "Other"), "WithoutDeadLetters")
app.synth()
"""


@pytest.fixture(scope="session")
def _syntheses(tmp_path_factory):
    folders = {name: tmp_path_factory.mktemp(name) for name in ("cloud", "local", "other")}
    running = {
        "cloud": start_synthesis(folders["cloud"], **API, **MAIL),
        "local": start_synthesis(folders["local"], local=True, **LOCAL_API, **MAIL),
        "other": start_synthesis(folders["other"], program=("-c", BREAKS_A_RULE), prefix="acme", **OTHER),
    }
    done = {}
    for name, process in running.items():
        output, _ = process.communicate(timeout=240)
        done[name] = Synthesis(folders[name], process.returncode, output)
    return done


@pytest.fixture(scope="session")
def cloud(_syntheses) -> Synthesis:
    """As it is deployed to AWS, with all that there is."""
    return _syntheses["cloud"]


@pytest.fixture(scope="session")
def local(_syntheses) -> Synthesis:
    """As it is deployed to the local AWS."""
    return _syntheses["local"]


@pytest.fixture(scope="session")
def other_and_unacceptable(_syntheses) -> Synthesis:
    """Under another prefix, with second keys, a readers' layer, no tenant API, and what cdk-nag refuses."""
    return _syntheses["other"]
