"""A failure's line tells where to look and no value."""

from __future__ import annotations

import io
import json
import logging
from contextlib import redirect_stdout

import pytest

from shared.errors import StoreUnavailable
from shared.runtime.log import json_lines, log_failure, quiet_libraries

CANARY = "4111111111111111"


def raised(error: Exception) -> Exception:
    try:
        card_number = CANARY  # a frame local, which a traceback with locals would print
        assert card_number
        raise error
    except type(error) as caught:
        return caught


def test_an_error_of_ours_is_logged_with_its_message():
    out = io.StringIO()
    log_failure(raised(StoreUnavailable("key store keys did not answer")), out=out, sequence_number="7")
    logged = json.loads(out.getvalue())
    assert logged.pop("raised_at").startswith("tests/unit/shared/runtime/test_log.py:")
    expected = {
        "event": "failure",
        "error": "StoreUnavailable",
        "sequence_number": "7",
        "message": "key store keys did not answer",
    }
    assert expected == logged


def test_another_error_is_logged_by_type_and_place_only():
    out = io.StringIO()
    error = raised(ValueError(f"invalid literal: {CANARY}"))
    error.add_note(CANARY)
    error.__cause__ = KeyError(CANARY)
    log_failure(error, out=out)
    logged = json.loads(out.getvalue())
    assert {"event", "error", "raised_at"} == logged.keys()
    assert logged["error"] == "ValueError"
    assert CANARY not in out.getvalue()


def test_the_place_is_the_innermost_in_this_projects_code():
    out = io.StringIO()
    try:
        json.loads(CANARY + "x")
    except ValueError as error:
        log_failure(error, out=out)
    assert "tests/unit/shared/runtime/test_log.py:" in json.loads(out.getvalue())["raised_at"]


def test_an_error_that_was_never_raised_has_no_place():
    out = io.StringIO()
    log_failure(ValueError(CANARY), out=out)
    assert json.loads(out.getvalue())["raised_at"] == "unknown"


@pytest.fixture
def levels():
    names = ["", "botocore", "boto3", "urllib3", "s3transfer"]
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
def test_libraries_stay_quiet_whatever_level_is_set(caplog):
    logging.getLogger().setLevel(logging.DEBUG)
    quiet_libraries()
    logging.getLogger("botocore.endpoint").debug(CANARY)
    assert CANARY not in caplog.text


def test_standard_output_is_looked_up_at_each_line():
    log = json_lines()
    first, second = io.StringIO(), io.StringIO()
    for replacement in (first, second):
        with redirect_stdout(replacement):
            log.msg("x", number=1)
    expected = '{"event":"x","number":1}\n'
    assert [expected, expected] == [first.getvalue(), second.getvalue()]
