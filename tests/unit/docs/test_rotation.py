"""docs/rotation.md against the code: kinds and phases, verdicts, what keeps a key, the barrier's sum, limits."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise

import pytest
from moto import mock_aws

from consumers.rotation.options import MAX_SEGMENTS, MAX_WORKERS
from consumers.rotation.verdict import RunVerdict
from shared.errors import KeyStoreCorrupt
from shared.keys import barrier
from shared.keys.age import MAX_AGE_SECONDS
from shared.keys.rotation.decide import Obstacle
from shared.runs.model import PHASES
from shared.scan.tally import MAX_KEYS
from tests.fakes.moto_aws import KEY_STORE_TABLE, dynamodb_with_key_store
from tests.unit.docs.pages import ROOT, blocks, table, text_of

PAGE = ROOT / "docs" / "rotation.md"


def _first_words(head: str) -> list[str]:
    return [row[0].strip("`") for row in table(PAGE, head)[1:]]


def test_every_kind_of_run_is_listed_with_its_phases():
    listed = {row[0].strip("`"): re.sub(r" \(.*?\)", "", row[1]) for row in table(PAGE, "kind")[1:]}

    assert {kind.value: ", ".join(phases) for kind, phases in PHASES.items()} == listed


def test_every_verdict_is_explained():
    assert sorted(RunVerdict) == sorted(_first_words("verdict"))


def test_every_reason_to_keep_a_key_says_what_to_do():
    assert sorted([*Obstacle, KeyStoreCorrupt.__name__]) == sorted(_first_words("kept because"))


def test_the_barriers_sum_is_that_of_the_code():
    addends = (
        barrier.CALLS_SECONDS,
        int(MAX_AGE_SECONDS),
        barrier.LONGEST_FUNCTION_SECONDS,
        barrier.SIGNATURE_SECONDS,
        barrier.CLOCK_SKEW_SECONDS,
    )

    assert sum(addends) == barrier.BARRIER_SECONDS
    assert f"{' + '.join(map(str, addends))} = {int(barrier.BARRIER_SECONDS):,} s" in text_of(PAGE)


def test_the_limits_are_those_of_the_code():
    assert f"{MAX_SEGMENTS:,} segments, {MAX_WORKERS} workers" in text_of(PAGE)
    assert f"over {MAX_KEYS:,} replaced keys" in text_of(PAGE)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("present", "active"), ("present", "retired")], 0),
        ([("present", "active"), ("former-1", "active"), ("former-2", "retired")], 2),
        ([("former-1", "destroyed"), (None, None)], 0),
    ],
    ids=["none", "two former keys", "destroyed and pointers"],
)
def test_the_check_of_former_kms_keys_counts_what_any_of_them_wraps(monkeypatch, rows, expected):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    page = "\n".join(blocks(PAGE, "sh")).replace("\\\n", "").replace("$SEALSTREAM_ATTRIBUTE_KEY", "present")
    (check,) = (line for line in page.splitlines() if "kms_key_arn" in line)
    options = dict(pairwise(shlex.split(check)))
    with mock_aws():
        client = dynamodb_with_key_store()
        for number, (arn, state) in enumerate(rows):
            wrapped = {"kms_key_arn": {"S": arn}, "state": {"S": state}} if arn else {}
            client.put_item(
                TableName=KEY_STORE_TABLE, Item={"tenant_id": {"S": "acme"}, "row": {"S": f"row#{number}"}, **wrapped}
            )
        counted = client.scan(
            TableName=KEY_STORE_TABLE,
            FilterExpression=options["--filter-expression"],
            ExpressionAttributeNames=json.loads(options["--expression-attribute-names"]),
            ExpressionAttributeValues=json.loads(options["--expression-attribute-values"]),
        )["Count"]
    assert expected == counted
