"""S3: what a put that names no KMS key of its own is encrypted with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

_ALGORITHM: Final = "x-amz-server-side-encryption"
_KEY: Final = "x-amz-server-side-encryption-aws-kms-key-id"

_stock_resolve = s3._resolve_sse_write_headers


def apply() -> None:
    """Make MiniStack's S3 find a key where a put names none."""
    s3._resolve_sse_write_headers = _resolve


def _resolve(headers: Mapping[str, str], bucket_name: str) -> Any:
    """AWS: `aws:kms` without a key means the account's own key for S3; stock refuses the put."""
    if headers.get(_ALGORITHM) == "aws:kms" and not headers.get(_KEY):
        own = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
        headers = {**headers, _KEY: own}
    return _stock_resolve(headers, bucket_name)
