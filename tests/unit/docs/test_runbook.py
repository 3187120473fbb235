"""docs/runbook.md against the tools it uses: commands, their options, reason codes."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

import botocore.session
import click
import pytest
from botocore import xform_name

from ops.audit.reading import WRITTEN_WITHIN_SECONDS
from ops.cli import cli
from shared import errors
from shared.errors import Reason
from shared.model import KeyState
from tests.unit.docs.pages import PAGES as DOCUMENTED
from tests.unit.docs.pages import ROOT, blocks, code_spans, prose, shell_like_blocks, table

PAGE = ROOT / "docs" / "runbook.md"
PAGES = (
    PAGE,
    *(ROOT / "docs" / name for name in ("audit_commands.md", "rotation.md", "local_aws.md")),
    ROOT / "README.md",
)
SHELL = [block for page in PAGES for block in blocks(page, "sh")]
PYTHON = [block for block in blocks(PAGE, "python") if "import" in block]


def _commands(block: str) -> Iterator[list[str]]:
    """The calls of `aws` in a block, as words; in pipes and substitutions too."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        for is_punctuation, command in groupby(words, lambda word: set(word) <= set("();<>|&")):
            called = list(command)
            if not is_punctuation and called[0] == "aws":
                yield called


COMMANDS = [command for block in SHELL for command in _commands(block)]
SESSION = botocore.session.get_session()
GLOBAL_OPTIONS = {"query", "output", "endpoint-url", "region", "profile"}


def test_the_page_has_commands_and_snippets():
    assert (len(SHELL) > 15, len(COMMANDS) > 20, len(PYTHON), len(SEALSTREAM) > 30) == (True, True, 1, True)


@pytest.mark.parametrize("block", SHELL)
def test_a_shell_block_parses(block):
    done = subprocess.run(["bash", "-n"], input=block, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_of_aws_and_its_options_exist(command):
    _, service, operation, *rest = command
    model = SESSION.get_service_model(service)
    options = {word[2:].partition("=")[0] for word in rest if word.startswith("--")} - GLOBAL_OPTIONS
    if operation == "wait":
        waiters = SESSION.get_waiter_model(service).waiter_names
        assert rest[0] in {xform_name(name, "-") for name in waiters}
        return
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations
    members = {xform_name(name, "-") for name in model.operation_model(operations[operation]).input_shape.members}
    assert {option.removeprefix("no-") for option in options} <= members


def test_commands_of_sealstream_and_make_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    said = "\n".join([*SHELL, *(span for page in PAGES for span in code_spans(page))])

    assert set(re.findall(r"^make (\w+)", said, re.MULTILINE)) - targets == set()
    for group, name, *_ in re.findall(r"\bsealstream (\w+) (\w[\w-]*)", said):
        commands = cli.commands[group]
        assert isinstance(commands, click.Group)
        assert name in commands.commands


SEALSTREAM = [
    shlex.split(line, comments=True)[1:]
    for page in DOCUMENTED
    for block in shell_like_blocks(page)
    for line in block.splitlines()
    if line.startswith("sealstream ")
]


@pytest.mark.parametrize("words", SEALSTREAM, ids=" ".join)
def test_a_command_of_sealstream_takes_its_options(words):
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found

    assert command.make_context(command.name, words)


@pytest.mark.parametrize("block", PYTHON)
def test_a_snippet_compiles_and_what_it_imports_exists(block):
    compile(block, "runbook.md", "exec")
    for module, names in re.findall(r"^from (\S+) import (.+)$", block, re.MULTILINE):
        for name in names.split(", "):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def test_every_reason_of_the_quarantine_is_explained_once():
    explained = [code for row in table(PAGE, "reason")[1:] for code in re.findall(r"`(\w+)`", row[0])]

    assert sorted(Reason) == sorted(explained)


def test_every_error_that_is_explained_exists():
    named = re.findall(r"`(\w+)`", " ".join(row[0] for row in table(PAGE, "`error` in the line")[1:]))

    assert named
    assert [name for name in named if not hasattr(errors, name)] == []


def test_every_finding_that_is_explained_is_one_that_the_code_has():
    folders = ("shared/policy", "shared/reencrypt", "shared/scan", "shared/aws")
    source = "".join(file.read_text("utf-8") for folder in folders for file in (ROOT / folder).glob("*.py"))
    known = [source, *(f"sealed under a {state} data key" for state in KeyState)]
    phrases = re.findall(r"(?<!\*)\*([^*\n]{12,})\*(?!\*)", prose(PAGE))

    assert len(phrases) > 15
    assert [phrase for phrase in phrases if not any(phrase in text for text in known)] == []


def test_whoever_is_let_in_is_added_to_those_who_may_open_and_they_are_named():
    section = PAGE.read_text("utf-8").split("## Let somebody open values")[1].split("\n## ")[0]
    stack = (ROOT / "infra" / "keys_stack.py").read_text("utf-8")
    roles = re.findall(r"self\.(\w+)_use = KeyUse", stack)
    (sentence,) = re.findall(r"policy names (.*?), and denies", section)
    (snippet,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)

    assert len(roles) > 3
    named = sentence.replace("re-enc", "reenc").replace("-", "_").replace(" and ", ", ").split(", ")
    assert sorted(roles) == sorted(named)
    assert "uses += [reader_use]" in snippet
    assert "uses = [" in stack.partition("self.attribute_key = AttributeKey(")[0]
    assert [] == re.findall(r"\w+_use\b", snippet.replace("reader_use", "")), "a list to paste would go out of date"


def _action(method: str) -> str:
    return "".join(map(str.capitalize, method.removesuffix("_batch").split("_")))


def test_the_rights_that_commands_about_dead_letters_need_are_named():
    (paragraph,) = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("Who works on dead lett")]
    queues = (ROOT / "ops" / "deadletter" / "queues.py").read_text("utf-8")
    findings = (ROOT / "shared" / "aws" / "findings_queue.py").read_text("utf-8")
    called = {f"sqs:{_action(name)}" for name in re.findall(r"self\._client\.(\w+)\(", queues + findings)}

    assert len(called) == 5
    assert called | {"lambda:InvokeFunction"} == set(re.findall(r"`(\w+:\w+)`", paragraph))


def test_the_rights_that_deciding_about_entries_needs_are_named():
    (line,) = [line for line in PAGE.read_text("utf-8").splitlines() if "To decide needs" in line]
    index = (ROOT / "ops" / "quarantine" / "index.py").read_text("utf-8")
    called = re.findall(r"self\.dynamodb\.(\w+)\((?:TableName|\"(\w+)\")", index)

    assert {"dynamodb:GetItem", "dynamodb:Scan"} == {f"dynamodb:{_action(page or name)}" for name, page in called}
    assert "to choose by filter also `dynamodb:Scan` on the index" in line
    assert "With `dynamodb:GetItem` on it you are told" in line


def test_what_is_missing_in_the_trail_is_sought_among_what_was_written_since_whenever_it_happened():
    (block,) = [block for block in SHELL if "comm -23" in block]
    written, happened = (
        datetime.fromisoformat(time)
        for option in ("--start-time", "--from")
        for time in re.findall(rf"{option} (?:\"\$\(date -d )?(\S+Z)", block)
    )

    assert (written - happened).total_seconds() >= WRITTEN_WITHIN_SECONDS
