"""A Lambda's asset: what is in it, for which platform, and that the same content gives the same asset."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_overloads

import pytest

from infra import bundling
from infra.bundling import LAMBDA, Bundler, this_machine
from shared.aws.clients import client
from tests.infra.synthesis import Synthesis

CONSUMERS = (
    *("landing_ingest", "encryptor", "auditor", "reencryptor", "sweeper", "rotation", "reopener", "tenant_api"),
    "notary",
)
COMPILED = {"encryptor", "reencryptor", "sweeper", "tenant_api", "notary"}
LAMBDA_LIMIT_BYTES = 250 * 1024 * 1024


def asset_folder(synthesis: Synthesis, consumer: str) -> Path:
    """Where a function's code lies; the tests' syntheses use the assets where they were built."""
    ((stack, function),) = (
        (stack, resource)
        for stack in synthesis.stacks
        for resource in synthesis.template(stack)["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
        and resource["Properties"]["FunctionName"] == f"sealstream-{consumer.replace('_', '-')}"
    )
    digest = function["Properties"]["Code"]["S3Key"].removesuffix(".zip")
    assets = json.loads((synthesis.folder / f"{stack}.assets.json").read_text(encoding="utf-8"))
    return synthesis.folder / assets["files"][digest]["source"]["path"]


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def ciphers(folder: Path) -> list[str]:
    return [name for name in ("tink", "cryptography", "Crypto", "nacl") if (folder / name).exists()]


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_an_asset_fits_into_a_lambda(cloud, consumer):
    assert sum(file.stat().st_size for file in files(asset_folder(cloud, consumer))) < LAMBDA_LIMIT_BYTES


@pytest.mark.parametrize(("consumer", "has_compiled_code"), [(name, name in COMPILED) for name in CONSUMERS])
def test_an_asset_holds_compiled_code_for_graviton_only(cloud, consumer, has_compiled_code):
    compiled = [file for file in files(asset_folder(cloud, consumer)) if ".so" in file.suffixes]

    assert has_compiled_code == bool(compiled)
    aarch64 = 183  # e_machine of an ELF header
    assert {file.name: int.from_bytes(file.read_bytes()[18:20], "little") for file in compiled} == {
        file.name: aarch64 for file in compiled
    }


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_an_asset_holds_its_own_consumer_only(cloud, consumer):
    folder = asset_folder(cloud, consumer)

    assert (folder / "policy.toml").is_file()
    assert (folder / "shared" / "model.py").is_file()
    assert (folder / "consumers" / "__init__.py").is_file()
    assert (folder / "consumers" / consumer / "handler.py").is_file()
    assert [consumer] == [path.name for path in (folder / "consumers").iterdir() if path.is_dir()]


def test_the_auditors_asset_holds_no_cipher(cloud):
    assert ciphers(asset_folder(cloud, "auditor")) == []


def test_rotations_asset_holds_no_cipher(cloud):
    assert ciphers(asset_folder(cloud, "rotation")) == []


def test_the_landing_ingests_asset_holds_no_cipher(cloud):
    assert ciphers(asset_folder(cloud, "landing_ingest")) == []


def test_the_reopeners_asset_holds_no_cipher(cloud):
    assert ciphers(asset_folder(cloud, "reopener")) == []


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_an_asset_describes_the_services_that_the_code_has_clients_of_and_no_others(cloud, consumer):
    described = {path.name for path in (asset_folder(cloud, consumer) / "botocore" / "data").iterdir() if path.is_dir()}

    declared = {overload.__annotations__["service"] for overload in get_overloads(client)}
    assert declared == {f"Literal[{service!r}]" for service in described}


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_an_asset_holds_no_trace_of_the_machine_that_built_it(cloud, consumer):
    names = {part for file in files(asset_folder(cloud, consumer)) for part in file.parts}

    assert (
        names
        & {"__pycache__", "RECORD", "INSTALLER", "direct_url.json", "bin"} - set(asset_folder(cloud, consumer).parts)
        == set()
    )


@pytest.mark.parametrize(
    ("consumer", "module"),
    [*((name, f"{name}.handler") for name in CONSUMERS), ("reconciler", "auditor.standing.handler")],
)
def test_a_handler_imports_from_its_local_asset_alone(local, consumer, module):
    folder = asset_folder(local, consumer)
    # -I and -S: neither this project nor the virtual environment is on the path
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); import consumers.{module} as h; h.handler"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", program], check=False, capture_output=True, text=True, cwd=folder
    )

    assert done.returncode == 0, done.stderr


@pytest.fixture
def small_project(tmp_path, monkeypatch) -> Path:
    """A project whose lock asks for nothing, so that no library is installed."""
    for path, text in {
        "policy.toml": "version = 1\n",
        "requirements/teller.txt": "",
        "consumers/__init__.py": "",
        "consumers/teller/handler.py": "handler = None\n",
        "consumers/teller/__pycache__/handler.cpython-313.pyc": "",
        "shared/model.py": "x = 1\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    monkeypatch.setattr(bundling, "ROOT", tmp_path)
    return tmp_path


def test_the_same_content_gives_the_same_asset_however_often_it_is_built(small_project):
    first = Bundler(target=LAMBDA, cache=small_project / "build").asset("teller")
    again = Bundler(target=LAMBDA, cache=small_project / "build").asset("teller")
    elsewhere = Bundler(target=LAMBDA, cache=small_project / "other").asset("teller")

    assert again == first
    assert elsewhere.digest == first.digest
    assert {file.relative_to(first.path) for file in files(first.path)} == {
        Path("policy.toml"),
        Path("consumers/__init__.py"),
        Path("consumers/teller/handler.py"),
        Path("shared/model.py"),
    }


@pytest.mark.parametrize(
    "changed", ["policy.toml", "requirements/teller.txt", "consumers/teller/handler.py", "shared/model.py"]
)
def test_a_change_of_any_input_gives_another_asset(small_project, changed):
    bundler = Bundler(target=LAMBDA, cache=small_project / "build")
    before = bundler.asset("teller")
    with (small_project / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")

    after = bundler.asset("teller")

    assert after.digest != before.digest
    assert (before.path / "policy.toml").is_file(), "the asset of the older content stays as it was"


def test_another_target_gives_another_asset(small_project):
    digests = {
        Bundler(target=target, cache=small_project / "build").asset("teller").digest
        for target in (LAMBDA, this_machine())
    }

    assert len(digests) == 2


def test_a_change_of_code_installs_no_library_again(small_project, monkeypatch):
    bundler = Bundler(target=LAMBDA, cache=small_project / "build")
    bundler.asset("teller")
    monkeypatch.setattr(Bundler, "_install", lambda *_: pytest.fail("libraries are installed again"))
    (small_project / "shared" / "model.py").write_text("x = 2\n", encoding="utf-8")

    assert (bundler.asset("teller").path / "shared" / "model.py").read_text(encoding="utf-8") == "x = 2\n"


def test_a_build_that_failed_leaves_nothing_that_looks_like_an_asset(small_project):
    (small_project / "requirements" / "teller.txt").write_text("no-hash==1.0\n", encoding="utf-8")
    bundler = Bundler(target=LAMBDA, cache=small_project / "build")

    with pytest.raises(RuntimeError, match=r"teller\.txt .* did not install"):
        bundler.asset("teller")

    assert list((small_project / "build").iterdir()) == []


def test_an_asset_that_another_process_finished_first_is_taken(small_project):
    bundler = Bundler(target=LAMBDA, cache=small_project / "build")
    finished = bundler.asset("teller").path
    mine = small_project / "mine"
    shutil.copytree(finished, mine)

    bundling._move(mine, finished)

    assert (finished / "policy.toml").is_file()


def test_the_auditors_asset_detects_all_that_a_policy_can_choose(local):
    """And every other loads a policy that chooses all of it, without the libraries for it."""
    detects = (
        "from shared.policy.detect.names import Detector; from shared.policy.detect.scanner import scanner;"
        "assert len(scanner(frozenset(Detector)).text('BSN 111222333, +49 170 1234567')) == 2"
    )
    loads = (
        "from shared.policy.load import parse_policy; from shared.policy.detect.names import Detector; parse_policy("
    )
    loads += "'version = 1\\ndataset = \"d\"\\ndetect = [' + ', '.join(f'\"{one}\"' for one in Detector) + ']\\n"
    loads += '[item]\\ntenant = "t"\\nid = "i"\', "policy.toml")'
    for consumer in CONSUMERS:
        folder = asset_folder(local, consumer)
        program = f"import sys; sys.path.insert(0, {str(folder)!r}); {detects if consumer == 'auditor' else loads}"

        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", program], check=False, capture_output=True, text=True, cwd=folder
        )

        assert done.returncode == 0, done.stderr
        libraries = [name for name in ("phonenumbers", "stdnum") if (folder / name).exists()]
        assert (["phonenumbers", "stdnum"] if consumer == "auditor" else []) == libraries
