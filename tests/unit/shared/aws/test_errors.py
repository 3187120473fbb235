"""botocore's errors become this project's, without what was sent."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError, ParamValidationError

from shared.aws.errors import cancellation_codes, error_code, store_error
from shared.errors import SettingsError, StoreDenied, StoreUnavailable


def refused(code: str, **more: object) -> ClientError:
    response: dict[str, object] = {"Error": {"Code": code, "Message": "CANARY"}, **more}
    return ClientError(response, "PutItem")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (refused("ThrottlingException"), StoreUnavailable, "writing: ThrottlingException"),
        (
            refused("AccessDeniedException", ResponseMetadata={"RequestId": "request-1"}),
            StoreDenied,
            "writing: AccessDeniedException (request request-1)",
        ),
        (
            refused(
                "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "ThrottlingError"}]
            ),
            StoreUnavailable,
            "writing: TransactionCanceledException [ThrottlingError]",
        ),
        (ParamValidationError(report="CANARY"), StoreUnavailable, "writing: ParamValidationError"),
        (EndpointConnectionError(endpoint_url="CANARY"), StoreUnavailable, "writing: EndpointConnectionError"),
        (NoRegionError(), SettingsError, "writing: NoRegionError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_store_error_says_what_was_done_and_the_code_only(error, expected, text):
    translated = store_error(error, "writing")
    assert (expected, text) == (type(translated), str(translated))


def test_only_a_cancelled_transaction_has_cancellation_codes():
    cancelled = refused("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {}])
    assert cancellation_codes(cancelled) == ("None", "unknown")
    assert cancellation_codes(refused("ThrottlingException")) == ()
    assert cancellation_codes(NoRegionError()) == ()


def test_an_answer_without_a_code_is_an_unknown_error():
    assert error_code(ClientError({}, "PutItem")) == "unknown"
