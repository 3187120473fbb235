"""docs/runbook.md against the tools it uses: commands, their options, reason codes, the replay of dead letters."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby

import botocore.session
import click
import pytest
from botocore import xform_name

from ops.cli import cli
from shared import errors
from shared.errors import Reason
from shared.model import KeyState
from tests.unit.docs.pages import PAGES as DOCUMENTED
from tests.unit.docs.pages import ROOT, blocks, code_spans, prose, shell_like_blocks, table

PAGE = ROOT / "docs" / "runbook.md"
PAGES = (PAGE, ROOT / "docs" / "rotation.md", ROOT / "docs" / "local_aws.md", ROOT / "README.md")
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
GLOBAL_OPTIONS = {"query", "output", "endpoint-url", "region", "profile"}
LAMBDA_TAKES_BYTES = 6 * 1024 * 1024


def test_the_page_has_commands_and_snippets():
    assert (len(SHELL) > 15, len(COMMANDS) > 25, len(PYTHON), len(SEALSTREAM) > 20) == (True, True, 3, True)


@pytest.mark.parametrize("block", SHELL)
def test_a_shell_block_parses(block):
    done = subprocess.run(["bash", "-n"], input=block, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_of_aws_and_its_options_exist(command):
    _, service, operation, *rest = command
    model = botocore.session.get_session().get_service_model(service)
    options = {word[2:].partition("=")[0] for word in rest if word.startswith("--")} - GLOBAL_OPTIONS
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service).waiter_names
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
    for group, name, *_ in re.findall(r"\bsealstream (\w+) (\w+)", said):
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


class FakeKinesis:
    """Five records of one shard, two a page."""

    def __init__(self, bytes_each=0):
        self.records = [
            {
                "SequenceNumber": str(number),
                "PartitionKey": "key",
                "ApproximateArrivalTimestamp": datetime.fromtimestamp(1_700_000_000.25, UTC),
                "Data": b"payload %d" % number + bytes(bytes_each),
            }
            for number in range(10, 15)
        ]

    def get_shard_iterator(self, **asked):
        assert asked["ShardIteratorType"] == "AT_SEQUENCE_NUMBER"
        numbers = [record["SequenceNumber"] for record in self.records]
        return {"ShardIterator": str(numbers.index(asked["StartingSequenceNumber"]))}

    def get_records(self, **asked):
        start = int(asked["ShardIterator"])
        page = self.records[start : start + 2]
        return {"Records": page, "NextShardIterator": str(start + 2), "MillisBehindLatest": len(self.records) - start}


class FakeFunctions:
    def __init__(self):
        self.payloads = []

    def invoke(self, **asked):
        self.payloads.append(asked["Payload"])
        return {"Payload": BytesIO(b'{"batchItemFailures": []}')}

    @property
    def delivered(self):
        return [record for payload in self.payloads for record in json.loads(payload)["Records"]]


STREAM = "arn:aws:kinesis:eu-central-1:111122223333:stream/source"


@pytest.fixture
def recover(monkeypatch, tmp_path):
    """Runs the page's snippet for a letter of sequence numbers 11 to 13; gives what was invoked, and how."""

    def run(kinesis):
        functions, configs = FakeFunctions(), []

        def make(service, *, config):
            configs.append(config)
            return {"lambda": functions}[service]

        place = {"shardId": "shardId-1", "startSequenceNumber": "11", "endSequenceNumber": "13", "streamArn": STREAM}
        letter = tmp_path / "letter.json"
        letter.write_text(json.dumps({"KinesisBatchInfo": place}), encoding="utf-8")
        monkeypatch.setattr("shared.aws.clients.client", {"kinesis": kinesis}.__getitem__)
        monkeypatch.setattr("boto3.client", make)
        monkeypatch.setenv("SEALSTREAM_ENCRYPTOR", "sealstream-encryptor")
        monkeypatch.setattr(sys, "argv", ["-", str(letter)])
        (snippet,) = (block for block in PYTHON if "KinesisBatchInfo" in block)
        exec(compile(snippet, "runbook.md", "exec"), {})  # noqa: S102 - the page's own snippet
        return functions, configs

    return run


def test_a_dead_letter_is_delivered_again_at_its_own_positions_and_nothing_beside_it(recover, capsys):
    functions, _ = recover(FakeKinesis())

    records = functions.delivered
    assert ["11", "12", "13"] == [record["kinesis"]["sequenceNumber"] for record in records]
    assert [b"payload 11", b"payload 12", b"payload 13"] == [b64decode(one["kinesis"]["data"]) for one in records]
    assert {("shardId-1", STREAM, 1_700_000_000.25)} == {
        (one["eventID"].partition(":")[0], one["eventSourceARN"], one["kinesis"]["approximateArrivalTimestamp"])
        for one in records
    }
    assert capsys.readouterr().out.count('{"batchItemFailures": []}') == 2


@pytest.mark.parametrize(("bytes_each", "invocations"), [(2_200_000, 2), (2_300_000, 3), (4_000_000, 3)])
def test_no_invocation_for_a_dead_letter_is_larger_than_lambda_takes(recover, bytes_each, invocations):
    functions, _ = recover(FakeKinesis(bytes_each))

    assert ["11", "12", "13"] == [record["kinesis"]["sequenceNumber"] for record in functions.delivered]
    assert invocations == len(functions.payloads)
    assert max(map(len, functions.payloads)) <= LAMBDA_TAKES_BYTES


def test_a_slow_invocation_for_a_dead_letter_is_waited_for_and_never_repeated(recover):
    infra = (ROOT / "infra" / "encryptor.py").read_text(encoding="utf-8")
    (timeout,) = re.findall(r"timeout=cdk\.Duration\.seconds\((\d+)\)", infra)

    _, (config,) = recover(FakeKinesis())

    assert config.read_timeout >= int(timeout) + 10
    assert config.retries == {"total_max_attempts": 1}
