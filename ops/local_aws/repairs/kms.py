"""KMS: the operations that MiniStack lacks, and the checks that every operation makes first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.core.responses import get_account_id
from ministack.services import kms

from ops.local_aws.repairs import kms_ciphertext, kms_rotation
from ops.local_aws.repairs.kms_request import Key, KmsRefusal, Request, Response, check_request

_DRY_RUN: Final = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
_SUCCESS: Final = 200

_ADDED: Final[Mapping[str, Callable[[Request], Response]]] = {
    "ReEncrypt": kms_ciphertext.re_encrypt,
    "RotateKeyOnDemand": kms_rotation.rotate_key_on_demand,
    "ListKeyRotations": kms_rotation.list_key_rotations,
}

_stock_handle_request = kms.handle_request
_stock_key_metadata = kms._key_metadata


def apply() -> None:
    """Make MiniStack's KMS what the repairs of this module and its neighbours say."""
    kms_ciphertext.apply()
    kms_rotation.apply()
    kms.handle_request = handle_request
    kms._dry_run_error = lambda _operation: KmsRefusal(*_DRY_RUN).response()
    kms._key_metadata = key_metadata


async def handle_request(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Response:
    """Answer one request: AWS's checks, then the added operation or MiniStack's own."""
    request = _parsed(body)
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        check_request(action, request)
        if action in _ADDED:
            response = _ADDED[action](request)
        else:
            response = await _stock_handle_request(method, path, headers, body, query)
        if response[0] == _SUCCESS and request.get("DryRun"):
            # The cryptographic operations change nothing, so they may run before their result is withheld.
            return KmsRefusal(*_DRY_RUN).response()
    except KmsRefusal as refusal:
        return refusal.response()
    return response


def key_metadata(key: Key) -> dict[str, Any]:
    """DescribeKey's answer: names the account, and only the algorithms that the key has."""
    metadata = {"AWSAccountId": get_account_id(), **_stock_key_metadata(key)}
    return {name: value for name, value in metadata.items() if value or not name.endswith("Algorithms")}


def _parsed(body: bytes) -> Request:
    """The request's fields; none for a body that MiniStack itself will refuse."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}
