"""The layer for other applications' functions: on which runtimes, what is in it, and that nothing else is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk.assertions import Template

from infra import bundling
from infra.bundling import Bundler, this_machine
from infra.context import ContextError
from infra.reader_layer import MACHINES, RUNTIMES, ReaderRuntime, reader_runtimes
from infra.reader_stack import ReaderStack
from infra.settings import ROOT, Settings
from tests.unit.docs.pages import blocks, code_spans, text_of

LIBRARIES_OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
PAGE = ROOT / "docs" / "reading.md"
MOST_BYTES = 30 * 1024 * 1024
AARCH64 = 183
"""e_machine of an ELF header."""


def scope(**context: object) -> SimpleNamespace:
    return SimpleNamespace(node=SimpleNamespace(try_get_context=context.get))


@pytest.fixture(scope="module")
def layer() -> Path:
    """The layer for the Python that runs this."""
    return Bundler(target=this_machine()).layer("reader_layer").path


@pytest.fixture(scope="module")
def runtime(tmp_path_factory) -> Path:
    """What Lambda's own runtime brings, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    site_packages = Path(boto3.__file__).parents[1]
    for name in LIBRARIES_OF_THE_RUNTIME:
        (folder / name).symlink_to(site_packages / name)
    return folder


@pytest.mark.parametrize("given", [None, ""])
def test_there_is_no_layer_unless_one_is_asked_for(given):
    assert [] == reader_runtimes(scope(reader_layer=given))


def test_a_layer_is_for_each_runtime_that_is_named():
    assert [ReaderRuntime("3.13", "arm64"), ReaderRuntime("3.12", "x86_64")] == reader_runtimes(
        scope(reader_layer="python3.13-arm64,python3.12-x86_64")
    )


@pytest.mark.parametrize(
    "given",
    [
        *("true", "python3.13", "python3.11-arm64", "nodejs24.x-arm64"),
        *("python3.13-arm64,", "python3.13-arm64 ", ",", "python3.13-arm64,python3.13-arm64"),
    ],
)
def test_any_other_runtime_is_an_error(given):
    with pytest.raises(ContextError, match=r"context reader_layer: .*python3\.13-arm64"):
        reader_runtimes(scope(reader_layer=given))


def test_the_page_for_readers_names_these_runtimes_and_no_other():
    (command,) = blocks(PAGE, "sh")
    (given,) = re.findall(r"-c reader_layer=(\S+)", command)

    assert [ReaderRuntime("3.13", "arm64")] == reader_runtimes(scope(reader_layer=given))
    assert set(RUNTIMES) == set(re.findall(r"`python(3\.\d+)`", text_of(PAGE)))
    assert set(MACHINES) <= set(code_spans(PAGE))
    assert "/opt/sealstream/policy.toml" in text_of(PAGE)


@pytest.mark.parametrize(("local", "kept"), [("false", "Retain"), ("true", "Delete")])
def test_a_stack_of_its_own_has_a_layer_with_its_arn_for_each_runtime(monkeypatch, tmp_path, local, kept):
    monkeypatch.setattr(Bundler, "layer", lambda *_: bundling.Asset(tmp_path, "0" * 64))
    settings = Settings.from_context(scope(prefix="acme", local=local))
    stack = ReaderStack(cdk.App(), "Reader", settings=settings, runtimes=[ReaderRuntime("3.12", "x86_64")])

    template = Template.from_stack(stack).to_json()

    ((logical_id, resource),) = template["Resources"].items()
    assert "acme-reader-python3-12-x86_64" == resource["Properties"]["LayerName"]
    assert ["python3.12"] == resource["Properties"]["CompatibleRuntimes"]
    assert ["x86_64"] == resource["Properties"]["CompatibleArchitectures"]
    assert kept == resource["UpdateReplacePolicy"], "functions elsewhere name the version that is replaced"
    assert {"ReaderLayerPython312X8664Arn": {"Value": {"Ref": logical_id}}} == template["Outputs"]


def test_the_app_has_the_stack_where_it_is_asked_for_and_only_there(cloud, other_and_unacceptable):
    assert not list(cloud.folder.glob("SealstreamReader.*"))
    (layer,) = other_and_unacceptable.template("SealstreamReader")["Resources"].values()
    assert "acme-reader-python3-13-arm64" == layer["Properties"]["LayerName"]


def test_its_compiled_code_is_for_the_runtime_that_is_named():
    path = Bundler(target=ReaderRuntime("3.13", "arm64").target).layer("reader_layer").path
    compiled = [file for file in path.rglob("*") if ".so" in file.suffixes]

    assert {AARCH64} == {int.from_bytes(file.read_bytes()[18:20], "little") for file in compiled}
    assert any("cpython-313-" in file.name for file in compiled)


def test_it_is_small_and_holds_no_library_that_a_function_has_of_its_own(layer):
    assert {"python", "sealstream"} == {path.name for path in layer.iterdir()}
    assert (ROOT / "policy.toml").read_bytes() == (layer / "sealstream" / "policy.toml").read_bytes()
    assert set() == set(LIBRARIES_OF_THE_RUNTIME) & {path.name for path in (layer / "python").iterdir()}
    assert MOST_BYTES > sum(path.stat().st_size for path in layer.rglob("*") if path.is_file())


def test_a_reader_imports_from_the_layer_and_the_runtime_alone(layer, runtime):
    program = f"""
import sys
sys.path[:0] = [{str(layer / "python")!r}, {str(runtime)!r}]
from shared.policy.load import load_policy
from shared.sealed_table import Sealed, SealedTable, Unreadable
import shared.sealed_table
assert shared.sealed_table.__file__.startswith({str(layer)!r})
arn = "arn:aws:kms:eu-central-1:111122223333:key/k"
policy = load_policy({str(layer / "sealstream" / "policy.toml")!r})
SealedTable.connect("items", key_store="keys", attribute_key=arn, policy=policy)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
    )

    assert (0, "") == (done.returncode, done.stderr)
