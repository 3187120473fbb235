"""A failure is retried from its record on; the batch's response is what Lambda understands."""

from __future__ import annotations

import traceback

import pytest

from shared.errors import BatchFailed, StoreUnavailable
from shared.runtime.batch import attempt, in_order, partial_batch_response, seconds_left, whole_batch

CANARY = "4111111111111111"


def fails(error):
    def work():
        raise error

    return work


def test_work_stops_at_the_first_failure_and_names_it(capsys):
    done = []
    batch = [
        ("10", lambda: done.append("10")),
        ("11", fails(StoreUnavailable("key store keys did not answer"))),
        ("12", lambda: done.append("12")),
    ]
    assert in_order(batch) == ["11"]
    assert done == ["10"]
    assert '"sequence_number":"11"' in capsys.readouterr().out


def test_nothing_failed_is_no_identifier():
    assert in_order([("10", lambda: None), ("11", lambda: None)]) == []


def test_a_failure_that_nobody_foresaw_is_logged_without_its_message(capsys):
    assert not attempt("11", fails(ZeroDivisionError(CANARY)))
    out, err = capsys.readouterr()
    assert "ZeroDivisionError" in out
    assert CANARY not in out + err


def test_an_interrupt_is_no_failure_of_a_record():
    with pytest.raises(KeyboardInterrupt):
        attempt("11", fails(KeyboardInterrupt()))


def test_the_response_lists_each_failed_record_once_lowest_first():
    expected = {"batchItemFailures": [{"itemIdentifier": "9"}, {"itemIdentifier": "10"}]}
    assert expected == partial_batch_response(["10", "9", "10"])


def test_a_batch_without_failures_is_an_empty_list():
    assert partial_batch_response([]) == {"batchItemFailures": []}


def test_an_empty_identifier_is_refused():
    with pytest.raises(ValueError, match="empty identifier"):
        partial_batch_response(["9", ""])


def test_messages_of_a_queue_are_reported_and_logged_by_their_ids(capsys):
    message_id = "059f36b4-87a3-44ab-83d2-661975830a7d"
    assert {"batchItemFailures": [{"itemIdentifier": message_id}]} == partial_batch_response([message_id])
    assert not attempt(message_id, fails(StoreUnavailable("down")), named="message_id")
    assert f'"message_id":"{message_id}"' in capsys.readouterr().out


def test_the_time_that_is_left_is_told_in_seconds():
    class Context:
        def get_remaining_time_in_millis(self):
            return 1_500

    assert 1.5 == seconds_left(Context())


def test_a_whole_batch_gives_what_its_work_gives():
    assert 7 == whole_batch(lambda: 7)


def test_an_error_of_this_project_leaves_a_whole_batch_as_it_is():
    with pytest.raises(StoreUnavailable, match="did not answer"):
        whole_batch(fails(StoreUnavailable("key store keys did not answer")))


def test_what_nobody_foresaw_leaves_a_whole_batch_as_an_error_that_quotes_nothing(capsys):
    with pytest.raises(BatchFailed) as failed:
        whole_batch(fails(KeyError(CANARY)))

    out, err = capsys.readouterr()
    assert "KeyError" in out
    assert CANARY not in out + err + "".join(traceback.format_exception(failed.value))
