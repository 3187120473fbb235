from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.local_aws.event_source_mappings.delivery import (
    MAX_PAYLOAD_BYTES,
    Batch,
    Condition,
    Discard,
    Invocation,
    Next,
    NotReached,
    Raised,
    Returned,
    Settings,
    StreamRecord,
    after,
    batch_length,
    drop_expired,
    event_of,
    first_failure,
    is_due,
    lane_of,
    record_json,
)
from tests.evidence import evidence


def record(number: int, *, key: str = "key", arrived_at: float = 0, size_bytes: int = 10) -> StreamRecord:
    return StreamRecord(str(number), key, arrived_at, "x" * (size_bytes - 1))


def records(*numbers: int) -> tuple[StreamRecord, ...]:
    return tuple(record(number) for number in numbers)


def deliver(
    batch: Sequence[StreamRecord], function: Callable[[list[int]], Invocation], settings: Settings
) -> tuple[list[list[int]], list[Discard]]:
    """What the function saw, delivery by delivery, and what was given up, until nothing remains."""
    seen: list[list[int]] = []
    discards: list[Discard] = []
    waiting = deque([Batch(tuple(batch))])
    while waiting:
        now = waiting.popleft()
        seen.append([int(one.sequence_number) for one in now.records])
        following = after(now, function(seen[-1]), settings)
        waiting.extendleft(reversed(following.batches))
        if following.discard:
            discards.append(following.discard)
    return seen, discards


def raises_on(*poison: int) -> Callable[[list[int]], Invocation]:
    return lambda numbers: Raised() if set(poison) & set(numbers) else Returned(None)


