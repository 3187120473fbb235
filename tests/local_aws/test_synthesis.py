"""Stacks are synthesised once for the same sources; `cdk` is played by something that tells how often it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

from ops.local_aws import synthesis
from ops.local_aws.process import LocalAwsError
from ops.local_aws.synthesis import synthesis as synthesised

ENDPOINT = "http://127.0.0.1:5001"


@dataclass
class Workshop:
    """A project and a `cdk`; `status` is what it ends with."""

    folder: Path
    asked: int = 0
    status: int = 0

    @property
    def source(self) -> Path:
        return self.folder / "infra" / "stack.py"

    @contextmanager
    def running(self, arguments: Sequence[str], *, output: IO[bytes], **_: Any) -> Iterator[Any]:
        self.asked += 1
        output.write(b"what cdk says\n")
        output.flush()
        made = Path(arguments[arguments.index("--output") + 1])
        made.mkdir()
        issuer = next(part for part in arguments if part.startswith("jwt_issuer=")).removeprefix("jwt_issuer=")
        (made / "Stack.template.json").write_text(json.dumps({"issuer": issuer, "source": self.source.read_text()}))
        (made / "Stack.assets.json").write_text(json.dumps({"files": {f"bundle{self.asked}": {}}}))
        yield SimpleNamespace(wait=lambda: self.status)

    def synthesise(self, name: str = "assembly", endpoint: str = ENDPOINT) -> Path:
        """The folder of the assembly."""
        assembly = self.folder / name
        with synthesised(assembly, endpoint, self.folder / "build" / "synth.log") as finish:
            finish()
        return assembly

    def template(self, assembly: Path) -> Any:
        return json.loads((assembly / "Stack.template.json").read_text())


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    workshop = Workshop(tmp_path)
    for name, value in {"PROJECT": tmp_path, "BUILD": tmp_path / "build", "running": workshop.running}.items():
        monkeypatch.setattr(synthesis, name, value)
    for folder in ("infra", "docs", "tests", "build"):
        (tmp_path / folder).mkdir()
    workshop.source.write_text("1")
    return workshop


def test_the_same_sources_are_synthesised_once_whatever_they_are_deployed_to(workshop: Workshop) -> None:
    one = workshop.synthesise("build/one", "http://127.0.0.1:5001")
    another = workshop.synthesise("build/another", "http://127.0.0.1:5002")
    assert 1 == workshop.asked
    assert [{"issuer": f"http://127.0.0.1:{port}/_issuer", "source": "1"} for port in (5001, 5002)] == [
        workshop.template(assembly) for assembly in (one, another)
    ]


def test_what_one_deployment_zipped_is_there_for_the_next(workshop: Workshop) -> None:
    one = workshop.synthesise("build/one")
    (one / ".cache" / "bundle1.zip").touch()
    again = workshop.synthesise("build/one")
    another = workshop.synthesise("build/another")
    assert ["bundle1.zip"] * 2 == [path.name for folder in (again, another) for path in (folder / ".cache").iterdir()]


@pytest.mark.parametrize("name", ["infra/stack.py", "infra/more/new.py", "shared/new.json", "new.toml"])
def test_a_change_of_any_source_makes_a_synthesis(workshop: Workshop, name: str) -> None:
    workshop.synthesise("build/one")
    (workshop.folder / name).parent.mkdir(exist_ok=True)
    (workshop.folder / name).write_text("2")
    again = workshop.synthesise("build/one")
    assert 2 == workshop.asked
    assert workshop.source.read_text() == workshop.template(again)["source"]


def test_a_source_that_is_gone_makes_a_synthesis(workshop: Workshop) -> None:
    other = workshop.folder / "infra" / "other.py"
    other.touch()
    workshop.synthesise("build/one")
    other.unlink()
    workshop.synthesise("build/one")
    assert 2 == workshop.asked


def test_an_older_state_of_the_sources_is_known_again(workshop: Workshop) -> None:
    for text in ("1", "2", "1"):
        workshop.source.write_text(text)
        assembly = workshop.synthesise("build/one")
    assert 2 == workshop.asked
    assert "1" == workshop.template(assembly)["source"]


def test_what_no_stack_is_made_of_makes_none(workshop: Workshop) -> None:
    workshop.synthesise("build/one")
    for name in ("docs/threat_model.md", "README.md", "tests/test.py", "infra/__pycache__/stack.pyc", ".hidden"):
        (workshop.folder / name).parent.mkdir(exist_ok=True)
        (workshop.folder / name).write_text("new")
    workshop.synthesise("build/one")
    assert 1 == workshop.asked


def test_who_comes_while_it_is_made_waits_for_it(workshop: Workshop) -> None:
    log = workshop.folder / "build" / "synth.log"
    with ThreadPoolExecutor(1) as threads:
        with synthesised(workshop.folder / "build" / "one", ENDPOINT, log) as finish:
            another = threads.submit(workshop.synthesise, "build/another")
            with pytest.raises(TimeoutError):
                another.result(0.2)
            finish()
        assert "1" == workshop.template(another.result(10))["source"]
    assert 1 == workshop.asked


def test_a_synthesis_that_fails_shows_its_log_and_is_made_again(workshop: Workshop) -> None:
    workshop.status = 1
    with pytest.raises(LocalAwsError, match=r"(?s)cdk synth failed; .*synth.log ends with:.*what cdk says"):
        workshop.synthesise("build/one")
    workshop.status = 0
    workshop.synthesise("build/one")
    assert 2 == workshop.asked


def test_the_last_syntheses_are_kept_and_what_was_zipped_of_them(workshop: Workshop) -> None:
    for number in range(12):
        workshop.source.write_text(str(number))
        assembly = workshop.synthesise("build/one")
        (assembly / ".cache" / f"bundle{number + 1}.zip").touch()
    kept = [path for path in (workshop.folder / "build" / "assets" / "syntheses").iterdir() if path.is_dir()]
    zips = {path.name for path in (workshop.folder / "build" / "assets" / "zips").iterdir()}
    assert 8 == len(kept)
    assert {f"bundle{number}.zip" for number in range(5, 13)} == zips
