"""From botocore's errors to this project's tree; translated here, once, for every adapter.

An adapter writes

    except AWS_ERRORS as error:
        raise store_error(error, "reading the key store") from None

`from None` since botocore's messages can hold what was sent (`ParamValidationError` prints it). What is raised says
the operation, AWS's code and the request id, which is enough to find the call in CloudTrail.
"""

from __future__ import annotations

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from shared.errors import DoesNotOpen, KeyDenied, KeyServiceUnavailable, SettingsError, StoreDenied, StoreUnavailable

AWS_ERRORS: Final = (ClientError, BotoCoreError)

_NOT_CONFIGURED: Final = (NoCredentialsError, NoRegionError, PartialCredentialsError, ProfileNotFound)
_DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied"})
_ENDED: Final = frozenset({"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException"})
"""What a service says of credentials that are none, or none any more."""
_DOES_NOT_OPEN: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


def error_code(error: ClientError | BotoCoreError) -> str:
    """AWS's code, or the class name where botocore itself failed."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__


def cancellation_codes(error: ClientError | BotoCoreError) -> tuple[str, ...]:
    """Why DynamoDB cancelled a transaction, one code per action; empty for any other error."""
    if not isinstance(error, ClientError) or error_code(error) != "TransactionCanceledException":
        return ()
    return tuple(str(reason.get("Code", "unknown")) for reason in error.response.get("CancellationReasons", ()))


def store_error(error: ClientError | BotoCoreError, doing: str) -> StoreUnavailable | SettingsError:
    """For DynamoDB, S3, SQS: a refusal that the adapter did not expect is not the record's fault, so it is retried."""
    if isinstance(error, _NOT_CONFIGURED):
        return SettingsError(_describe(error, doing))
    kind = StoreDenied if error_code(error) in _DENIED | _ENDED else StoreUnavailable
    return kind(_describe(error, doing))


def key_service_error(
    error: ClientError | BotoCoreError, doing: str
) -> KeyServiceUnavailable | KeyDenied | DoesNotOpen | SettingsError:
    """For KMS: denied, not what was wrapped, or (throttled, down, key disabled or pending deletion) not now."""
    if isinstance(error, _NOT_CONFIGURED):
        return SettingsError(_describe(error, doing))
    code = error_code(error)
    if code in _DENIED:
        return KeyDenied(_describe(error, doing))
    if code in _DOES_NOT_OPEN:
        return DoesNotOpen(_describe(error, doing))
    return KeyServiceUnavailable(_describe(error, doing))


def _describe(error: ClientError | BotoCoreError, doing: str) -> str:
    request_id = ""
    if isinstance(error, ClientError):
        request_id = str(error.response.get("ResponseMetadata", {}).get("RequestId", ""))
    codes = ", ".join(code for code in cancellation_codes(error) if code != "None")
    return (
        f"{doing}: {error_code(error)}"
        + (f" [{codes}]" if codes else "")
        + (f" (request {request_id})" * bool(request_id))
    )