def reports(*poison: int) -> Callable[[list[int]], Invocation]:
    return lambda numbers: Returned(
        {"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers if number in poison]}
    )


def numbers_of(discard: Discard) -> list[int]:
    return [int(one.sequence_number) for one in discard.records]


class TestSettings:
    def test_a_mapping_without_settings_has_the_defaults_of_aws(self) -> None:
        assert Settings(100, 0, 1, reports_item_failures=False, bisects=False) == Settings.of({})

    def test_a_mapping_as_the_api_gives_it_is_understood(self) -> None:
        mapping = {
            "BatchSize": 5,
            "MaximumBatchingWindowInSeconds": 2,
            "ParallelizationFactor": 3,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": 0,
            "MaximumRecordAgeInSeconds": 60,
            "DestinationConfig": {"OnFailure": {"Destination": "arn"}},
        }
        assert Settings(5, 2, 3, True, True, 0, 60, "arn") == Settings.of(mapping)

    def test_the_texts_that_cloudformation_leaves_are_understood(self) -> None:
        mapping = {"BatchSize": "5", "BisectBatchOnFunctionError": "false", "DestinationConfig": {"OnFailure": {}}}
        assert Settings(batch_size=5) == Settings.of(mapping)


class TestBatches:
    def test_a_batch_holds_at_most_its_size(self) -> None:
        assert batch_length(records(1, 2, 3), Settings(batch_size=2)) == 2
        assert batch_length(records(1), Settings(batch_size=2)) == 1

    def test_an_event_is_never_larger_than_lambda_accepts(self) -> None:
        third = MAX_PAYLOAD_BYTES // 3
        batch = [record(number, size_bytes=third) for number in range(4)]
        length = batch_length(batch, Settings())
        assert length == 2  # the envelope takes a few bytes too
        assert len(event_of(batch[:length])) <= MAX_PAYLOAD_BYTES < len(event_of(batch[: length + 1]))

    def test_a_single_record_is_a_batch_whatever_its_size(self) -> None:
        assert batch_length([record(1, size_bytes=MAX_PAYLOAD_BYTES + 1)], Settings()) == 1

    def test_without_a_window_a_batch_goes_at_once(self) -> None:
        assert is_due(records(1), 0, Settings())

    def test_a_batch_waits_for_its_window(self) -> None:
        settings = Settings(batch_size=10, window_seconds=2)
        assert not is_due(records(1, 2), 1.9, settings)
        assert is_due(records(1, 2), 2, settings)

    def test_a_full_batch_does_not_wait(self) -> None:
        assert is_due(records(1, 2), 0, Settings(batch_size=2, window_seconds=300))

    def test_a_batch_full_by_size_does_not_wait(self) -> None:
        batch = [record(number, size_bytes=MAX_PAYLOAD_BYTES // 2) for number in range(2)]
        assert is_due(batch, 0, Settings(window_seconds=300))

    def test_nothing_is_never_due(self) -> None:
        assert not is_due((), 1000, Settings())

    def test_a_deque_will_do(self) -> None:
        assert batch_length(deque(records(1, 2, 3)), Settings(batch_size=2)) == 2

    @given(st.text(max_size=20), st.integers(1, 10))
    def test_a_key_stays_in_one_lane_of_those_there_are(self, key: str, factor: int) -> None:
        assert lane_of(key, factor) == lane_of(key, factor)
        assert 0 <= lane_of(key, factor) < factor

    def test_keys_use_all_lanes(self) -> None:
        assert set(range(10)) == {lane_of(f"key{number}", 10) for number in range(200)}

    def test_the_event_holds_the_records_in_order(self) -> None:
        batch = [StreamRecord(str(number), "", 0, record_json({"é": number})) for number in (1, 2)]
        assert json.loads(event_of(batch)) == {"Records": [{"é": 1}, {"é": 2}]}


RECORDED = "tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_kinesis.py::TestKinesisSource::"
SUCCESSES: dict[str, Any] = {
    "empty_string_success": "",
    "empty_list_success": [],
    "null_success": None,
    "empty_dict_success": {},
    "empty_batch_item_failure_success": {"batchItemFailures": []},
    "null_batch_item_failure_success": {"batchItemFailures": None},
}
FAILURES: dict[str, Any] = {
    "empty_string_item_identifier_failure": {"batchItemFailures": [{"itemIdentifier": ""}]},
    "null_item_identifier_failure": {"batchItemFailures": [{"itemIdentifier": None}]},
    "invalid_key_foo_failure": {"batchItemFailures": [{"foo": "7"}]},
    "invalid_key_foo_null_value_failure": {"batchItemFailures": [{"foo": None}]},
    "item_identifier_not_present_failure": {"batchItemFailures": [{"itemIdentifier": "not-in-the-batch"}]},
}


class TestPartialBatchResponse:
    @pytest.mark.parametrize("scenario", SUCCESSES)
    def test_an_empty_answer_is_a_success_as_recorded(self, scenario: str) -> None:
        recording = evidence("aws_recorded_kinesis_event_source_mapping.json")
        name = f"{RECORDED}test_kinesis_report_batch_item_success_scenarios[{scenario}]"
        deliveries = recording[name]["recorded-content"]["kinesis_events"]
        seen, discards = deliver(
            records(1), lambda _: Returned(SUCCESSES[scenario]), Settings(reports_item_failures=True, max_retries=2)
        )
        assert len(deliveries) == len(seen)
        assert discards == []

    @pytest.mark.parametrize("scenario", [*FAILURES, "unhandled_exception_in_function"])
    def test_an_unusable_answer_fails_the_batch_as_recorded(self, scenario: str) -> None:
        recording = evidence("aws_recorded_kinesis_event_source_mapping.json")
        content = recording[f"{RECORDED}test_kinesis_report_batch_item_failure_scenarios[{scenario}]"][
            "recorded-content"
        ]
        told = content["sqs_payload"]["Messages"][0]["Body"]
        answer = Returned(FAILURES[scenario]) if scenario in FAILURES else Raised()
        seen, [discard] = deliver(records(1), lambda _: answer, Settings(reports_item_failures=True, max_retries=2))
        assert len(content["kinesis_events"]) == len(seen)
        assert told["requestContext"]["approximateInvokeCount"] == discard.invoke_count
        assert told["requestContext"]["condition"] == discard.condition
        assert told["responseContext"]["functionError"] == discard.function_error

    @pytest.mark.parametrize(
        "answer", [*FAILURES.values(), "text", 7, [1], {"batchItemFailures": "7"}, {"batchItemFailures": ["7"]}]
    )
    def test_an_unusable_answer_fails_the_batch_from_its_start(self, answer: Any) -> None:
        assert first_failure(answer, ["7", "8"]) == 0

    @pytest.mark.parametrize("answer", [*SUCCESSES.values(), {"other": 1}])
    def test_an_empty_answer_is_a_success(self, answer: Any) -> None:
        assert first_failure(answer, ["7", "8"]) is None

    def test_the_lowest_reported_record_is_the_checkpoint(self) -> None:
        answer = {"batchItemFailures": [{"itemIdentifier": "9"}, {"itemIdentifier": "8"}]}
        assert first_failure(answer, ["7", "8", "9"]) == 1

    def test_one_unknown_identifier_among_known_ones_fails_the_whole_batch(self) -> None:
        answer = {"batchItemFailures": [{"itemIdentifier": "9"}, {"itemIdentifier": "4"}]}
        assert first_failure(answer, ["7", "8", "9"]) == 0

    def test_without_the_setting_the_answer_means_nothing(self) -> None:
        assert deliver(records(1, 2), reports(1), Settings(max_retries=0)) == ([[1, 2]], [])

    def test_what_remains_after_progress_has_the_whole_quota_as_recorded(self) -> None:
        # Recorded: [1, 2, 3], [4, 5, 6] with 6 reported, then 6 alone once and three retries; invoke count 4.
        recording = evidence("aws_recorded_kinesis_event_source_mapping.json")
        content = recording[f"{RECORDED}test_kinesis_report_batch_item_failures"]["recorded-content"]
        told = content["sqs_payload"]["Messages"][0]["Body"]["requestContext"]
        settings = Settings(batch_size=3, max_retries=3, reports_item_failures=True)
        seen, [discard] = deliver(records(4, 5, 6), reports(6), settings)
        assert seen == [[4, 5, 6], [6], [6], [6], [6]]
        delivered = [one["kinesis"]["sequenceNumber"] for one in content["kinesis_records"]["Records"]]
        assert delivered.count("<sequence-number:6>") == sum(6 in batch for batch in seen)
        assert told["approximateInvokeCount"] == discard.invoke_count

    def test_all_from_the_checkpoint_on_is_given_up_together(self) -> None:
        seen, [discard] = deliver(records(1, 2, 3), reports(2), Settings(max_retries=1, reports_item_failures=True))
        assert seen == [[1, 2, 3], [2, 3], [2, 3]]
        assert numbers_of(discard) == [2, 3]


class TestRetries:
    @pytest.mark.parametrize("retries", [0, 1, 3])
    def test_a_failing_batch_is_delivered_once_and_then_retried_as_often_as_allowed(self, retries: int) -> None:
        seen, [discard] = deliver(records(1, 2), raises_on(2), Settings(max_retries=retries))
        assert [[1, 2]] * (1 + retries) == seen
        expected = Discard(records(1, 2), Condition.RETRY_ATTEMPTS_EXHAUSTED, 1 + retries, "Unhandled")
        assert expected == discard

    def test_without_a_limit_it_is_never_given_up(self) -> None:
        batch = Batch(records(1), failures=100_000)
        assert Next((Batch(records(1), 100_001),), failed=True) == after(batch, Raised(), Settings())

    def test_a_batch_that_did_not_reach_the_function_uses_up_nothing(self) -> None:
        batch = Batch(records(1, 2), failures=1)
        settings = Settings(max_retries=1, bisects=True, reports_item_failures=True)
        assert Next((batch,)) == after(batch, NotReached(), settings)


class TestBisecting:
    def test_poison_is_isolated_and_its_neighbours_are_processed(self) -> None:
        seen, [discard] = deliver(records(1, 2, 3, 4), raises_on(2), Settings(max_retries=1, bisects=True))
        assert seen == [[1, 2, 3, 4], [1, 2], [1], [2], [2], [3, 4]]
        assert numbers_of(discard) == [2]

    def test_a_split_does_not_use_up_the_retry_quota(self) -> None:
        _, [discard] = deliver(records(*range(64)), raises_on(7), Settings(max_retries=2, bisects=True))
        assert (discard.invoke_count, numbers_of(discard)) == (3, [7])

    def test_with_partial_batch_responses_the_split_is_at_the_reported_record(self) -> None:
        settings = Settings(max_retries=0, bisects=True, reports_item_failures=True)
        seen, [discard] = deliver(records(1, 2, 3, 4), reports(3), settings)
        assert seen == [[1, 2, 3, 4], [3, 4], [3], [4]]
        assert numbers_of(discard) == [3]

    @given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.booleans(), st.integers(0, 3))
    def test_each_record_is_processed_in_order_or_given_up_and_only_poison_is(
        self, count: int, poison: set[int], reporting: bool, retries: int
    ) -> None:
        settings = Settings(max_retries=retries, bisects=True, reports_item_failures=reporting)
        function = (reports if reporting else raises_on)(*poison)
        seen, discards = deliver(records(*range(count)), function, settings)
        assert sorted(poison & set(range(count))) == [number for one in discards for number in numbers_of(one)]
        first_seen = list(dict.fromkeys(number for batch in seen for number in batch))
        assert list(range(count)) == first_seen


class TestAge:
    SETTINGS = Settings(max_age_seconds=60, max_retries=0)

    def test_records_that_are_too_old_are_given_up_and_the_others_are_delivered(self) -> None:
        old, fresh = record(1, arrived_at=39.9), record(2, arrived_at=40)
        expected = Next((Batch((fresh,)),), Discard((old,), Condition.RECORD_AGE_EXCEEDED, 1))
        assert expected == drop_expired(Batch((old, fresh)), 100, self.SETTINGS)

    def test_a_batch_that_grew_old_while_it_was_retried_is_given_up(self) -> None:
        batch = Batch(records(1), failures=7)
        assert Next((), Discard(records(1), Condition.RECORD_AGE_EXCEEDED, 8)) == drop_expired(batch, 61, self.SETTINGS)

    @pytest.mark.parametrize("settings", [Settings(), SETTINGS])
    def test_nothing_is_given_up_that_is_not_too_old(self, settings: Settings) -> None:
        batch = Batch((record(1, arrived_at=1),))
        assert Next((batch,)) == drop_expired(batch, 61, settings)


def test_values_and_keys_do_not_show_in_a_repr() -> None:
    shown = repr(StreamRecord("1", "secret-key", 0, "secret-event")) + repr(Returned("secret-answer"))
    assert "secret" not in shown
